//go:build cluster

package clients

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// benchSeconds is how long each load lasts.
const benchSeconds = 10

// load is what the clients of a benchmark do.
type load struct{ size, window, pairs int }

func (l load) String() string {
	return fmt.Sprintf("size=%d/window=%d/clients=%d", l.size, l.window, l.pairs)
}

// BenchmarkProducerAgainstBare publishes persistent messages to quorum queues, directly to their leaders'
// node, with Producers and, at the same time, with as many loops that are as good as amqp091-go alone makes
// them, all with the same window and the same properties. It reports both rates and their ratio. Running at
// the same time they find the same conditions, so that the ratio means something even on a machine that does
// other things.
func BenchmarkProducerAgainstBare(b *testing.B) {
	for _, l := range []load{
		{1 << 10, 256, 3}, {1 << 10, 256, 1}, {1 << 10, 1, 1}, {1 << 10, 1, 8},
		{64 << 10, 256, 1}, {64 << 10, 16, 3}, {16, 1000, 1},
	} {
		b.Run(l.String(), func(b *testing.B) { l.run(b) })
	}
}

func (l load) run(b *testing.B) {
	node := readOutputs(b).AMQPURLs[0]
	args := amqp.Table{"x-queue-leader-locator": "client-local", "x-max-length": 10_000}
	body := make([]byte, l.size)
	ctx := context.Background()
	var bare, producer atomic.Int64
	for b.Loop() {
		var loops []func(stop <-chan struct{})
		for range l.pairs {
			loops = append(loops, l.bareLoop(b, node, declareQueue(b, node, args), body, &bare))
			p := newTestProducer(b, []string{node}, WithWindow(l.window))
			queue := declareQueue(b, node, args)
			require.NoError(b, p.Publish(ctx, Message{RoutingKey: queue})) // connected
			loops = append(loops, func(stop <-chan struct{}) {
				l.inFlight(stop, &producer, func() func() bool {
					c, err := p.PublishAsync(ctx, Message{RoutingKey: queue, Body: body})
					if err != nil {
						return func() bool { return false }
					}
					return func() bool { return c.Wait(ctx) == nil }
				})
			})
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		for _, loop := range loops {
			running.Go(func() { loop(stop) })
		}
		time.AfterFunc(benchSeconds*time.Second, func() { close(stop) })
		running.Wait()
	}
	seconds := float64(b.N * benchSeconds)
	b.ReportMetric(float64(bare.Load())/seconds, "bare-messages/s")
	b.ReportMetric(float64(producer.Load())/seconds, "producer-messages/s")
	b.ReportMetric(float64(producer.Load())/float64(bare.Load()), "ratio")
}

func (l load) bareLoop(b *testing.B, node, queue string, body []byte,
	confirmed *atomic.Int64) func(<-chan struct{}) {
	ch := dialBroker(b, node)
	require.NoError(b, ch.Confirm(false))
	return func(stop <-chan struct{}) {
		l.inFlight(stop, confirmed, func() func() bool {
			c, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{
				MessageId:   "00000000-0000-0000-0000-000000000000",
				ContentType: "application/octet-stream", Timestamp: time.Now(),
				DeliveryMode: amqp.Persistent, Body: body,
			})
			if err != nil {
				return func() bool { return false }
			}
			return c.Wait
		})
	}
}

// inFlight publishes with a window of confirms, and counts the confirmed messages until it is stopped.
func (l load) inFlight(stop <-chan struct{}, confirmed *atomic.Int64, publish func() (wait func() bool)) {
	window := make([]func() bool, l.window)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		slot := i % l.window
		if wait := window[slot]; wait != nil && wait() {
			confirmed.Add(1)
		}
		window[slot] = publish()
	}
}
