//go:build cluster

package clients

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFullQueue(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, amqp.Table{"x-max-length": 5, "x-overflow": "reject-publish"})
	p := newTestProducer(t, []string{uri})

	// A quorum queue takes somewhat more than its limit before it says no.
	var err error
	eventually(t, func() bool {
		err = p.Publish(testContext(t, time.Second), Message{RoutingKey: queue})
		return err != nil
	}, "the queue never filled up")
	require.ErrorIs(t, err, ErrNacked)
	require.NotErrorIs(t, err, ErrUnconfirmed, "a nacked message is certainly not in the queue")
	var publishError *PublishError
	require.ErrorAs(t, err, &publishError)
	require.Greater(t, publishError.Attempts, 1, "it should have been tried again")

	// As soon as there is room, a message that is being tried gets in.
	nacks := p.Stats().Nacks
	c, err := p.PublishAsync(testContext(t, patience), Message{RoutingKey: queue})
	require.NoError(t, err)
	eventually(t, func() bool { return p.Stats().Nacks > nacks }, "no nack")
	_, err = dialBroker(t, uri).QueuePurge(queue, false)
	require.NoError(t, err)
	require.NoError(t, c.Wait(testContext(t, patience)))
}

func TestUnroutable(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	p := newTestProducer(t, []string{uri})

	err := p.Publish(testContext(t, patience), Message{RoutingKey: "no queue has this name"})
	require.ErrorIs(t, err, ErrUnroutable)
	require.NotErrorIs(t, err, ErrUnconfirmed)

	// Among many in flight, even with the same id, the right ones are returned.
	var confirmations []*Confirmation
	for i := range 1000 {
		m := Message{ID: fmt.Sprint("same-", i%10), RoutingKey: queue}
		if i%7 == 0 {
			m.RoutingKey = "no queue has this name"
		}
		c, err := p.PublishAsync(testContext(t, patience), m)
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for i, c := range confirmations {
		err := c.Wait(testContext(t, patience))
		if i%7 == 0 {
			require.ErrorIs(t, err, ErrUnroutable, "message %d", i)
		} else {
			require.NoError(t, err, "message %d", i)
		}
	}
}

// A message that the broker answers with a channel exception must not take the others with it.
func TestMissingExchange(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	p := newTestProducer(t, []string{uri})
	var confirmations []*Confirmation
	for i := range 50 {
		m := Message{RoutingKey: queue}
		if i == 20 {
			m.Exchange = "no such exchange"
		}
		c, err := p.PublishAsync(testContext(t, patience), m)
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for i, c := range confirmations {
		err := c.Wait(testContext(t, patience))
		if i == 20 {
			require.ErrorIs(t, err, ErrChannelException)
			require.ErrorContains(t, err, "no such exchange")
		} else {
			require.NoError(t, err, "message %d", i)
		}
	}
}

func TestMemoryAlarm(t *testing.T) {
	outputs := readOutputs(t)
	queue := declareQueue(t, outputs.AMQPURL, nil)
	var states stateLog
	p := newTestProducer(t, []string{outputs.AMQPURL}, WithStateChange(states.record))
	require.NoError(t, p.Publish(testContext(t, patience), Message{RoutingKey: queue}))

	e, node := newEngine(t), outputs.Nodes[0].Container
	watermark := e.exec(node, "rabbitmqctl", "eval", "vm_memory_monitor:get_vm_memory_high_watermark().")
	set := func(watermark string) {
		e.exec(node, "rabbitmqctl", "eval", "vm_memory_monitor:set_vm_memory_high_watermark("+watermark+").")
	}
	t.Cleanup(func() { set(watermark) })
	set("0.0001")

	// The alarm goes off when the node next looks at its memory.
	var err error
	eventually(t, func() bool {
		err = p.Publish(testContext(t, 3*time.Second), Message{RoutingKey: queue})
		return err != nil
	}, "no alarm")
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, err, ErrBlocked, "the error should say what is the matter")
	require.Equal(t, 1, states.count(Blocked))
	c, err := p.PublishAsync(testContext(t, patience), Message{RoutingKey: queue})
	require.NoError(t, err)

	set(watermark)
	require.NoError(t, c.Wait(testContext(t, patience)))
	require.Zero(t, p.Stats().Reconnects, "an alarm is waited out, not run away from")
	require.Equal(t, 2, states.count(Connected))
}

func TestRefusedConnection(t *testing.T) {
	uri := readOutputs(t).AMQPURL
	queue := declareQueue(t, uri, nil)
	for name, test := range map[string]struct {
		change func(*url.URL)
		want   error
	}{
		"wrong password": {func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "S3cret-Wr0ng") },
			ErrAuthentication},
		"missing vhost": {func(u *url.URL) { u.Path = "/no-such-vhost" }, ErrVhost},
	} {
		t.Run(name, func(t *testing.T) {
			var states stateLog
			bad := changeURI(t, uri, test.change)
			p := newTestProducer(t, []string{bad}, WithStateChange(states.record))
			err := p.Publish(testContext(t, patience), Message{RoutingKey: queue})
			require.ErrorIs(t, err, test.want)
			var publishError *PublishError
			require.ErrorAs(t, err, &publishError)
			require.Zero(t, publishError.Attempts)
			assert.NotContains(t, err.Error(), "S3cret-Wr0ng")
			// The callback runs in a goroutine of its own.
			eventually(t, func() bool { return errors.Is(states.last(Disconnected), test.want) },
				"the state change with its reason")

			c, err := NewConsumer([]string{bad}, queue, discard)
			require.NoError(t, err)
			err = c.Run(testContext(t, patience))
			require.ErrorIs(t, err, test.want)
			assert.NotContains(t, err.Error(), "S3cret-Wr0ng")
		})
	}
}

func TestNoEndpointReachable(t *testing.T) {
	nowhere := []string{"amqp://u:S3cret@127.0.0.1:1/", "amqp://u:S3cret@127.0.0.1:2/"}
	var states stateLog
	p := newTestProducer(t, nowhere, WithStateChange(states.record))
	err := p.Publish(testContext(t, time.Second), Message{RoutingKey: "q"})
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "S3cret")
	var publishError *PublishError
	require.True(t, errors.As(err, &publishError))
	require.Zero(t, publishError.Attempts, "it was never sent")
	require.Greater(t, states.count(Connecting), 3, "it should go on trying")

	c, err := NewConsumer(nowhere, "q", discard)
	require.NoError(t, err)
	require.NoError(t, c.Run(testContext(t, time.Second)), "trying until the end is no failure")
}
