package clients

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/consume"
	"warren/clients/internal/field"
	"warren/clients/internal/flight"
	"warren/clients/internal/ids"
	"warren/clients/internal/transport"
)

// Message is a message to publish, or one that was received. The fields are AMQP 0-9-1's basic properties,
// which are strings of at most 255 bytes where they are strings, and what goes with them in basic.publish.
type Message struct {
	// Exchange and RoutingKey say where the message goes; the empty exchange routes to the queue named
	// RoutingKey.
	Exchange   string
	RoutingKey string
	// Body must not be changed after the message was handed over: a message that is given up may still be
	// being written, and one that is not confirmed is written again.
	Body []byte

	// ID identifies the message wherever it turns up, also when it is published again (message-id). Generated
	// when empty: a random UUID.
	ID string
	// ContentType is the MIME type of Body. Default "application/octet-stream".
	ContentType string
	// ContentEncoding is what was done to Body, such as "gzip".
	ContentEncoding string
	// CorrelationID says what the message belongs to, such as the request that it answers.
	CorrelationID string
	// ReplyTo is the queue that awaits the answer.
	ReplyTo string
	// Type is the application's name for what the message is.
	Type string
	// UserID is the user that published the message. The broker refuses any but the connection's own.
	UserID string
	// AppID is the application that published the message.
	AppID string
	// Expiration is how many milliseconds the message may wait in a queue, as a decimal number; empty for
	// ever.
	Expiration string
	// Priority is its priority in queues that have priorities, from 0 upwards.
	Priority uint8
	// Timestamp is when the message was made; AMQP carries whole seconds. Default: now.
	Timestamp time.Time
	// Headers are further properties. Their values may be nil, bool, strings, []byte, integers, finite
	// floating point numbers, time.Time (whole seconds), amqp091.Decimal, and maps and []any of these. They
	// arrive with the same type, but int, uint and uint64 as int64, and maps as amqp091.Table.
	// Streams leave out maps and []any, hand out []byte that are text as strings, and cost the connection for
	// a Decimal (seen on RabbitMQ 4.3).
	Headers map[string]any

	// Transient messages need not survive a restart of the broker (delivery-mode 1). Quorum queues and
	// streams write them to disk all the same.
	Transient bool
	// NotMandatory has a message for which no queue is bound dropped, and confirmed all the same, instead of
	// ErrUnroutable (the mandatory flag of basic.publish). It is not set in what is received.
	NotMandatory bool
}

// maxHeaderFrame is how large the properties of a message may be with RabbitMQ's default frame_max, in bytes:
// less what of it is not theirs.
const maxHeaderFrame = 131072 - transport.FrameOverhead

// complete fills in the defaults.
func (m *Message) complete(now time.Time) {
	if m.ID == "" {
		m.ID = ids.New()
	}
	if m.ContentType == "" {
		m.ContentType = "application/octet-stream"
	}
	if m.Timestamp.IsZero() {
		m.Timestamp = now
	}
}

// prepare finds what cannot be expressed, which the client library or the broker would find only at the cost
// of the connection, and makes the headers ready to be sent. It returns how many bytes the properties take.
func (m *Message) prepare() (size int, err error) {
	publishing := m.publishing()
	if size, err = flight.Prepare(m.Exchange, m.RoutingKey, &publishing, maxHeaderFrame); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInvalidMessage, err)
	}
	m.Headers = publishing.Headers
	return size, nil
}

// shortString checks what AMQP carries with a length of one byte.
func shortString(what, s string) error { return field.ShortString(what, s) }

// letter is what of a message is written to the broker.
func (m *Message) letter() flight.Letter {
	return flight.Letter{
		Destination: flight.Destination{Exchange: m.Exchange, RoutingKey: m.RoutingKey},
		Mandatory:   !m.NotMandatory,
		Publishing:  m.publishing(),
	}
}

func (m *Message) publishing() amqp.Publishing {
	mode := amqp.Persistent
	if m.Transient {
		mode = amqp.Transient
	}
	return amqp.Publishing{
		Headers:         amqp.Table(m.Headers),
		ContentType:     m.ContentType,
		ContentEncoding: m.ContentEncoding,
		DeliveryMode:    mode,
		Priority:        m.Priority,
		CorrelationId:   m.CorrelationID,
		ReplyTo:         m.ReplyTo,
		Expiration:      m.Expiration,
		MessageId:       m.ID,
		Timestamp:       m.Timestamp,
		Type:            m.Type,
		UserId:          m.UserID,
		AppId:           m.AppID,
		Body:            m.Body,
	}
}

// Delivery is a message received from a queue.
type Delivery struct {
	Message
	// Queue is the queue it came from.
	Queue string
	// ConsumerTag is the tag of the consumer that it was delivered to; empty for a message that was fetched.
	ConsumerTag string
	// Redelivered says that the broker has delivered the message before, to this consumer or another, without
	// an acknowledgement.
	Redelivered bool
	// DeliveryCount is how often delivering it has failed before, which a quorum queue counts against its
	// delivery limit; 0 from other queues.
	DeliveryCount int64
}

func newDelivery(queue string, d *amqp.Delivery) Delivery {
	return Delivery{
		Message: Message{
			Exchange:        d.Exchange,
			RoutingKey:      d.RoutingKey,
			Body:            d.Body,
			ID:              d.MessageId,
			ContentType:     d.ContentType,
			ContentEncoding: d.ContentEncoding,
			CorrelationID:   d.CorrelationId,
			ReplyTo:         d.ReplyTo,
			Type:            d.Type,
			UserID:          d.UserId,
			AppID:           d.AppId,
			Expiration:      d.Expiration,
			Priority:        d.Priority,
			Timestamp:       d.Timestamp,
			Headers:         d.Headers,
			Transient:       d.DeliveryMode != amqp.Persistent,
		},
		Queue:         queue,
		ConsumerTag:   d.ConsumerTag,
		Redelivered:   d.Redelivered,
		DeliveryCount: consume.DeliveryCount(d),
	}
}
