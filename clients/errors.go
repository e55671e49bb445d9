package clients

import (
	"fmt"
	"strings"

	"warren/clients/internal/reason"
)

// What became of a message that was not confirmed. Match with errors.Is; errors.As with *PublishError tells
// more.
var (
	// ErrUnconfirmed: no confirm came in time. The message may be in the queue or not: its outcome is
	// unknown, unless PublishError.Attempts is 0, which means that it was never sent. An error that also
	// matches another of these errors tells what happened last, but some earlier attempt remains unknown: ask
	// for ErrUnconfirmed first.
	ErrUnconfirmed = reason.ErrUnconfirmed
	// ErrNacked: the broker refused the message every time it was sent, as a full queue with the overflow
	// behaviour reject-publish does.
	ErrNacked = reason.ErrNacked
	// ErrUnroutable: no queue is bound for the message's exchange and routing key; the broker returned it.
	ErrUnroutable = reason.ErrUnroutable
	// ErrChannelException: the broker closed the channel over this very message: its exchange does not exist,
	// the user may not write to it, or the message is larger than the broker takes.
	ErrChannelException = reason.ErrChannelException
	// ErrInvalidMessage: the message cannot be expressed in AMQP 0-9-1, and was not sent.
	ErrInvalidMessage = reason.ErrInvalidMessage
	// ErrClosed: the producer is closed.
	ErrClosed = reason.ErrClosed
)

// Why there is no usable connection.
var (
	// ErrAuthentication: the broker does not accept the user or the password.
	ErrAuthentication = reason.ErrAuthentication
	// ErrVhost: the virtual host does not exist, or the user may not use it.
	ErrVhost = reason.ErrVhost
	// ErrAccessRefused: the user may not consume from the queue, or may not do what a Client was asked to do.
	ErrAccessRefused = reason.ErrAccessRefused
	// ErrConfirmTimeout: confirms were overdue, so the connection was given up.
	ErrConfirmTimeout = reason.ErrConfirmTimeout
	// ErrBlocked: the broker is short of memory or disk space and takes no messages.
	ErrBlocked = reason.ErrBlocked
	// ErrQueueNotFound: the queue to consume does not exist.
	ErrQueueNotFound = reason.ErrQueueNotFound
	// ErrQueueInUse: another consumer has the queue for itself, or another connection has declared it
	// exclusive.
	ErrQueueInUse = reason.ErrQueueInUse
	// ErrDeliveryTimeout: a message was not acknowledged in the time that the broker allows
	// (consumer_timeout, by default 30 minutes). It took the message back, and closed the channel or
	// cancelled the consumer.
	ErrDeliveryTimeout = reason.ErrDeliveryTimeout
	// ErrCancelled: the broker cancelled the consumer, as it does when the queue is deleted.
	ErrCancelled = reason.ErrCancelled
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
