package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// abandonTimeout is how long Abandon waits for the library's account of what went wrong.
const abandonTimeout = 2 * time.Second

// Channel is one AMQP channel on a connection. It is over when the channel or the connection fails.
type Channel struct {
	*amqp.Channel
	Conn *Conn
	// Opening is how long it took to open and prepare the channel, which tells how busy the broker is.
	Opening time.Duration

	silence   time.Duration // how long an unanswered call may leave the connection to its other users
	over      signal
	listeners sync.WaitGroup
	release   func()
}

// Open opens a channel. A call over it that is not answered when its context ends cuts the connection, unless
// others use it and it has served one of them within the time called silence.
func (c *Conn) Open(ctx context.Context, silence time.Duration) (*Channel, error) {
	if err := c.limit.check(int(c.channels.Add(1))); err != nil {
		c.channels.Add(-1)
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	doubt := func(cause error) bool { return c.giveUp(cause, silence) }
	opened, err := await(ctx, "open a channel", doubt, func() (*amqp.Channel, error) {
		opened, err := c.amqp.Channel()
		if err == nil && ctx.Err() != nil { // too late: nobody has use for it
			return nil, errors.Join(ctx.Err(), opened.Close())
		}
		return opened, err
	})
	if err != nil {
		c.channels.Add(-1)
		return nil, err
	}
	leave := c.Use()
	release := sync.OnceFunc(func() {
		c.channels.Add(-1)
		leave()
	})
	ch := &Channel{Channel: opened, Conn: c, silence: silence, over: newSignal(), release: release}
	// When the connection fails, the library closes its channels with the connection's reason.
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	ch.Listen(func() { ch.Fail(closeReason(<-closed)) })
	return ch, nil
}

// Listen runs f, which ends when the client library has closed the Go channel that f listens on, as it does
// with every listener's when the AMQP channel, or the connection, closes. Whoever registers a listener must
// go on receiving until then: the library's only reader waits for it, for 5 s.
func (ch *Channel) Listen(f func()) { ch.listeners.Go(f) }

// Over is closed when the channel is over.
func (ch *Channel) Over() <-chan struct{} { return ch.over.raised }

// IsOver says whether the channel is over.
func (ch *Channel) IsOver() bool { return ch.over.isRaised() }

// Cause is why the channel is over; nil as long as it is not. If the connection is over, its cause is the
// better one.
func (ch *Channel) Cause() error {
	cause := ch.over.reason()
	if errors.Is(cause, amqp.ErrClosed) && ch.Conn.IsOver() {
		return ch.Conn.Cause()
	}
	return cause
}

// Fail ends the channel; only the first cause counts.
func (ch *Channel) Fail(cause error) { ch.over.raise(cause) }

// Doubt ends the channel over which nothing has been heard for so long, and the connection with it as
// Conn.Doubt does.
func (ch *Channel) Doubt(cause error, silence time.Duration) (cut bool) {
	ch.Fail(cause)
	return ch.Conn.Doubt(cause, silence)
}

// Abandon ends the channel after a call of the client library has failed. The library says on its close
// listeners, at about the same time, why; that account is better than the call's own error, which is often
// just "not open".
func (ch *Channel) Abandon(err error) {
	timer := time.NewTimer(abandonTimeout)
	defer timer.Stop()
	select {
	case <-ch.Over():
	case <-ch.Conn.Over():
	case <-timer.C:
		ch.Conn.Cut(err)
	}
	ch.Fail(err)
}

// Await makes a call of the client library that brings a value, and does not wait for it longer than ctx.
func Await[T any](ctx context.Context, ch *Channel, what string, call func() (T, error)) (T, error) {
	giveUp := func(cause error) bool {
		ch.Fail(cause)
		return ch.Conn.giveUp(cause, ch.silence)
	}
	return await(ctx, what, giveUp, call)
}

// Within makes a call of the client library, and does not wait for it longer than ctx. The call must not
// write to variables that others read: it may still be under way.
func (ch *Channel) Within(ctx context.Context, what string, call func() error) error {
	_, err := Await(ctx, ch, what, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// Close closes the channel with the goodbyes of the protocol, if that takes no longer than ctx and
// closeTimeout allow. It returns when no goroutine of the channel is left, and an error unless the broker has
// answered.
func (ch *Channel) Close(ctx context.Context) error {
	defer ch.release()
	ctx, cancel := context.WithTimeoutCause(ctx, closeTimeout, Timeout(closeTimeout))
	defer cancel()
	err := errors.New("the channel was lost")
	if !ch.Conn.IsOver() && !ch.IsClosed() {
		err = ch.Within(ctx, "close the channel", ch.Channel.Close)
	}
	if !ch.Abandoned() {
		ch.listeners.Wait() // the library tells why the channel is over, if it was not us
	}
	ch.Fail(amqp.ErrClosed)
	return err
}

// Abandoned says whether the channel stays open after Close, because the broker did not answer and the
// connection was left to its other users. What the library still owes comes when the connection ends.
func (ch *Channel) Abandoned() bool { return !ch.IsClosed() && !ch.Conn.IsOver() }
