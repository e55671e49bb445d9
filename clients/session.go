package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// closeTimeout is how long saying goodbye to the broker may take.
const closeTimeout = 2 * time.Second

// session is one channel on one connection to one endpoint. It is never repaired: when the connection or the channel
// fails the session is over, and another takes its place, on another connection unless it was renewed.
type session struct {
	*link
	channel  *amqp.Channel
	renewals int         // sessions before it on the same connection
	useful   atomic.Bool // set once it has done what it is for

	proven chan struct{} // closed when it has become useful
	over   chan struct{} // closed when the session has become unusable
	once   sync.Once
	cause  error // why it is over; to be read after over is closed

	listeners sync.WaitGroup
}

// link is a connection to an endpoint.
type link struct {
	endpoint  endpoint
	conn      *amqp.Connection
	socket    *socket
	listeners sync.WaitGroup // of the connection, whatever the session
}

// openSession connects to an endpoint and opens a channel.
func openSession(ctx context.Context, e endpoint, cfg connectionConfig) (*session, error) {
	l, err := connectLink(ctx, e, cfg)
	if err != nil {
		return nil, err
	}
	return l.openChannel(ctx, 0)
}

// openChannel makes a session of a connection.
func (l *link) openChannel(ctx context.Context, renewals int) (*session, error) {
	s := &session{link: l, renewals: renewals, proven: make(chan struct{}), over: make(chan struct{})}
	err := s.within(ctx, "open a channel", func() (err error) {
		s.channel, err = l.conn.Channel()
		return err
	})
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	// When the connection fails, the library closes its channels with the connection's reason.
	closed := s.channel.NotifyClose(make(chan *amqp.Error, 1))
	s.listen(func() { s.fail(closeReason(<-closed)) })
	return s, nil
}

// renew closes the session's channel and returns a session with a new one on the same connection. If that fails the
// connection is closed.
func (s *session) renew(ctx context.Context) (*session, error) {
	if err := s.within(ctx, "close the channel", s.channel.Close); err != nil {
		s.close(ctx)
		return nil, err
	}
	s.listeners.Wait()
	return s.openChannel(ctx, s.renewals+1)
}

// listen runs f, which ends when the client library has closed the Go channel that f listens on, as it does with every
// listener's when the AMQP channel, or the connection, closes. Whoever registers a listener must go on receiving until then: the
// library's only reader waits for it.
func (s *session) listen(f func()) { s.listeners.Go(f) }

// closeReason makes an error of what a close listener receives: nothing, when we have closed the connection; what the
// broker gave as the reason; or what went wrong with the socket, which the library dresses up as a reply code.
func closeReason(err *amqp.Error) error {
	switch {
	case err == nil:
		return amqp.ErrClosed
	case err.Server:
		return err
	default:
		return fmt.Errorf("connection lost: %s", err.Reason)
	}
}

// prove takes note that the session has done what it is for.
func (s *session) prove() {
	if !s.useful.Load() && s.useful.CompareAndSwap(false, true) {
		close(s.proven)
	}
}

// fail ends the session; only the first cause counts.
func (s *session) fail(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.over)
	})
}

// cut ends the session and closes the socket, so that every call that waits for the broker returns.
func (s *session) cut(cause error) {
	s.fail(cause)
	_ = s.socket.Close()
}

// abandon ends the session after a call of the client library has failed. The library says on its close listeners, at
// about the same time, why; that account is better than the call's own error, which is often just "not open".
func (s *session) abandon(err error) {
	select {
	case <-s.over:
	case <-time.After(closeTimeout):
	}
	s.cut(err)
}

// isOver says whether the session has become unusable.
func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// within makes a call of the client library, and cuts the connection if the call has not returned when ctx ends.
func (s *session) within(ctx context.Context, what string, call func() error) error {
	stop := context.AfterFunc(ctx, func() { s.cut(fmt.Errorf("%s: no answer: %w", what, timeoutCause(ctx))) })
	err := call()
	if !stop() {
		<-s.over
		return s.cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// close ends the session with the goodbyes of the protocol, which make the broker process everything sent before, or
// without them if it is over already or they take longer than ctx and closeTimeout allow. It returns when no goroutine
// of the session is left, and says whether the broker has answered.
func (s *session) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	err := errors.New("the connection was lost")
	if !s.isOver() {
		err = s.within(ctx, "close", func() error {
			if s.channel != nil {
				if err := s.channel.Close(); err != nil {
					return err
				}
			}
			return s.conn.Close()
		})
	} else if !s.conn.IsClosed() {
		// Only the channel has failed; the connection can still be closed properly.
		_ = s.within(ctx, "close", s.conn.Close)
	}
	s.cut(amqp.ErrClosed)
	_ = s.conn.Close() // waits for the library's own shutdown, if another goroutine is at it
	s.listeners.Wait()
	s.link.listeners.Wait()
	return err
}
