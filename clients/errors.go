package clients

import (
	"errors"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// What became of a message that was not confirmed. Match with errors.Is; errors.As with *PublishError tells
// more.
var (
	// ErrUnconfirmed: no confirm came in time. The message may be in the queue or not: its outcome is
	// unknown, unless PublishError.Attempts is 0, which means that it was never sent. An error that also
	// matches another of these errors tells what happened last, but some earlier attempt remains unknown: ask
	// for ErrUnconfirmed first.
	ErrUnconfirmed = errors.New("not confirmed")
	// ErrNacked: the broker refused the message every time it was sent, as a full queue with the overflow
	// behaviour reject-publish does.
	ErrNacked = errors.New("nacked by the broker")
	// ErrUnroutable: no queue is bound for the message's exchange and routing key; the broker returned it.
	ErrUnroutable = errors.New("unroutable")
	// ErrChannelException: the broker closed the channel over this very message: its exchange does not exist,
	// the user may not write to it, or the message is larger than the broker takes.
	ErrChannelException = errors.New("refused by the broker with a channel exception")
	// ErrInvalidMessage: the message cannot be expressed in AMQP 0-9-1, and was not sent.
	ErrInvalidMessage = errors.New("invalid message")
	// ErrClosed: the producer is closed.
	ErrClosed = errors.New("closed")
)

// Why there is no usable connection.
var (
	// ErrAuthentication: the broker does not accept the user or the password.
	ErrAuthentication = errors.New("authentication refused")
	// ErrVhost: the virtual host does not exist, or the user may not use it.
	ErrVhost = errors.New("virtual host refused")
	// ErrAccessRefused: the user may not read the queue.
	ErrAccessRefused = errors.New("access refused")
	// ErrConfirmTimeout: confirms were overdue, so the connection was given up.
	ErrConfirmTimeout = errors.New("confirms are overdue")
	// ErrBlocked: the broker is short of memory or disk space and takes no messages.
	ErrBlocked = errors.New("connection blocked by the broker")
	// ErrQueueNotFound: the queue to consume does not exist.
	ErrQueueNotFound = errors.New("queue not found")
	// ErrQueueInUse: another consumer has the queue for itself, or another connection has declared it
	// exclusive.
	ErrQueueInUse = errors.New("queue in exclusive use")
	// ErrDeliveryTimeout: a message was not acknowledged in the time that the broker allows
	// (consumer_timeout, by default 30 minutes). It took the message back, and closed the channel or
	// cancelled the consumer.
	ErrDeliveryTimeout = errors.New("delivery acknowledgement timed out")
	// ErrCancelled: the broker cancelled the consumer, as it does when the queue is deleted.
	ErrCancelled = errors.New("consumer cancelled by the broker")
)

// PublishError says what is known of a message that was not confirmed.
type PublishError struct {
	// MessageID is the message's id, given or generated.
	MessageID string
	// Attempts is how many times the message was written to a connection. 0: certainly not published.
	Attempts int
	// Err is one of ErrUnconfirmed, ErrNacked, ErrUnroutable, ErrChannelException, or ErrInvalidMessage for
	// one whose properties are larger than the frames that the broker takes.
	Err error
	// Cause is what stood in the way, where known: the context's end, a connection that could not be made, a
	// blocked connection, the reply text of a returned message.
	Cause error
	// Unknown says that some attempt was neither confirmed nor refused, so that the message may be in the
	// queue.
	Unknown bool
}

// Error implements error.
func (e *PublishError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "publish %s: %v", e.MessageID, e.Err)
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	switch {
	case e.Attempts == 0:
		b.WriteString(" (never sent)")
	case e.Attempts > 1:
		fmt.Fprintf(&b, " (sent %d times)", e.Attempts)
	}
	return b.String()
}

// Unwrap makes errors.Is match the outcome, the cause, and ErrUnconfirmed whenever the outcome is unknown.
func (e *PublishError) Unwrap() []error {
	errs := []error{e.Err}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	if e.Unknown {
		errs = append(errs, ErrUnconfirmed)
	}
	return errs
}

// UnconfirmedError is what Producer.Close returns when messages were still in flight when its context ended.
type UnconfirmedError struct {
	// MessageIDs are the ids of the messages that were not confirmed, in the order they were published.
	MessageIDs []string
	// Cause is why Close did not wait any longer.
	Cause error
}

// Error implements error. It names the first few messages; MessageIDs has them all.
func (e *UnconfirmedError) Error() string {
	const shown = 5
	ids, more := e.MessageIDs, ""
	if len(ids) > shown {
		ids, more = ids[:shown], ", ..."
	}
	return fmt.Sprintf("closed with %d messages not confirmed (%s%s): %v",
		len(e.MessageIDs), strings.Join(ids, ", "), more, e.Cause)
}

// Unwrap makes errors.Is match ErrUnconfirmed and the cause.
func (e *UnconfirmedError) Unwrap() []error { return []error{ErrUnconfirmed, e.Cause} }

// connectError names the operation and the endpoint of a failed attempt, and gives the refusals that an
// application may want to match a name.
func connectError(e transport.Endpoint, err error) error {
	var reply *amqp.Error
	if errors.As(err, &reply) && reply.Server {
		switch reply.Code {
		case amqp.AccessRefused:
			return fmt.Errorf("connect to %s: %w: %w", e, ErrAuthentication, err)
		case amqp.NotAllowed:
			// RabbitMQ answers so to a connection.open it will not grant, but also when a limit on
			// connections is reached, which passes.
			if !strings.Contains(reply.Reason, "limit") {
				return fmt.Errorf("connect to %s: %w: %w", e, ErrVhost, err)
			}
		}
	}
	if errors.Is(err, amqp.ErrCredentials) || errors.Is(err, amqp.ErrVhost) {
		// The library guesses so when the socket is closed in the middle of the handshake. Since we are told
		// when we are refused, a silent end is the end of the node or of the path to it.
		return fmt.Errorf("connect to %s: connection lost during the handshake", e)
	}
	return fmt.Errorf("connect to %s: %w", e, err)
}

// nameChannelError gives the reasons for which the broker closes a consumer's channel a name.
func nameChannelError(err error) error {
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

// refused says whether trying again will help only after someone has changed something.
func refused(err error) bool {
	return errors.Is(err, ErrAuthentication) || errors.Is(err, ErrVhost)
}

// blamesMessage says whether the broker closed a channel or a connection over a single message, which would
// happen again whenever that message is published again. Being told to go away (320) and internal errors
// (541) are not the message's fault.
func blamesMessage(err error) bool {
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
