package clients

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// consumeFrom runs a consumer of a fake broker until stop is called, which returns what Run returned.
func consumeFrom(t *testing.T, b *fakeBroker, h Handler, opts ...ConsumerOption) (c *Consumer,
	stop func() error) {
	t.Helper()
	c, err := NewConsumer([]string{b.uri()}, "q", h, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	t.Cleanup(cancel)
	return c, func() error {
		cancel()
		return <-ran
	}
}

func soon(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 10*time.Second, time.Millisecond)
}

// Each message is acknowledged, put back or rejected by what its handler did, and a panic is a matter of its
// message.
func TestSettlements(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) {
		for i, id := range []string{"good", "fails", "panics", "hopeless"} {
			c.deliver(uint64(i+1), id)
		}
	}
	c, stop := consumeFrom(t, b, func(_ context.Context, d Delivery) error {
		switch d.ID {
		case "fails":
			return errors.New("not now")
		case "panics":
			panic("bug")
		case "hopeless":
			return fmt.Errorf("never: %w", ErrDeadLetter)
		}
		return nil
	}, WithRetryByQueue())
	soon(t, func() bool { return len(b.settlements()) == 4 })
	require.NoError(t, stop())
	require.Equal(t, []string{"1: ack 1", "1: requeue 2", "1: requeue 3", "1: reject 4"}, b.settlements())
	require.Equal(t, ConsumerStats{Delivered: 4, Handled: 1, Failed: 2, DeadLettered: 1}, c.Stats())
}

// Nothing is acknowledged while its handler is at work, and no more handlers run at once than allowed.
func TestNothingAcknowledgedEarly(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) {
		for tag := range uint64(5) {
			c.deliver(tag+1, "")
		}
	}
	var running atomic.Int64
	release := make(chan struct{})
	_, stop := consumeFrom(t, b, func(context.Context, Delivery) error {
		running.Add(1)
		<-release
		return nil
	}, WithConcurrency(2))
	soon(t, func() bool { return running.Load() == 2 })
	require.Empty(t, b.settlements())
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	soon(t, func() bool { return len(b.settlements()) == 3 }) // those not begun are given back
	require.Equal(t, []string{"1: give back 3", "1: give back 4", "1: give back 5"}, b.settlements())
	require.EqualValues(t, 2, running.Load())
	close(release)
	require.NoError(t, <-stopped)
	require.ElementsMatch(t, []string{"1: ack 1", "1: ack 2"}, b.settlements()[3:])
}

// The connection is lost after the handler has succeeded and before its acknowledgement: the broker delivers
// the message again, and deduplication acknowledges it without handling it again.
func TestLostAcknowledgement(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) { c.deliver(uint64(c.number), "m") }
	var handled atomic.Int64
	c, stop := consumeFrom(t, b, func(context.Context, Delivery) error {
		handled.Add(1)
		b.mu.Lock()
		_ = b.conns[0].Close()
		b.mu.Unlock()
		soon(t, func() bool { return b.connections() == 2 })
		return nil
	}, WithDeduplication(10))
	soon(t, func() bool { return len(b.settlements()) == 1 })
	require.NoError(t, stop())
	require.Equal(t, []string{"2: ack 2"}, b.settlements())
	require.EqualValues(t, 1, handled.Load())
	require.Equal(t, ConsumerStats{Delivered: 2, Handled: 1, Duplicates: 1, Untold: 1, Reconnects: 1}, c.Stats())
}

// A consumer that the broker cancels subscribes again.
func TestCancelledByTheBroker(t *testing.T) {
	b := startFakeBroker(t, nil)
	var subscriptions atomic.Int64
	b.onConsume = func(c *fakeChannel) {
		if subscriptions.Add(1) == 1 {
			c.cancelConsumer()
		} else {
			c.deliver(1, "")
		}
	}
	causes := make(chan error, 10)
	_, stop := consumeFrom(t, b, func(context.Context, Delivery) error { return nil },
		WithStateChange(func(c StateChange) {
			if c.To == Disconnected {
				causes <- c.Err
			}
		}))
	require.ErrorIs(t, <-causes, ErrCancelled)
	soon(t, func() bool { return len(b.settlements()) == 1 })
	require.NoError(t, stop())
}

// A handler that takes too long to shut down is cancelled, and Run says so. Run can be called again
// afterwards.
func TestSlowHandlerIsCancelled(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) { c.deliver(1, "") }
	started := make(chan struct{}, 2)
	c, stop := consumeFrom(t, b, func(ctx context.Context, _ Delivery) error {
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, WithShutdownTimeout(50*time.Millisecond))
	<-started
	require.ErrorContains(t, c.Run(context.Background()), "running already")
	require.ErrorContains(t, stop(), "handlers did not finish within 50ms")
	require.NotContains(t, b.settlements(), "1: ack 1")

	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- c.Run(ctx) }()
	<-started
	cancel()
	require.Error(t, <-ran)
	require.Equal(t, 2, b.connections())
}

// A consumer that hears nothing, on a connection on which nothing is wrong, asks the queue, and leaves for
// the next endpoint when the queue does not answer.
func TestSilentQueue(t *testing.T) {
	cutOff, good := startFakeBroker(t, nil), startFakeBroker(t, nil)
	cutOff.onConsume = func(*fakeChannel) {}
	cutOff.onGet = func(*fakeChannel) bool { return false }
	good.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	c, err := NewConsumer([]string{cutOff.uri(), good.uri()}, "q", func(context.Context,
		Delivery) error {
		return nil
	},
		WithProbe(50*time.Millisecond))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- c.Run(ctx) }()
	soon(t, func() bool { return len(good.settlements()) == 1 })
	cancel()
	require.NoError(t, <-ran)
}

// As long as the queue answers, or says that it cannot be asked, the consumer stays.
func TestProbedQueue(t *testing.T) {
	var probes atomic.Int64
	for name, test := range map[string]struct {
		onGet func(c *fakeChannel) bool
		want  int64 // at least
	}{
		"answers": {func(*fakeChannel) bool { probes.Add(1); return true }, 3},
		"refuses": {func(c *fakeChannel) bool {
			probes.Add(1)
			c.closeChannel(405, "RESOURCE_LOCKED")
			return false
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			probes.Store(0)
			b := startFakeBroker(t, nil)
			b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
			b.onGet = test.onGet
			c, stop := consumeFrom(t, b, func(context.Context, Delivery) error { return nil },
				WithProbe(10*time.Millisecond))
			soon(t, func() bool { return probes.Load() >= test.want })
			require.NoError(t, stop())
			require.Zero(t, c.Stats().Reconnects)
			require.Equal(t, []string{"1: ack 1"}, b.settlements())
		})
	}
}
