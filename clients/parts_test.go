package clients

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	b := backoff{base: 20 * time.Millisecond, ceiling: time.Second}
	for attempt, bound := range []time.Duration{20, 40, 80, 160, 320, 640, 1000, 1000} {
		require.Equal(t, bound*time.Millisecond, b.bound(attempt))
	}
	require.Equal(t, time.Second, b.bound(1_000_000), "no overflow")
	var shortest, longest time.Duration = time.Hour, 0
	for range 1000 {
		wait := b.wait(2)
		shortest, longest = min(shortest, wait), max(longest, wait)
	}
	require.LessOrEqual(t, longest, 80*time.Millisecond)
	require.Less(t, shortest, 8*time.Millisecond, "full jitter reaches down to zero")
	require.Greater(t, longest, 72*time.Millisecond)
}

func TestEveryEndpointIsTriedBeforeAWait(t *testing.T) {
	c, err := newClient([]string{"amqp://a", "amqp://b", "amqp://c"}, defaultConnectionConfig("test"))
	require.NoError(t, err)
	for c.failures = range 3 {
		require.Zero(t, c.delayLocked())
	}
	c.failures = 8
	var longest time.Duration
	for range 1000 {
		longest = max(longest, c.delayLocked())
	}
	require.Greater(t, longest, c.cfg.reconnect.ceiling*9/10)
	require.LessOrEqual(t, longest, c.cfg.reconnect.ceiling)
}

func TestOptionsAreValidatedTogether(t *testing.T) {
	_, err := NewProducer([]string{"amqp://h"}, WithWindow(0), WithHeartbeat(time.Millisecond),
		WithConfirmTimeout(0))
	for _, what := range []string{"window is 0, must be at least 1", "heartbeat is 1ms",
		"confirm timeout is 0s"} {
		require.ErrorContains(t, err, what)
	}
	_, err = NewConsumer([]string{"amqp://h"}, "q", func(context.Context, Delivery) error { return nil },
		WithPrefetch(70000), WithConcurrency(0))
	for _, what := range []string{"prefetch is 70000, must be at most 65535", "concurrency is 0"} {
		require.ErrorContains(t, err, what)
	}
	_, err = NewConsumer([]string{"amqp://h"}, "", nil)
	require.ErrorContains(t, err, "a queue and a handler are needed")
}

func TestWindowKeepsOrder(t *testing.T) {
	w := newWindow(4)
	ids := func() (ids string) {
		for c := range w.all() {
			ids += c.id
		}
		return ids
	}
	made := make(map[string]*Confirmation)
	for _, id := range []string{"a", "b", "c", "d"} {
		require.NoError(t, w.acquire(context.Background(), nil))
		made[id] = &Confirmation{id: id}
		w.push(made[id])
	}
	require.Equal(t, "abcd", ids())
	full, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.acquire(full, nil), context.DeadlineExceeded)
	for _, step := range []struct{ remove, left string }{{"b", "acd"}, {"d", "ac"}, {"a", "c"}, {"c", ""}} {
		w.remove(made[step.remove])
		w.release()
		require.Equal(t, step.left, ids())
	}
	for _, id := range []string{"a", "b"} { // while iterating
		require.NoError(t, w.acquire(context.Background(), nil))
		w.push(made[id])
	}
	for c := range w.all() {
		w.remove(c)
		w.release()
	}
	require.Zero(t, w.length)
	require.NoError(t, w.drain(context.Background()))
}

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

func TestStates(t *testing.T) {
	reported := make(chan StateChange, 10)
	s := tracker{log: defaultConnectionConfig("").logger, notify: func(c StateChange) { reported <- c }}
	lost := errors.New("lost")
	s.set(Disconnected, "e", nil) // where it starts: no change
	s.set(Connecting, "e", nil)
	s.set(Connected, "e", nil)
	require.NoError(t, s.reason())
	s.set(Disconnected, "e", lost)
	s.set(Connecting, "e", nil)
	require.ErrorIs(t, s.reason(), lost, "still the reason")
	s.set(Closed, "", nil)
	var to []State
	for from := Disconnected; from != Closed; {
		change := <-reported
		require.Equal(t, from, change.From)
		from = change.To
		to = append(to, from)
	}
	require.Equal(t, []State{Connecting, Connected, Disconnected, Connecting, Closed}, to)
	require.Equal(t, "blocked", Blocked.String())
}

func TestPublishErrorMatches(t *testing.T) {
	cause := errors.New("cause")
	err := error(&PublishError{MessageID: "m", Attempts: 2, Err: ErrNacked, Cause: cause, Unknown: true})
	for _, target := range []error{ErrNacked, ErrUnconfirmed, cause} {
		require.ErrorIs(t, err, target)
	}
	require.EqualError(t, err, "publish m: nacked by the broker: cause (sent 2 times)")
}
