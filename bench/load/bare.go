package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Bare is a loop over amqp091-go that does nothing but publish the same messages as Warren's client and
// wait for confirms: no reconnecting, no deadlines but for its end.
type Bare struct{}

// closeTimeout is how long a connection may take to close. One that the broker has blocked does not.
const closeTimeout = 2 * time.Second

// Open connects and opens a channel. The caller closes the connection.
func (Bare) Open(endpoint, queue string) (*amqp.Connection, *amqp.Channel, error) {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(connectionName(queue))
	conn, err := amqp.DialConfig(endpoint,
		amqp.Config{Dial: amqp.DefaultDial(5 * time.Second), Properties: properties})
	if err != nil {
		return nil, nil, fmt.Errorf("connect with amqp091-go: %w", err)
	}
	channel, err := conn.Channel()
	if err != nil {
		_ = conn.Close() // without a channel it is of no use
		return nil, nil, fmt.Errorf("open a channel with amqp091-go: %w", err)
	}
	return conn, channel, nil
}

// Produce implements Client.
func (b Bare) Produce(ctx context.Context, endpoint, queue string, l Load, m *Meter) error {
	conn, channel, err := b.Open(endpoint, queue)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Whatever waits for the broker when the time is over ends with the connection.
	defer context.AfterFunc(ctx, func() { _ = conn.CloseDeadline(time.Now().Add(closeTimeout)) })()
	if err := channel.Confirm(false); err != nil {
		return fmt.Errorf("select confirm mode with amqp091-go: %w", err)
	}
	type inFlight struct {
		confirmation *amqp.DeferredConfirmation
		sent         time.Time
	}
	window := make(chan struct{}, l.Window)
	flight := make(chan inFlight, l.Window)
	confirmed := make(chan struct{})
	go func() {
		defer close(confirmed)
		for f := range flight {
			if f.confirmation.Wait() {
				m.confirm(time.Since(f.sent))
			}
			<-window
		}
	}()
	message := amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: "application/octet-stream", Timestamp: time.Now(),
		MessageId: uuid.NewString(), Body: l.body(),
	}
	for ctx.Err() == nil {
		window <- struct{}{}
		sent := time.Now()
		var confirmation *amqp.DeferredConfirmation
		if confirmation, err = channel.PublishWithDeferredConfirm("", queue, true, false, message); err != nil {
			break
		}
		flight <- inFlight{confirmation, sent}
	}
	close(flight)
	// the library ends the wait for what is still in flight
	closed := conn.CloseDeadline(time.Now().Add(closeTimeout))
	<-confirmed
	if ctx.Err() != nil {
		return nil // what the end found on its way does not matter
	}
	return errors.Join(err, closed)
}

// Consume implements Client.
func (b Bare) Consume(ctx context.Context, endpoint, queue string, l Load, m *Meter) error {
	conn, channel, err := b.Open(endpoint, queue)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := channel.Qos(l.Window, 0, false); err != nil {
		return fmt.Errorf("set the prefetch with amqp091-go: %w", err)
	}
	deliveries, err := channel.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("consume with amqp091-go: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case d, open := <-deliveries:
			if !open {
				return errors.New("amqp091-go lost its connection")
			}
			m.deliver()
			if err := d.Ack(false); err != nil {
				return fmt.Errorf("acknowledge with amqp091-go: %w", err)
			}
		}
	}
}
