//go:build cluster

package clients

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// clusterClient makes a client of the cluster that is closed at the test's end.
func clusterClient(t *testing.T, endpoints []string) *Client {
	t.Helper()
	c, err := NewClient(endpoints)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t, patience)) })
	return c
}

// declareForTest declares a queue that is deleted at the test's end.
func declareForTest(t *testing.T, c *Client, q Queue) string {
	t.Helper()
	q.Name = fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())
	_, err := c.DeclareQueue(testContext(t, patience), q)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, c.DeleteQueue(ctx, q.Name))
	})
	return q.Name
}

// runConsumer runs a consumer over a shared connection until stop is called or the test ends.
func runConsumer(t *testing.T, c *Client, queue string, h Handler,
	opts ...ConsumerOption) (stop func() error) {
	t.Helper()
	consumer, err := c.NewConsumer(queue, h, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- consumer.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ran
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// What is received is what was sent, through a quorum and a classic queue of a real broker.
func TestEveryFieldThroughTheBroker(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	c := clusterClient(t, []string{uri})
	for _, kind := range []QueueType{Quorum, Classic} {
		t.Run(string(kind), func(t *testing.T) {
			queue := declareForTest(t, c, Queue{Type: kind})
			received := make(chan Delivery, 1)
			runConsumer(t, c, queue, func(_ context.Context, d Delivery) error {
				received <- d
				return nil
			})
			p := newTestProducer(t, []string{uri})
			user, err := url.Parse(uri)
			require.NoError(t, err)
			setChecks(t, schedules(t, 200))
			rapid.Check(t, func(rt *rapid.T) {
				sent := drawMessage(drawHeaders(3)).Draw(rt, "message")
				sent.RoutingKey = queue
				if rapid.Bool().Draw(rt, "with user") {
					sent.UserID = user.User.Username()
				}
				require.NoError(rt, p.Publish(context.Background(), sent))
				checkArrived(rt, sent, (<-received).Message)
			})
		})
	}
}

func TestDeclarations(t *testing.T) {
	c := clusterClient(t, []string{readOutputs(t).AMQPURL})
	ctx := testContext(t, patience)
	queue := declareForTest(t, c, Queue{Arguments: map[string]any{"x-max-length": 100}})
	_, err := c.DeclareQueue(ctx, Queue{Name: queue, Arguments: map[string]any{"x-max-length": 100}})
	require.NoError(t, err, "declaring the same again")
	_, err = c.DeclareQueue(ctx, Queue{Name: queue, Type: Classic})
	require.ErrorIs(t, err, ErrNotEquivalent)
	_, err = c.InspectQueue(ctx, "no such queue")
	require.ErrorIs(t, err, ErrQueueNotFound)

	exchange := queue + "-x"
	require.ErrorIs(t, c.InspectExchange(ctx, exchange), ErrExchangeNotFound)
	require.NoError(t, c.DeclareExchange(ctx, Exchange{Name: exchange, Type: "topic"}))
	defer func() { require.NoError(t, c.DeleteExchange(ctx, exchange)) }()
	require.ErrorIs(t, c.DeclareExchange(ctx, Exchange{Name: exchange}), ErrNotEquivalent)
	require.NoError(t, c.InspectExchange(ctx, exchange))
	binding := Binding{Exchange: exchange, Queue: queue, RoutingKey: "orders.*"}
	require.NoError(t, c.Bind(ctx, binding))

	p, err := c.NewProducer()
	require.NoError(t, err)
	defer p.Close(ctx)
	require.NoError(t, p.Publish(ctx, Message{Exchange: exchange, RoutingKey: "orders.new"}))
	require.ErrorIs(t, p.Publish(ctx, Message{Exchange: exchange, RoutingKey: "none"}), ErrUnroutable)
	require.NoError(t, p.Publish(ctx, Message{Exchange: exchange, RoutingKey: "none", NotMandatory: true}))
	eventually(t, func() bool {
		info, err := c.InspectQueue(ctx, queue)
		return err == nil && info.Messages == 1
	}, "the message should be in the queue")
	require.NoError(t, c.Unbind(ctx, binding))
	require.ErrorIs(t, p.Publish(ctx, Message{Exchange: exchange, RoutingKey: "orders.new"}), ErrUnroutable)
	require.NoError(t, c.DeleteQueue(ctx, "no such queue"))
}

func TestRequestAndReply(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	c := clusterClient(t, []string{uri})
	queue := declareForTest(t, c, Queue{Type: Classic})
	p := newTestProducer(t, []string{uri})
	stop := runConsumer(t, c, queue, Respond(p, func(_ context.Context, d Delivery) (Message, error) {
		if string(d.Body) == "silence" {
			return Message{}, ErrDeadLetter
		}
		return Message{Body: append([]byte("re: "), d.Body...)}, nil
	}), WithConcurrency(8))
	r := c.NewRequester()
	defer func() { require.NoError(t, r.Close(testContext(t, patience))) }()
	var asking sync.WaitGroup
	for i := range 100 {
		asking.Go(func() {
			d, err := r.Request(testContext(t, patience), Message{RoutingKey: queue, Body: fmt.Append(nil, i)})
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint("re: ", i), string(d.Body))
		})
	}
	asking.Wait()
	_, err := r.Request(testContext(t, patience), Message{RoutingKey: "no such queue"})
	require.ErrorIs(t, err, ErrUnroutable)
	_, err = r.Request(testContext(t, time.Second), Message{RoutingKey: queue, Body: []byte("silence")})
	require.ErrorIs(t, err, ErrNoReply)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, stop())
}

// A quorum queue with delayed retry keeps what was given back for a while.
func TestDelayedRetry(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	c := clusterClient(t, []string{uri})
	queue := declareForTest(t, c, Queue{DelayedRetry: DelayedRetry{Min: time.Second, Max: 10 * time.Second}})
	publishAll(t, uri, queue, "m")
	var mu sync.Mutex
	var tries []time.Time
	runConsumer(t, c, queue, func(context.Context, Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		if tries = append(tries, time.Now()); len(tries) < 3 {
			return errors.New("not yet")
		}
		return nil
	}, WithRetryByQueue())
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(tries) == 3 }, "three tries")
	require.Greater(t, tries[1].Sub(tries[0]), 900*time.Millisecond)
	require.Greater(t, tries[2].Sub(tries[1]), 1900*time.Millisecond)
}

// A stream is read from the beginning, and after a lost connection from where it was left.
func TestStream(t *testing.T) {
	const messages = 500
	outputs := readOutputs(t)
	c := clusterClient(t, outputs.AMQPURLs)
	queue := declareForTest(t, c, Queue{Type: Stream})
	p := newTestProducer(t, []string{outputs.AMQPURL})
	for i := range messages {
		m := Message{RoutingKey: queue, Body: fmt.Append(nil, i)}
		require.NoError(t, p.Publish(testContext(t, patience), m))
	}
	u, err := url.Parse(outputs.AMQPURL)
	require.NoError(t, err)
	proxy := startProxy(t, u.Host)
	through := changeURI(t, outputs.AMQPURL, func(u *url.URL) { u.Host = proxy.address() })
	var mu sync.Mutex
	var order []string
	failed := false
	consumer, _ := startConsumer(t, []string{through}, queue, func(_ context.Context, d Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		if len(order) == 100 && !failed {
			failed = true
			return errors.New("not yet")
		}
		order = append(order, string(d.Body))
		if len(order) == messages/2 {
			proxy.cut()
		}
		return nil
	}, WithStreamOffset("first"), WithPrefetch(10))
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(order) > 0 && order[len(order)-1] == fmt.Sprint(messages-1)
	}, "the end of the stream")
	require.EqualValues(t, 1, consumer.Stats().Reconnects)
	require.LessOrEqual(t, len(order), messages+1, "no more than what was being handled is read again")
	seen := map[string]bool{}
	for _, body := range order {
		seen[body] = true
	}
	require.Len(t, seen, messages)
}

// With a single active consumer the second one stands by, and is not disturbed by probes.
func TestSingleActiveConsumer(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	c := clusterClient(t, []string{uri})
	queue := declareForTest(t, c, Queue{Arguments: map[string]any{"x-single-active-consumer": true}})
	var first, second atomic.Int64
	stopFirst := runConsumer(t, c, queue, func(context.Context, Delivery) error { first.Add(1); return nil },
		WithProbe(200*time.Millisecond))
	publishAll(t, uri, queue, "1")
	eventually(t, func() bool { return first.Load() == 1 }, "the first message")
	runConsumer(t, c, queue, func(context.Context, Delivery) error { second.Add(1); return nil },
		WithProbe(200*time.Millisecond))
	require.Never(t, func() bool { return second.Load() > 0 }, time.Second, 100*time.Millisecond)
	publishAll(t, uri, queue, "2", "3")
	eventually(t, func() bool { return first.Load() == 3 }, "the first consumer is the active one")
	require.NoError(t, stopFirst())
	publishAll(t, uri, queue, "4")
	eventually(t, func() bool { return second.Load() == 1 }, "the second one takes over")
}

// An exclusive consumer keeps others waiting, who take over when it stops.
func TestExclusiveConsumer(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	c := clusterClient(t, []string{uri})
	queue := declareForTest(t, c, Queue{Type: Classic})
	var first, second atomic.Int64
	stopFirst := runConsumer(t, c, queue, func(context.Context, Delivery) error { first.Add(1); return nil },
		WithExclusive())
	publishAll(t, uri, queue, "1")
	eventually(t, func() bool { return first.Load() == 1 }, "the first message")
	var states stateLog
	runConsumer(t, c, queue, func(context.Context, Delivery) error { second.Add(1); return nil },
		WithExclusive(),
		WithStateChange(states.record))
	eventually(t, func() bool { return errors.Is(states.last(Disconnected), ErrQueueInUse) },
		"it should say why it waits")
	require.NoError(t, stopFirst())
	publishAll(t, uri, queue, "2")
	eventually(t, func() bool { return second.Load() == 1 }, "the second one takes over")
}
