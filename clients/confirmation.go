package clients

import (
	"context"
	"time"

	"warren/clients/internal/flight"
)

// Confirmation is the result, to come, of one message published with PublishAsync.
type Confirmation struct{ entry flight.Entry }

// MessageID is the message's id, given or generated.
func (c *Confirmation) MessageID() string { return c.entry.MessageId }

// Done is closed when the outcome is known.
func (c *Confirmation) Done() <-chan struct{} { return c.entry.Done }

// Err is the outcome: nil for a confirmed message, otherwise a *PublishError. It is nil until Done is closed.
func (c *Confirmation) Err() error {
	select {
	case <-c.entry.Done:
		return c.entry.Err
	default:
		return nil
	}
}

// Wait waits for the outcome and returns it, or the context's error if that ends first; the message is then
// still on its way.
func (c *Confirmation) Wait(ctx context.Context) error {
	select {
	case <-c.entry.Done:
		return c.entry.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Latency is the time from the acceptance of the message by PublishAsync to its outcome, with all that came
// between: reconnecting, blocking, publishing again. It is 0 until Done is closed.
func (c *Confirmation) Latency() time.Duration {
	select {
	case <-c.entry.Done:
		return c.entry.Latency
	default:
		return 0
	}
}

// failure is the error of a message that was not confirmed.
func failure(e *flight.Entry, outcome, cause error) error {
	return &PublishError{
		MessageID: e.MessageId, Attempts: e.Attempts, Err: outcome, Cause: cause, Unknown: e.Unknown,
	}
}
