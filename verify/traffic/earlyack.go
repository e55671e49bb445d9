package traffic

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients"
	"warren/internal/wait"
)

// earlyWork is how long a consumer that acknowledges early works on a message. At the usual rate it does not
// keep up, so that it always has received more than it has worked on.
const earlyWork = 12 * time.Millisecond

// startEarlyConsumer starts a consumer that has the broker take every message for consumed once it was sent
// (basic.consume with no-ack), as many an application does. What it has received and not worked on is lost
// with its connection.
func (t *Traffic) startEarlyConsumer(path Path, queue string) {
	name := "consumer " + path.Name
	state := t.stateChange(name)
	t.consumers.Go(func() {
		for next := 0; t.consuming.Err() == nil; next++ {
			err := t.consumeEarly(name, path, path.Endpoints[next%len(path.Endpoints)], queue)
			if t.consuming.Err() == nil {
				state("disconnected", err)
				_ = wait.Sleep(t.consuming, retryInterval) // the end is seen above
			}
		}
	})
}

// consumeEarly consumes over one connection until it breaks or consuming ends.
func (t *Traffic) consumeEarly(name string, path Path, endpoint, queue string) error {
	connection, err := amqp.DialConfig(endpoint, amqp.Config{
		Heartbeat:       5 * time.Second,
		TLSClientConfig: t.config.TLS,
		Dial:            amqp.DefaultDial(connectTimeout),
	})
	if err != nil {
		return fmt.Errorf("connect over %s: %w", path.Name, err)
	}
	defer func() { _ = connection.CloseDeadline(time.Now().Add(connectTimeout)) }()
	broken := connection.NotifyClose(make(chan *amqp.Error, 1))
	stop := context.AfterFunc(t.consuming, func() {
		_ = connection.CloseDeadline(time.Now().Add(connectTimeout))
	})
	defer stop()
	channel, err := connection.Channel()
	if err != nil {
		return fmt.Errorf("open channel over %s: %w", path.Name, err)
	}
	deliveries, err := channel.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("consume over %s: %w", path.Name, err)
	}
	t.stateChange(name)("connected", nil)
	for {
		select {
		case reason := <-broken: // what was received goes with it
			if reason == nil {
				return nil
			}
			return reason
		case d, ok := <-deliveries:
			if !ok {
				deliveries = nil
				continue
			}
			time.Sleep(earlyWork)
			m := clients.Message{ID: d.MessageId, Body: d.Body}
			t.recorder.Delivered(name, path.Name, identify(m), d.Redelivered)
		}
	}
}
