package clients

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newTestClient(t *testing.T, endpoints []string, opts ...Option) *Client {
	t.Helper()
	c, err := NewClient(endpoints, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

// sharedProducer makes a producer that is closed at the test's end.
func sharedProducer(t *testing.T, c *Client, opts ...ProducerOption) *Producer {
	t.Helper()
	p, err := c.NewProducer(opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p
}

// Any number of producers and consumers use one connection, and after it is lost one other.
func TestOneConnectionForAll(t *testing.T) {
	const users = 20
	b := startFakeBroker(t, ackAll)
	b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	c := newTestClient(t, []string{b.uri()})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var handled atomic.Int64
	var producers []*Producer
	for range users {
		producers = append(producers, sharedProducer(t, c))
		consumer, err := c.NewConsumer("q", func(context.Context, Delivery) error {
			handled.Add(1)
			return nil
		})
		require.NoError(t, err)
		running.Go(func() { _ = consumer.Run(ctx) })
	}
	publish := func() {
		for _, p := range producers {
			require.NoError(t, p.Publish(within(t, 10*time.Second), Message{}))
		}
	}
	publish()
	soon(t, func() bool { return handled.Load() == users })
	require.Equal(t, 1, b.connections())
	b.mu.Lock()
	_ = b.conns[0].Close()
	b.mu.Unlock()
	publish()
	soon(t, func() bool { return handled.Load() == 2*users })
	require.Equal(t, 2, b.connections())
	cancel()
	running.Wait()
	require.NoError(t, producers[0].Close(within(t, 5*time.Second)))
	require.NoError(t, producers[1].Publish(within(t, 5*time.Second), Message{}),
		"closing one leaves the others alone")
	require.Equal(t, 2, b.connections())
}

// A producer whose confirms are overdue leaves the connection to those whom it serves.
func TestOverdueConfirmsLeaveTheOthersAlone(t *testing.T) {
	t.Parallel()
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.routingKey != "stuck" {
			c.ack(tag)
		}
	})
	c := newTestClient(t, []string{b.uri()})
	// Long enough that a busy machine confirms the good producer's messages meanwhile.
	stuck, good := sharedProducer(t, c, WithConfirmTimeout(500*time.Millisecond)), sharedProducer(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	lost, err := stuck.PublishAsync(ctx, Message{RoutingKey: "stuck"})
	require.NoError(t, err)
	for ctx.Err() == nil {
		require.NoError(t, good.Publish(within(t, 5*time.Second), Message{}))
		time.Sleep(5 * time.Millisecond) // the pace of an application
	}
	require.ErrorIs(t, lost.Wait(within(t, 5*time.Second)), ErrUnconfirmed)
	require.Equal(t, 1, b.connections())
	require.Greater(t, stuck.Stats().Published, int64(1), "it was sent again, over another channel")
}

// Closing the client ends whoever uses it.
func TestClientCloses(t *testing.T) {
	b := startFakeBroker(t, func(*fakeChannel, uint64, published) {})
	b.onConsume = func(*fakeChannel) {}
	c, err := NewClient([]string{b.uri()})
	require.NoError(t, err)
	p := sharedProducer(t, c)
	waiting, err := p.PublishAsync(context.Background(), Message{})
	require.NoError(t, err)
	consumer, err := c.NewConsumer("q", succeed)
	require.NoError(t, err)
	ran := make(chan error)
	go func() { ran <- consumer.Run(context.Background()) }()
	soon(t, func() bool { return len(b.received()) == 1 })
	require.NoError(t, c.Close(within(t, 5*time.Second)))
	require.ErrorIs(t, <-ran, ErrClosed)
	require.ErrorIs(t, waiting.Wait(within(t, 5*time.Second)), ErrClosed)
	soon(t, func() bool { return errors.Is(p.Publish(context.Background(), Message{}), ErrClosed) })
}

func TestSharedConnectionHasOneConfiguration(t *testing.T) {
	c := newTestClient(t, []string{"amqp://h"}, WithConnectionName("app"))
	_, err := c.NewProducer(WithHeartbeat(time.Minute))
	require.ErrorContains(t, err, "the connection is shared")
	_, err = c.NewConsumer("q", succeed, WithConnectTimeout(time.Minute))
	require.ErrorContains(t, err, "the connection is shared")
	_, err = c.NewProducer(WithAffinity(func(context.Context) (string, error) { return "", nil }))
	require.ErrorContains(t, err, "needs one of its own")
}

// The hook sees every message with its outcome, may add headers, and a slow one takes no more memory than the
// window.
func TestPublishHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		b := serveFakeBroker(t, network.listen("broker:5672"), func(c *fakeChannel, tag uint64, m published) {
			if m.routingKey == "nowhere" {
				c.returnUnroutable(m)
			}
			c.ack(tag)
		})
		var mu sync.Mutex
		outcomes := map[string]error{}
		p := newClosedProducer(t, []string{"amqp://user:password@broker:5672/"}, withNetwork(network),
			WithWindow(3),
			WithPublishHook(func(_ context.Context, m *Message) func(error) {
				m.Headers = map[string]any{"traceparent": "00-1-1-01"}
				id := m.ID
				return func(err error) {
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					outcomes[id] = err
				}
			}))
		began := time.Now()
		for i := range 12 {
			m := Message{ID: fmt.Sprint(i)}
			if i == 5 {
				m.RoutingKey = "nowhere"
			}
			_, err := p.PublishAsync(context.Background(), m)
			require.NoError(t, err)
		}
		require.ErrorIs(t, p.Publish(context.Background(), Message{ID: "bad", Expiration: "x"}), ErrInvalidMessage)
		require.GreaterOrEqual(t, time.Since(began), 9*time.Second, "the hook has slowed down the publishing")
		require.NoError(t, p.Close(context.Background()))
		synctest.Wait()
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, outcomes, 13)
		require.ErrorIs(t, outcomes["5"], ErrUnroutable)
		require.ErrorIs(t, outcomes["bad"], ErrInvalidMessage)
		require.NoError(t, outcomes["4"])
		require.Len(t, b.received(), 12)
	})
}

// The hook is around the handler, with its context.
func TestHandleHook(t *testing.T) {
	type key struct{}
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	outcomes := make(chan error, 1)
	failed := errors.New("failed")
	_, stop := consumeFrom(t, b, func(ctx context.Context, _ Delivery) error {
		if ctx.Value(key{}) != "m" {
			return errors.New("not the hook's context")
		}
		return failed
	}, WithHandleHook(func(ctx context.Context, d Delivery) (context.Context, func(error)) {
		return context.WithValue(ctx, key{}, d.ID), func(err error) { outcomes <- err }
	}))
	require.ErrorIs(t, <-outcomes, failed)
	require.NoError(t, stop())
}

// A call that its caller gives up leaves the connection to the others, who may be idle.
func TestCancelledCallLeavesTheConnection(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	release := make(chan struct{})
	b.onSubscribe = func(*fakeChannel) bool {
		<-release
		return true
	}
	subscribed := make(chan struct{}, 1)
	b.onConsume = func(*fakeChannel) { subscribed <- struct{}{} }
	c := newTestClient(t, []string{b.uri()})
	p := sharedProducer(t, c)
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	consumer, err := c.NewConsumer("q", succeed)
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, consumer.Run(within(t, 100*time.Millisecond)))
	require.Less(t, time.Since(began), time.Second)
	close(release)
	<-subscribed
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	require.Equal(t, 1, b.connections())
}

// What AMQP cannot express is refused before anything is sent, and so harms nobody on the connection.
func TestDeclarationsThatCannotBeExpressed(t *testing.T) {
	c := newTestClient(t, []string{"amqp://u:p@127.0.0.1:1/"}) // nothing listens there
	ctx, long := within(t, 10*time.Second), strings.Repeat("x", 256)
	large := map[string]any{"x": strings.Repeat("x", 140_000)}
	declare := func(q Queue) error { _, err := c.DeclareQueue(ctx, q); return err }
	inspect := func(name string) error { _, err := c.InspectQueue(ctx, name); return err }
	for name, err := range map[string]error{
		"name of a queue":             declare(Queue{Name: long}),
		"no name of a queue":          declare(Queue{}),
		"type of a queue":             declare(Queue{Name: "q", Arguments: map[string]any{"x": struct{}{}}}),
		"arguments of a queue":        declare(Queue{Name: "q", Arguments: large}),
		"queue to inspect":            inspect(long),
		"queue to delete":             c.DeleteQueue(ctx, long),
		"name of an exchange":         c.DeclareExchange(ctx, Exchange{Name: long}),
		"no name of an exchange":      c.DeclareExchange(ctx, Exchange{}),
		"type of an exchange":         c.DeclareExchange(ctx, Exchange{Name: "x", Type: long}),
		"arguments of an exchange":    c.DeclareExchange(ctx, Exchange{Name: "x", Arguments: large}),
		"exchange to inspect":         c.InspectExchange(ctx, long),
		"exchange to delete":          c.DeleteExchange(ctx, long),
		"routing key of a binding":    c.Bind(ctx, Binding{Exchange: "x", Queue: "q", RoutingKey: long}),
		"queue of a binding":          c.Unbind(ctx, Binding{Exchange: "x", Queue: long}),
		"exchange of a binding":       c.Bind(ctx, Binding{Exchange: long, Queue: "q"}),
		"arguments of a binding":      c.Unbind(ctx, Binding{Exchange: "x", Queue: "q", Arguments: large}),
		"no queue of a binding":       c.Bind(ctx, Binding{Exchange: "x"}),
		"name of a queue's arguments": declare(Queue{Name: "q", Arguments: map[string]any{long: 1}}),
	} {
		require.Error(t, err, name)
		require.NotErrorIs(t, err, context.DeadlineExceeded, name)
		require.NotContains(t, err.Error(), "connect", name)
	}
}

// A declaration over which the broker closes the connection is told, and not made again and again.
func TestDeclarationThatCostsTheConnection(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.onDeclare = func(c *fakeChannel) bool {
		c.closeConnection(503, "COMMAND_INVALID - unknown exchange type 'nosuch'")
		return false
	}
	c := newTestClient(t, []string{b.uri()})
	_, err := c.DeclareQueue(within(t, 10*time.Second), Queue{Name: "q"})
	require.ErrorContains(t, err, "unknown exchange type")
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, mostAccused, b.connections())
}

// What the broker says of a declaration has a name only if it means that.
func TestRefusedDeclarations(t *testing.T) {
	for text, want := range map[string]error{
		"PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/'": ErrNotEquivalent,
		"PRECONDITION_FAILED - invalid property 'exclusive-queue' for queue 'q'":      nil,
		"NOT_FOUND - no exchange 'x' in vhost '/'":                                    ErrExchangeNotFound,
		"NOT_FOUND - no queue 'q' in vhost '/'":                                       ErrQueueNotFound,
	} {
		t.Run(text, func(t *testing.T) {
			b := startFakeBroker(t, ackAll)
			b.onDeclare = func(c *fakeChannel) bool {
				code := uint16(406)
				if strings.HasPrefix(text, "NOT_FOUND") {
					code = 404
				}
				c.closeChannel(code, text)
				return false
			}
			c := newTestClient(t, []string{b.uri()})
			_, err := c.DeclareQueue(within(t, 10*time.Second), Queue{Name: "q"})
			require.ErrorContains(t, err, text)
			for _, known := range []error{ErrNotEquivalent, ErrExchangeNotFound, ErrQueueNotFound} {
				require.Equal(t, errors.Is(want, known), errors.Is(err, known), "%v", known)
			}
		})
	}
}

// A hook that panics is an error of its message, too.
func TestHandleHookPanics(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	_, stop := consumeFrom(t, b, succeed, WithRetryByQueue(),
		WithHandleHook(func(context.Context, Delivery) (context.Context, func(error)) { panic("bug") }))
	soon(t, func() bool { return len(b.settlements()) == 1 })
	require.NoError(t, stop())
	require.Equal(t, []string{"1: requeue 1"}, b.settlements())
}

// When there are more users of a connection than the broker allows channels, those who have one go on, and
// the others wait until there is room.
func TestMoreUsersThanChannels(t *testing.T) {
	const allowed, users = 3, 6
	b := startFakeBroker(t, ackAll)
	var mu sync.Mutex
	open := map[int]int{}
	b.onChannel = func(c *fakeChannel) bool {
		mu.Lock()
		defer mu.Unlock()
		if open[c.number]++; open[c.number] > allowed {
			c.closeConnection(530, "NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum "+
				"allowed user limit of 3")
			return false
		}
		return true
	}
	b.onChannelClose = func(c *fakeChannel) {
		mu.Lock()
		defer mu.Unlock()
		open[c.number]--
	}
	c := newTestClient(t, []string{b.uri()})
	var waiting []*Producer
	for range users {
		waiting = append(waiting, sharedProducer(t, c))
	}
	// served publishes with all that are left, and sorts out those who could.
	served := func() (with, without []*Producer) {
		outcomes := make([]error, len(waiting))
		var publishing sync.WaitGroup
		for i, p := range waiting {
			publishing.Go(func() { outcomes[i] = p.Publish(within(t, time.Second), Message{}) })
		}
		publishing.Wait()
		for i, p := range waiting {
			if outcomes[i] == nil {
				with = append(with, p)
			} else {
				without = append(without, p)
			}
		}
		return with, without
	}
	settles := func(want int) {
		t.Helper()
		require.Eventually(t, func() bool { with, _ := served(); return len(with) == want },
			30*time.Second, time.Millisecond)
	}
	settles(allowed)
	connections := b.connections()
	require.LessOrEqual(t, connections, users-allowed+1)
	for range users / allowed {
		with, without := served()
		require.Len(t, with, allowed)
		for _, p := range with {
			require.NoError(t, p.Close(within(t, 5*time.Second)))
		}
		waiting = without
		settles(len(waiting))
	}
	require.Empty(t, waiting)
	require.Equal(t, connections, b.connections(), "the others were left alone")
}
