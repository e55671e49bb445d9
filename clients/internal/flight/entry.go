package flight

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Entry is a message that was accepted. The exported fields above Done are the caller's to fill in.
type Entry struct {
	Letter
	Size     int // of the properties, in bytes
	Accepted time.Time
	Deadline time.Time
	Context  context.Context // the message is given up when it ends
	After    func(error)     // told the outcome; nil for nobody

	Done chan struct{} // closed by the owner when the outcome is known

	// Err and Latency are what the application is to know of the outcome. The owner sets them before it closes
	// Done.
	Err     error
	Latency time.Duration

	Attempts int  // how many times it was sent
	Unknown  bool // some attempt was lost with its connection, neither confirmed nor refused

	// Answer is what the client library tells of the latest attempt; nil until it is written. A message that
	// is given up while it is on its way stays there until that is answered.
	Answer *amqp.DeferredConfirmation

	phase   phase
	links   [kindsOfLists]links
	nacks   int
	suspect bool        // was in flight when the broker closed a channel over a message
	timer   *time.Timer // that sends it again, while it is delayed
	sentAt  time.Time   // of the latest attempt
}

// Letter is what is written to the broker.
type Letter struct {
	Destination
	Mandatory bool
	amqp.Publishing
}

// Destination is where messages go.
type Destination struct{ Exchange, RoutingKey string }

// phase is where a message is on its way.
type phase int

const (
	queued  phase = iota // to be sent as soon as possible
	held                 // to be sent when another to the same destination has been confirmed
	sent                 // being written to the current session, or written and not answered
	delayed              // nacked, and to be sent again a little later
	settled              // its outcome is known
)

// expired is why the message must not be tried any longer; nil if it may.
func (e *Entry) expired(now time.Time, timeout error) error {
	if err := e.Context.Err(); err != nil {
		return err
	}
	if !now.Before(e.Deadline) {
		return timeout
	}
	return nil
}
