//go:build cluster

package clients

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

const (
	benchWindow  = 256
	benchPairs   = 3
	benchSeconds = 10
)

// BenchmarkProducerAgainstBare publishes 1 KiB persistent messages to quorum queues, directly to their
// leaders' node, with Producers and, at the same time, with as many loops that are as good as amqp091-go
// alone makes them, all with the same window and the same properties. It reports both rates and their ratio.
// Running at the same time they find the same conditions, so that the ratio means something even on a machine
// that does other things.
func BenchmarkProducerAgainstBare(b *testing.B) {
	node := readOutputs(b).AMQPURLs[0]
	args := amqp.Table{"x-queue-leader-locator": "client-local"}
	body := make([]byte, 1024)
	ctx := context.Background()
	var bare, producer atomic.Int64
	for b.Loop() {
		var loops []func(stop <-chan struct{})
		for range benchPairs {
			ch := dialBroker(b, node)
			require.NoError(b, ch.Confirm(false))
			queue := declareQueue(b, node, args)
			loops = append(loops, func(stop <-chan struct{}) {
				inFlight(stop, &bare, func() func() bool {
					c, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{
						MessageId:   "00000000-0000-0000-0000-000000000000",
						ContentType: "application/octet-stream",
						Timestamp:   time.Now(), DeliveryMode: amqp.Persistent, Body: body,
					})
					if err != nil {
						return func() bool { return false }
					}
					return c.Wait
				})
			})
			p := newTestProducer(b, []string{node}, WithWindow(benchWindow))
			queue2 := declareQueue(b, node, args)
			require.NoError(b, p.Publish(ctx, Message{RoutingKey: queue2})) // connected
			loops = append(loops, func(stop <-chan struct{}) {
				inFlight(stop, &producer, func() func() bool {
					c, err := p.PublishAsync(ctx, Message{RoutingKey: queue2, Body: body})
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

// inFlight publishes with a window of confirms, and counts the confirmed messages until it is stopped.
func inFlight(stop <-chan struct{}, confirmed *atomic.Int64, publish func() (wait func() bool)) {
	var window [benchWindow]func() bool
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		slot := i % benchWindow
		if wait := window[slot]; wait != nil && wait() {
			confirmed.Add(1)
		}
		window[slot] = publish()
	}
}
