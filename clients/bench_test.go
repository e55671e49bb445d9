//go:build cluster

package clients

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// BenchmarkProducerAgainstBare publishes 1 KiB persistent messages to a quorum queue, directly to its leader's node, by
// turns with a Producer and with a loop that is as good as amqp091-go alone makes it, both with the same window. It
// reports both rates and their ratio. Taking turns makes the ratio mean something on a machine that does other things.
func BenchmarkProducerAgainstBare(b *testing.B) {
	const (
		window = 256
		batch  = 2000
	)
	node := readOutputs(b).AMQPURLs[0]
	queue := declareQueue(b, node, amqp.Table{"x-queue-leader-locator": "client-local"})
	body := make([]byte, 1024)
	purge := dialBroker(b, node)

	bare := dialBroker(b, node)
	require.NoError(b, bare.Confirm(false))
	publishBare := func() {
		var inFlight [window]*amqp.DeferredConfirmation
		for i := range batch + window {
			slot := i % window
			if c := inFlight[slot]; c != nil && !c.Wait() {
				b.Fatal("nacked")
			}
			if i < batch {
				var err error
				inFlight[slot], err = bare.PublishWithDeferredConfirm("", queue, true, false,
					amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body})
				require.NoError(b, err)
			}
		}
	}

	ctx := context.Background()
	p, err := NewProducer([]string{node}, WithWindow(window))
	require.NoError(b, err)
	require.NoError(b, p.Publish(ctx, Message{RoutingKey: queue})) // connected
	publish := func() {
		var inFlight [window]*Confirmation
		for i := range batch + window {
			slot := i % window
			if c := inFlight[slot]; c != nil {
				require.NoError(b, c.Wait(ctx))
			}
			if i < batch {
				var err error
				inFlight[slot], err = p.PublishAsync(ctx, Message{RoutingKey: queue, Body: body})
				require.NoError(b, err)
			}
		}
	}

	timed := func(total *time.Duration, f func()) {
		start := time.Now()
		f()
		*total += time.Since(start)
		_, err := purge.QueuePurge(queue, false)
		require.NoError(b, err)
	}
	var bareTime, producerTime time.Duration
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			timed(&bareTime, publishBare)
			timed(&producerTime, publish)
		} else {
			timed(&producerTime, publish)
			timed(&bareTime, publishBare)
		}
	}
	b.ReportMetric(float64(b.N*batch)/bareTime.Seconds(), "bare-messages/s")
	b.ReportMetric(float64(b.N*batch)/producerTime.Seconds(), "producer-messages/s")
	b.ReportMetric(bareTime.Seconds()/producerTime.Seconds(), "ratio")
	require.NoError(b, p.Close(ctx))
}
