package transport

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// At most so many attempts are under way at once, and each gets its turn.
func TestGateBoundsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 500
		var g Gates
		var underWay, most, in atomic.Int32
		began := time.Now()
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				leave, err := g.enter(t.Context(), "broker", 100*time.Millisecond)
				if err != nil {
					return
				}
				most.Store(max(most.Load(), underWay.Add(1)))
				time.Sleep(10 * time.Millisecond) // a handshake
				underWay.Add(-1)
				in.Add(1)
				leave(true)
			})
		}
		all.Wait()
		require.EqualValues(t, clients, in.Load(), "they wait longer than their patience as long as others get in")
		require.LessOrEqual(t, most.Load(), int32(mostHandshakes))
		require.Equal(t, (clients+mostHandshakes-1)/mostHandshakes*10*time.Millisecond, time.Since(began))
		require.Empty(t, g.gates)
	})
}

// An endpoint that lets in nobody is given up by all who wait for it, after their patience.
func TestGateOfADeadEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gates
		var refused atomic.Int32
		began := time.Now()
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				leave, err := g.enter(t.Context(), "broker", time.Second)
				if err != nil {
					require.ErrorIs(t, err, Timeout(time.Second))
					refused.Add(1)
					return
				}
				time.Sleep(time.Second)
				leave(false)
			})
		}
		all.Wait()
		require.Greater(t, refused.Load(), int32(400))
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		require.Empty(t, g.gates)
	})
}

// Who gives up while others are under way leaves the turn to the next.
func TestGateIsLeftEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gates
		var leaves []func(bool)
		for range mostHandshakes {
			leave, err := g.enter(t.Context(), "broker", time.Hour)
			require.NoError(t, err)
			leaves = append(leaves, leave)
		}
		ctx, cancel := context.WithTimeout(t.Context(), longestTurn/2)
		defer cancel()
		_, err := g.enter(ctx, "broker", time.Hour)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = g.enter(t.Context(), "another", time.Hour)
		require.NoError(t, err, "each endpoint has its own")
		began := time.Now()
		leave, err := g.enter(t.Context(), "broker", time.Hour)
		require.NoError(t, err)
		require.Equal(t, longestTurn/2, time.Since(began), "an attempt that takes long does not hold up the others")
		leave(true)
		for _, leave := range leaves {
			leave(true)
		}
	})
}

// An endpoint that others wait for, or that has let somebody in since, is busy rather than starting, and gets
// no hedges.
func TestBusyEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gates
		began := time.Now()
		require.False(t, g.isBusy("broker", began))
		first, err := g.enter(t.Context(), "broker", time.Hour)
		require.NoError(t, err)
		second, err := g.enter(t.Context(), "broker", time.Hour)
		require.NoError(t, err)
		require.False(t, g.isBusy("broker", began))
		time.Sleep(time.Millisecond)
		first(true)
		require.True(t, g.isBusy("broker", began))
		require.False(t, g.isBusy("broker", time.Now()))
		second(false)
	})
}

// The users of a connection open channels in turns, until it is over.
func TestTurnsToOpenAChannel(t *testing.T) {
	c := &Conn{opening: make(chan struct{}, mostOpening), over: newSignal()}
	release, err := c.Turn(t.Context())
	require.NoError(t, err)
	for range mostOpening - 1 {
		_, err := c.Turn(t.Context())
		require.NoError(t, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Turn(ended)
	require.ErrorIs(t, err, context.Canceled)
	release()
	_, err = c.Turn(t.Context())
	require.NoError(t, err)
	c.over.raise(context.DeadlineExceeded)
	_, err = c.Turn(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
