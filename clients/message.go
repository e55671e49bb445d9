package clients

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Message is a message to publish, or one that was received.
type Message struct {
	// ID identifies the message wherever it turns up, also when it is published again. Generated when empty: a UUID.
	// At most 255 bytes.
	ID string
	// Exchange and RoutingKey say where the message goes; the empty exchange routes to the queue named RoutingKey.
	// At most 255 bytes each.
	Exchange   string
	RoutingKey string
	// ContentType is the MIME type of Body. Default "application/octet-stream".
	ContentType string
	// Body must not be changed before the message is confirmed.
	Body []byte
	// Timestamp is when the message was made; AMQP carries whole seconds. Default: now.
	Timestamp time.Time
	// Headers take the types that amqp091.Table takes.
	Headers map[string]any
}

// complete fills in the defaults.
func (m *Message) complete() {
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
	if m.ContentType == "" {
		m.ContentType = "application/octet-stream"
	}
	if m.Timestamp.IsZero() {
		m.Timestamp = time.Now()
	}
}

// validate finds what the client library would find out only in the middle of a frame, at the cost of the connection.
func (m *Message) validate() error {
	err := errors.Join(
		shortString("id", m.ID),
		shortString("exchange", m.Exchange),
		shortString("routing key", m.RoutingKey),
		shortString("content type", m.ContentType),
		amqp.Table(m.Headers).Validate(),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidMessage, err)
	}
	return nil
}

// shortString checks what AMQP carries with a length of one byte.
func shortString(what, s string) error {
	if len(s) > 255 {
		return fmt.Errorf("%s is %d bytes long, at most 255 are possible", what, len(s))
	}
	return nil
}

func (m *Message) publishing() amqp.Publishing {
	return amqp.Publishing{
		MessageId:    m.ID,
		ContentType:  m.ContentType,
		Timestamp:    m.Timestamp,
		Headers:      amqp.Table(m.Headers),
		DeliveryMode: amqp.Persistent,
		Body:         m.Body,
	}
}

// Delivery is a message received from a queue.
type Delivery struct {
	Message
	// Queue is the queue it came from.
	Queue string
	// Redelivered says that the broker has delivered the message before, to this consumer or another, without an
	// acknowledgement.
	Redelivered bool
	// DeliveryCount is how often delivering it has failed before, which a quorum queue counts against its delivery
	// limit; 0 from other queues.
	DeliveryCount int64
}

func newDelivery(queue string, d *amqp.Delivery) Delivery {
	count, _ := d.Headers["x-delivery-count"].(int64)
	return Delivery{
		Message: Message{
			ID:          d.MessageId,
			Exchange:    d.Exchange,
			RoutingKey:  d.RoutingKey,
			ContentType: d.ContentType,
			Body:        d.Body,
			Timestamp:   d.Timestamp,
			Headers:     d.Headers,
		},
		Queue:         queue,
		Redelivered:   d.Redelivered,
		DeliveryCount: count,
	}
}
