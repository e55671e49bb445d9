package consume

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDedup(t *testing.T) {
	ctx := context.Background()
	d := newDedup(2)
	handle := func(id string) bool {
		first, err := d.begin(ctx, id)
		require.NoError(t, err)
		if first {
			d.end(id, true)
		}
		return first
	}
	require.True(t, handle("a"))
	require.False(t, handle("a"))
	require.True(t, handle("b"))
	require.True(t, handle("c"), "takes the place of a")
	require.False(t, handle("b"))
	require.True(t, handle("a"), "has been forgotten")

	first, err := d.begin(ctx, "failing")
	require.NoError(t, err)
	require.True(t, first)
	d.end("failing", false)
	require.True(t, handle("failing"), "what failed has not been handled")
}

// A duplicate of a message that is being handled waits for it: it is a duplicate only if that succeeds.
func TestDedupWaitsForTheFirst(t *testing.T) {
	for _, succeeds := range []bool{true, false} {
		d := newDedup(10)
		_, err := d.begin(context.Background(), "m")
		require.NoError(t, err)
		second := make(chan bool)
		go func() {
			handle, _ := d.begin(context.Background(), "m")
			second <- handle
		}()
		select {
		case <-second:
			t.Fatal("it did not wait")
		case <-time.After(20 * time.Millisecond):
		}
		d.end("m", succeeds)
		require.Equal(t, !succeeds, <-second)
	}
	d := newDedup(10)
	_, err := d.begin(context.Background(), "m")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = d.begin(ctx, "m")
	require.ErrorIs(t, err, context.Canceled)
}

// After a lost connection a stream is read on behind what was handled.
func TestStreamGoesOn(t *testing.T) {
	o := newOffsets()
	require.Nil(t, o.next(), "where the application wants to begin")
	for offset := range int64(5) {
		o.begin(10 + offset)
	}
	o.end(10)
	o.end(12)
	require.EqualValues(t, 11, o.next(), "11 was not handled")
	o.begin(11)
	o.end(11)
	require.EqualValues(t, 12, o.next())
}

func TestDelayedRetryByVersion(t *testing.T) {
	for version, delays := range map[string]bool{
		"3.13.7": false, "4.0.5": false, "4.2.9": false, "4.3.0": true, "4.3.0-rc.1": true, "4.10.0": true,
		"5.0.0": true, "": true, "unknown": true,
	} {
		require.Equal(t, delays, delaysRetries(version), version)
	}
}
