//go:build cluster

package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

func discard(context.Context, Delivery) error { return nil }

func TestDeletedQueue(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	var states stateLog
	var handled atomic.Int64
	_, stop := startConsumer(t, []string{uri}, queue, func(context.Context, Delivery) error {
		handled.Add(1)
		return nil
	}, WithStateChange(states.record))
	publishAll(t, uri, queue, "before")
	eventually(t, func() bool { return handled.Load() == 1 }, "the first message")

	_, err := dialBroker(t, uri).QueueDelete(queue, false, false, false)
	require.NoError(t, err)
	eventually(t, func() bool { return errors.Is(states.last(Disconnected), ErrQueueNotFound) },
		"it should say why it waits")

	redeclareQueue(t, uri, queue, nil)
	publishAll(t, uri, queue, "after")
	eventually(t, func() bool { return handled.Load() == 2 }, "the message after the queue was declared again")
	require.NoError(t, stop())
}

func TestRequiredQueue(t *testing.T) {
	c, err := NewConsumer([]string{readOutputs(t).AMQPURL}, "no such queue", discard, WithRequiredQueue())
	require.NoError(t, err)
	require.ErrorIs(t, c.Run(testContext(t, patience)), ErrQueueNotFound)
}

// Poison goes to the dead-letter queue: what always fails after the delivery limit, what is rejected at once.
func TestPoison(t *testing.T) {
	const limit = 3
	uri := readOutputs(t).AMQPURL
	dead := declareQueue(t, uri, nil)
	queue := declareQueue(t, uri, amqp.Table{
		"x-delivery-limit": limit, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead,
	})
	var mu sync.Mutex
	tries := make(map[string]int)
	_, stop := startConsumer(t, []string{uri}, queue, func(_ context.Context, d Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		body := string(d.Body)
		tries[body]++
		switch body {
		case "fails":
			return errors.New("no good")
		case "panics":
			panic("no good")
		case "rejected":
			return fmt.Errorf("hopeless: %w", ErrDeadLetter)
		case "fails once":
			if tries[body] == 1 {
				return errors.New("not yet")
			}
		}
		return nil
	})
	publishAll(t, uri, queue, "fails", "panics", "rejected", "fails once", "good")

	dlq := dialBroker(t, uri)
	found := make(map[string]bool)
	eventually(t, func() bool {
		if d, ok, err := dlq.Get(dead, true); err == nil && ok {
			found[string(d.Body)] = true
		}
		return len(found) == 3
	}, "dead letters")
	require.Equal(t, map[string]bool{"fails": true, "panics": true, "rejected": true}, found)
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return tries["fails once"] == 2 && tries["good"] == 1
	}, "the others should be handled")
	require.NoError(t, stop())
	require.Equal(t, 1, tries["rejected"])
	for _, poison := range []string{"fails", "panics"} {
		require.Equal(t, limit+1, tries[poison],
			"%s: the first delivery and as many more as the limit allows", poison)
	}
	left, err := dlq.QueueDeclarePassive(queue, true, false, false, false, nil)
	require.NoError(t, err)
	require.Zero(t, left.Messages)
}

// Shutting down waits for the handlers under way and acknowledges their messages; the rest goes back, and
// counts as delivered before but not as failed.
func TestGracefulShutdown(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	publishAll(t, uri, queue, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")

	started, release := make(chan struct{}, 10), make(chan struct{})
	c, stop := startConsumer(t, []string{uri}, queue, func(ctx context.Context, _ Delivery) error {
		started <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, WithConcurrency(2))
	<-started
	<-started
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("it did not wait for the handlers: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(release)
	require.NoError(t, <-stopped)
	require.EqualValues(t, 2, c.Stats().Handled)

	var bodies []string
	var handled atomic.Int64
	_, stop = startConsumer(t, []string{uri}, queue, func(_ context.Context, d Delivery) error {
		bodies = append(bodies, string(d.Body))
		handled.Add(1)
		return nil
	})
	eventually(t, func() bool { return handled.Load() == 8 }, "those not begun should be delivered again")
	require.NoError(t, stop())
	require.ElementsMatch(t, []string{"3", "4", "5", "6", "7", "8", "9", "10"}, bodies)
}

// A handler that does not end within the shutdown timeout has its context cancelled, and Run says so.
func TestShutdownTimeout(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	publishAll(t, uri, queue, "endless")
	started, cancelled := make(chan struct{}, 1), make(chan struct{})
	_, stop := startConsumer(t, []string{uri}, queue, func(ctx context.Context, _ Delivery) error {
		started <- struct{}{}
		<-ctx.Done()
		close(cancelled)
		return ctx.Err()
	}, WithShutdownTimeout(100*time.Millisecond))
	<-started
	require.ErrorContains(t, stop(), "did not finish within 100ms")
	<-cancelled
}
