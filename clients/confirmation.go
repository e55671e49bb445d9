package clients

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// Confirmation is the result, to come, of one message published with PublishAsync.
type Confirmation struct {
	id       string
	accepted time.Time
	done     chan struct{}

	// To be read after done is closed.
	err     error
	latency time.Duration

	// The rest belongs to the producer, and is guarded by its mutex.

	message  Message
	size     int // of the properties, in bytes
	ctx      context.Context
	deadline time.Time
	after    func(error) // told the outcome; nil for none

	phase    phase
	links    [kindsOfLists]links
	attempts int
	nacks    int
	unknown  bool        // some attempt was lost with its connection, neither confirmed nor refused
	suspect  bool        // was in flight when the broker closed a channel over a message
	timer    *time.Timer // that sends it again, while it is delayed

	// Of the latest attempt. A message that is given up while it is on its way stays there until that is
	// answered.
	sentAt time.Time
	answer *amqp.DeferredConfirmation // nil until it is written
}

// phase is where a message is on its way.
type phase int

const (
	queued  phase = iota // to be sent as soon as possible
	held                 // to be sent when another to the same destination has been confirmed
	sent                 // being written to the current session, or written and not answered
	delayed              // nacked, and to be sent again a little later
	settled              // its outcome is known to the caller
)

// MessageID is the message's id, given or generated.
func (c *Confirmation) MessageID() string { return c.id }

// Done is closed when the outcome is known.
func (c *Confirmation) Done() <-chan struct{} { return c.done }

// Err is the outcome: nil for a confirmed message, otherwise a *PublishError. It is nil until Done is closed.
func (c *Confirmation) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Wait waits for the outcome and returns it, or the context's error if that ends first; the message is then
// still on its way.
func (c *Confirmation) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Latency is the time from the acceptance of the message by PublishAsync to its outcome, with all that came
// between: reconnecting, blocking, publishing again. It is 0 until Done is closed.
func (c *Confirmation) Latency() time.Duration {
	select {
	case <-c.done:
		return c.latency
	default:
		return 0
	}
}

// expired is why the message must not be tried any longer; nil if it may.
func (c *Confirmation) expired(now time.Time, timeout time.Duration) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if !now.Before(c.deadline) {
		return transport.Timeout(timeout)
	}
	return nil
}
