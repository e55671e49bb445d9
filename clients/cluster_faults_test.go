//go:build cluster

package clients

import (
	"context"
	"encoding/binary"
	"flag"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"warren/clients/internal/backoff"
)

// soak is how long TestMemoryStaysFlat watches.
var soak = flag.Duration("soak", 30*time.Second, "how long to watch the clients' memory")

// 100,000 messages go through the load balancer while one node after another is killed and comes back, and
// the load balancer is restarted. All are confirmed, all that are confirmed are consumed, and none is handled
// twice.
func TestNothingLostNothingTwice(t *testing.T) {
	const (
		messages = 100_000
		interval = time.Second / 1000 // between messages while there are faults, to last through them
	)
	outputs := readOutputs(t)
	endpoint := []string{outputs.AMQPURL}
	queue := declareQueue(t, outputs.AMQPURLs[0], nil)

	var mu sync.Mutex
	handled := make(map[uint64]int)
	consumer, stop := startConsumer(t, endpoint, queue, func(_ context.Context, d Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		handled[binary.BigEndian.Uint64(d.Body)]++
		return nil
	}, WithDeduplication(messages), WithConcurrency(4), WithPrefetch(256))
	p := newTestProducer(t, endpoint, WithPublishTimeout(5*time.Minute))

	// Distinct numbers in the bodies tell messages apart independently of the ids that deduplication goes by.
	published := publishSteadily(t, p, interval, messages, func(n int) Message {
		return Message{RoutingKey: queue, Body: binary.BigEndian.AppendUint64(nil, uint64(n))}
	})

	e := newEngine(t)
	for _, node := range outputs.Nodes {
		e.kill(node.Container)
		e.start(node.Container)
		require.Eventually(t, func() bool { return onlineMembers(outputs, queue) == len(outputs.Nodes) },
			5*time.Minute, time.Second, "%s should come back", node.Name)
	}
	e.restart(outputs.LoadBalancer.Container)
	confirmations := published()
	for i, c := range confirmations {
		require.NoError(t, c.Wait(testContext(t, patience)), "message %d", i)
	}

	consumed := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(handled)
	}
	eventually(t, func() bool { return consumed() == len(confirmations) },
		"every confirmed message should be consumed")
	require.NoError(t, stop())
	for n, times := range handled {
		require.Equal(t, 1, times, "message %d", n)
	}

	stats := p.Stats()
	t.Logf("producer %+v", stats)
	t.Logf("consumer %+v", consumer.Stats())
	require.EqualValues(t, len(confirmations), stats.Accepted)
	require.Equal(t, stats.Accepted, stats.Confirmed)
	require.Zero(t, stats.Returned+stats.Nacked+stats.Rejected+stats.Unconfirmed+int64(stats.InFlight))
	require.EqualValues(t, stats.Confirmed, consumer.Stats().Handled)
	require.Positive(t, stats.Reconnects, "the faults should have been felt")
}

// publishSteadily publishes one message at every interval until the returned function is called, and from
// then on without waiting until there are at least so many. That function returns their confirmations.
func publishSteadily(t *testing.T, p *Producer, interval time.Duration, atLeast int,
	message func(n int) Message) (published func() []*Confirmation) {
	t.Helper()
	var confirmations []*Confirmation
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
			case <-enough:
				if n >= atLeast {
					return
				}
			}
			c, err := p.PublishAsync(context.Background(), message(n))
			if !assert.NoError(t, err) {
				return
			}
			confirmations = append(confirmations, c)
		}
	}()
	t.Cleanup(func() { <-done }) // a test that fails ends it by its context
	return func() []*Confirmation {
		close(enough)
		<-done
		return confirmations
	}
}

// Queues whose leaders die together elect new ones each by itself. A producer of all of them finds every new
// leader, though the confirms of some queues say that the connection is good.
func TestEveryQueueFindsItsNewLeader(t *testing.T) {
	const (
		queues   = 12
		interval = time.Millisecond
		// longestWait is for a message that no new channel has saved: the producer would wait four times its
		// confirm timeout.
		confirmTimeout, longestWait = time.Minute, 30 * time.Second
	)
	outputs := readOutputs(t)
	var names []string
	for range queues {
		names = append(names, declareQueue(t, outputs.AMQPURLs[0], nil)) // led by the node that declares it
	}
	p := newTestProducer(t, outputs.AMQPURLs, WithConfirmTimeout(confirmTimeout))
	for _, name := range names {
		require.NoError(t, p.Publish(testContext(t, patience), Message{RoutingKey: name}))
	}

	published := publishSteadily(t, p, interval, 0,
		func(n int) Message { return Message{RoutingKey: names[n%queues]} })

	e := newEngine(t)
	e.kill(outputs.Nodes[0].Container)
	defer func() {
		e.start(outputs.Nodes[0].Container)
		for _, name := range names {
			require.Eventually(t, func() bool { return onlineMembers(outputs, name) == len(outputs.Nodes) },
				5*time.Minute, time.Second)
		}
	}()
	for _, name := range names {
		require.NoError(t, p.Publish(testContext(t, longestWait), Message{RoutingKey: name}), "to %s", name)
	}
	var longest time.Duration
	for _, c := range published() {
		require.NoError(t, c.Wait(testContext(t, longestWait)))
		longest = max(longest, c.Latency())
	}
	t.Logf("%+v; the longest wait for a confirm was %v", p.Stats(), longest)
	require.Positive(t, p.Stats().Reconnects, "the death should have been felt")
}

// 1,000 lost connections leave nothing behind: no goroutine, no connection.
func TestNoLeakOverManyReconnects(t *testing.T) {
	const reconnects = 1000
	outputs := readOutputs(t)
	queue := declareQueue(t, outputs.AMQPURL, nil)
	ignored := goleak.IgnoreCurrent()

	t.Run("reconnect", func(t *testing.T) {
		u, err := url.Parse(outputs.AMQPURL)
		require.NoError(t, err)
		proxy := startProxy(t, u.Host)
		endpoint := []string{changeURI(t, outputs.AMQPURL, func(u *url.URL) { u.Host = proxy.address() })}

		received := make(chan struct{}, 1)
		_, stop := startConsumer(t, endpoint, queue, func(context.Context, Delivery) error {
			select {
			case received <- struct{}{}:
			default:
			}
			return nil
		})
		p := newTestProducer(t, endpoint)
		var goroutines int
		for i := range reconnects + 1 {
			if i > 0 {
				require.Positive(t, proxy.cut())
			}
			require.NoError(t, p.Publish(testContext(t, patience), Message{RoutingKey: queue}),
				"after %d reconnects", i)
			<-received
			if i == reconnects/10 {
				goroutines = runtime.NumGoroutine()
			}
			// A connection that is being replaced may still be closing.
			require.Eventually(t, func() bool { return proxy.connections() <= 2 }, patience, time.Millisecond,
				"after %d reconnects", i)
		}
		require.GreaterOrEqual(t, p.Stats().Reconnects, int64(reconnects))
		require.InDelta(t, goroutines, runtime.NumGoroutine(), 20, "goroutines grow in number")
		require.NoError(t, stop())
	})
	goleak.VerifyNone(t, ignored)
}

// Memory does not grow while the broker cannot be reached half of the time.
func TestMemoryStaysFlat(t *testing.T) {
	outputs := readOutputs(t)
	queue := declareQueue(t, outputs.AMQPURL, nil)
	u, err := url.Parse(outputs.AMQPURL)
	require.NoError(t, err)
	proxy := startProxy(t, u.Host)
	endpoint := []string{changeURI(t, outputs.AMQPURL, func(u *url.URL) { u.Host = proxy.address() })}

	_, stop := startConsumer(t, endpoint, queue, discard, WithDeduplication(1000))
	p := newTestProducer(t, endpoint)
	ctx, cancel := context.WithTimeout(context.Background(), *soak)
	defer cancel()
	var publishers sync.WaitGroup
	publishers.Go(func() {
		body := make([]byte, 1024)
		for ctx.Err() == nil {
			_, _ = p.PublishAsync(ctx, Message{RoutingKey: queue, Body: body}) // may well fail in an outage
			_ = backoff.Sleep(ctx, 2*time.Millisecond)
		}
	})

	const rounds = 10 // of half an outage each
	var heap []uint64
	for range rounds {
		for _, refuses := range []bool{false, true} {
			proxy.refuse(refuses)
			require.NoError(t, backoff.Sleep(context.Background(), *soak/rounds/2))
		}
		heap = append(heap, heapInUse())
	}
	proxy.refuse(false)
	publishers.Wait()
	require.NoError(t, stop())
	t.Logf("%+v; heap at the end of each outage: %v", p.Stats(), heap)
	require.Positive(t, p.Stats().Confirmed)
	require.Less(t, heap[rounds-1], heap[rounds/5]+2<<20, "bytes in use, after %v and in the end", *soak/5)
}

// heapInUse is the memory in use, in bytes, without garbage.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
