// Package reason names why messages do not flow: the errors that applications match, and the ways in which
// RabbitMQ says what they mean. What each error means is documented where package clients exports it.
package reason

import (
	"errors"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// What became of a message that was not confirmed.
var (
	ErrUnconfirmed      = errors.New("not confirmed")
	ErrNacked           = errors.New("nacked by the broker")
	ErrUnroutable       = errors.New("unroutable")
	ErrChannelException = errors.New("refused by the broker with a channel exception")
	ErrInvalidMessage   = errors.New("invalid message")
	ErrClosed           = errors.New("closed")
)

// Why there is no usable connection or channel.
var (
	ErrAuthentication  = errors.New("authentication refused")
	ErrVhost           = errors.New("virtual host refused")
	ErrAccessRefused   = errors.New("access refused")
	ErrConfirmTimeout  = errors.New("confirms are overdue")
	ErrBlocked         = errors.New("connection blocked by the broker")
	ErrQueueNotFound   = errors.New("queue not found")
	ErrQueueInUse      = errors.New("queue in exclusive use")
	ErrDeliveryTimeout = errors.New("delivery acknowledgement timed out")
	ErrCancelled       = errors.New("consumer cancelled by the broker")
)

// Why a declaration is refused.
var (
	ErrNotEquivalent    = errors.New("exists with other properties")
	ErrExchangeNotFound = errors.New("exchange not found")
)

// ErrDeadLetter is what a handler returns about a message that will never succeed.
var ErrDeadLetter = errors.New("dead-letter the message")

// Connect names the operation and the endpoint of a failed attempt to connect, and gives the refusals that an
// application may want to match a name.
func Connect(endpoint fmt.Stringer, err error) error {
	var reply *amqp.Error
	if errors.As(err, &reply) && reply.Server {
		switch reply.Code {
		case amqp.AccessRefused:
			return fmt.Errorf("connect to %s: %w: %w", endpoint, ErrAuthentication, err)
		case amqp.NotAllowed:
			// RabbitMQ answers so to a connection.open it will not grant, but also when a limit on
			// connections is reached, which passes.
			if !strings.Contains(reply.Reason, "limit") {
				return fmt.Errorf("connect to %s: %w: %w", endpoint, ErrVhost, err)
			}
		}
	}
	if errors.Is(err, amqp.ErrCredentials) || errors.Is(err, amqp.ErrVhost) {
		// The library guesses so when the socket is closed in the middle of the handshake. Since we are told
		// when we are refused, a silent end is the end of the node or of the path to it.
		return fmt.Errorf("connect to %s: connection lost during the handshake", endpoint)
	}
	return fmt.Errorf("connect to %s: %w", endpoint, err)
}

// Channel gives the reasons for which the broker closes a consumer's channel a name.
func Channel(err error) error {
	var reply *amqp.Error
	if !errors.As(err, &reply) || !reply.Server {
		return err
	}
	switch {
	case reply.Code == amqp.AccessRefused && strings.Contains(reply.Reason, "exclusive use"),
		reply.Code == amqp.ResourceLocked:
		return fmt.Errorf("%w: %w", ErrQueueInUse, err)
	case reply.Code == amqp.AccessRefused:
		return fmt.Errorf("%w: %w", ErrAccessRefused, err)
	case reply.Code == amqp.NotFound:
		return fmt.Errorf("%w: %w", ErrQueueNotFound, err)
	case reply.Code == amqp.PreconditionFailed && strings.Contains(reply.Reason, "timed out"):
		return fmt.Errorf("%w: %w", ErrDeliveryTimeout, err)
	default:
		return err
	}
}

// Declaration gives the reasons for which the broker refuses a declaration a name.
func Declaration(err error) error {
	var reply *amqp.Error
	if errors.As(err, &reply) && reply.Server {
		switch {
		case reply.Code == amqp.PreconditionFailed && strings.Contains(reply.Reason, "inequivalent"):
			return fmt.Errorf("%w: %w", ErrNotEquivalent, err)
		case reply.Code == amqp.NotFound && strings.Contains(reply.Reason, "no exchange"):
			return fmt.Errorf("%w: %w", ErrExchangeNotFound, err)
		}
	}
	return Channel(err)
}

// NeedsChange says whether connecting again will help only after someone has changed something.
func NeedsChange(err error) bool {
	return errors.Is(err, ErrAuthentication) || errors.Is(err, ErrVhost)
}

// BlamesMessage says whether the broker closed a channel or a connection over a single message, which would
// happen again whenever that message is published again. Being told to go away (320) and internal errors
// (541) are not the message's fault.
func BlamesMessage(err error) bool {
	var reply *amqp.Error
	if !errors.As(err, &reply) || !reply.Server {
		return false
	}
	switch reply.Code {
	case amqp.ContentTooLarge, amqp.AccessRefused, amqp.NotFound, amqp.PreconditionFailed,
		amqp.FrameError, amqp.SyntaxError, amqp.NotImplemented:
		return true
	default:
		return false
	}
}

// Accuses says whether the broker closed a connection over something that came over it. Being told to go away
// (320) and internal errors (541) are nobody's fault.
func Accuses(err error) bool {
	var reply *amqp.Error
	return errors.As(err, &reply) && reply.Server &&
		reply.Code != amqp.ConnectionForced && reply.Code != amqp.InternalError
}

// With adds why messages do not flow to a cause, if it is known and new.
func With(cause, reason error) error {
	if reason == nil || errors.Is(cause, reason) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, reason)
}
