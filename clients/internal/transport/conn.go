// Package transport makes connections and channels to RabbitMQ on which nothing is waited for without an end.
// The client library takes no contexts; here the end of a context ends every call, if need be by closing the
// socket.
package transport

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

// FrameOverhead is how many bytes of a frame with a message's properties are not theirs: the frame's own 8,
// and the 14 before the properties.
const FrameOverhead = 8 + 14

// Conn is a connection to an endpoint. It is never repaired: when it fails it is over, and another takes its
// place.
type Conn struct {
	Endpoint Endpoint

	amqp      *amqp.Connection
	socket    *socket
	users     atomic.Int32
	channels  atomic.Int32  // open or being opened
	limit     *ChannelLimit // how many there may be
	used      atomic.Int64  // when it last did what it is for, in Unix nanoseconds; 0 for never
	opening   chan struct{} // holds an element for every user that opens a channel
	over      signal
	listeners sync.WaitGroup

	mu       sync.Mutex
	blocking Blocking
	changed  chan struct{} // closed when blocking changes
}

// Blocking says whether the broker has stopped reading from a connection because it is short of memory or
// disk space.
type Blocking struct {
	Active bool
	Reason string
}

func newConn(e Endpoint, conn *amqp.Connection, s *socket, limit *ChannelLimit) *Conn {
	s.heard.Store(nil)
	c := &Conn{
		Endpoint: e, amqp: conn, socket: s, limit: limit, opening: make(chan struct{}, mostOpening),
		over: newSignal(), changed: make(chan struct{}),
	}
	// The library gives up on a listener that does not receive within 5 s. These do nothing that waits, and
	// their buffers hold more than a broker says in that time.
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 64))
	c.listeners.Go(func() {
		// The library tells this before it closes the channels, which it cannot as long as a write over one
		// of them is stuck. Closing the socket ends that write.
		reason := closeReason(<-closed)
		c.limit.learn(reason, int(c.channels.Load()))
		c.Cut(reason)
	})
	c.listeners.Go(func() {
		for b := range blocked {
			c.setBlocking(Blocking(b))
		}
	})
	return c
}

func (c *Conn) setBlocking(b Blocking) {
	c.socket.setBlocked(b.Active)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocking = b
	close(c.changed)
	c.changed = make(chan struct{})
}

// Blocking returns whether the broker has blocked the connection, and a channel that is closed when that
// changes.
func (c *Conn) Blocking() (Blocking, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocking, c.changed
}

// closeReason makes an error of what a close listener receives: nothing, when we have closed the connection;
// what the broker gave as the reason; or what went wrong with the socket, which the library reports as a
// reply code.
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

// Use counts one more user of the connection. It returns the function that counts it out again.
func (c *Conn) Use() (release func()) {
	c.users.Add(1)
	return sync.OnceFunc(func() { c.users.Add(-1) })
}

// mostOpening is how many users of a connection open a channel at once, so that those of many users do not
// all come too late.
const mostOpening = 8

// Turn waits until it is a user's turn to open a channel, which ends with release. It returns the error of
// ctx if that ends first, or why the connection is over.
func (c *Conn) Turn(ctx context.Context) (release func(), err error) {
	select {
	case c.opening <- struct{}{}:
		return func() { <-c.opening }, nil
	case <-c.Over():
		return nil, c.Cause()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Prove takes note that the connection has done what it is for.
func (c *Conn) Prove() { c.used.Store(time.Now().UnixNano()) }

// Proven says whether it ever did.
func (c *Conn) Proven() bool { return c.used.Load() != 0 }

// Doubt is called by a user that has heard nothing for so long. It cuts the connection, unless others use it
// and it has served one of them meanwhile. It says whether it did.
func (c *Conn) Doubt(cause error, silence time.Duration) (cut bool) {
	if c.users.Load() > 1 && time.Since(time.Unix(0, c.used.Load())) < silence {
		return false
	}
	c.Cut(cause)
	return true
}

// giveUp is told why a call is not waited for any longer. If that is the caller's wish, it says nothing
// about a connection that others use; otherwise it is in doubt.
func (c *Conn) giveUp(cause error, silence time.Duration) (cut bool) {
	var timeout Timeout
	if c.users.Load() > 1 && !errors.As(cause, &timeout) {
		return false
	}
	return c.Doubt(cause, silence)
}

// Over is closed when the connection is over.
func (c *Conn) Over() <-chan struct{} { return c.over.raised }

// IsOver says whether the connection is over.
func (c *Conn) IsOver() bool { return c.over.isRaised() }

// Cause is why the connection is over; nil as long as it is not.
func (c *Conn) Cause() error { return c.over.reason() }

// Cut ends the connection and closes the socket, so that every call that waits for the broker returns. Only
// the first cause counts.
func (c *Conn) Cut(cause error) {
	c.over.raise(cause)
	_ = c.socket.Close()
}

// Close ends the connection with the goodbyes of the protocol, which make the broker process everything sent
// before, or without them if it is over already or they take longer than ctx and closeTimeout allow. It
// returns when no goroutine of the connection is left, and an error unless the broker has answered.
func (c *Conn) Close(ctx context.Context) error {
	err := errors.New("the connection was lost")
	if !c.IsOver() {
		ctx, cancel := context.WithTimeoutCause(ctx, closeTimeout, Timeout(closeTimeout))
		defer cancel()
		_, err = await(ctx, "close", c.cutBecause, func() (struct{}, error) { return struct{}{}, c.amqp.Close() })
	}
	c.Cut(amqp.ErrClosed)
	c.wait()
	return err
}

// wait waits for what is left of a connection that was cut.
func (c *Conn) wait() {
	_ = c.amqp.Close()
	c.listeners.Wait()
}

func (c *Conn) cutBecause(cause error) (cut bool) {
	c.Cut(cause)
	return true
}

// Property is a property by which the broker has introduced itself, such as "version"; empty if it is no
// text.
func (c *Conn) Property(name string) string {
	value, _ := c.amqp.Properties[name].(string)
	return value
}

// FrameSize is the largest frame that may be sent, in bytes; 0 for no limit.
func (c *Conn) FrameSize() int { return c.amqp.Config.FrameSize }

// Cork has what is sent held back, until Uncork or until there is enough of it to be worth a write.
func (c *Conn) Cork() { c.socket.cork() }

// Uncork sends what was held back.
func (c *Conn) Uncork() { c.socket.uncork() }

// signal is raised once, with a cause.
type signal struct {
	raised chan struct{}
	once   *sync.Once
	cause  error // to be read after raised is closed
}

func newSignal() signal { return signal{raised: make(chan struct{}), once: new(sync.Once)} }

func (s *signal) raise(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.raised)
	})
}

// reason is the cause; nil as long as the signal is not raised.
func (s *signal) reason() error {
	if !s.isRaised() {
		return nil
	}
	return s.cause
}

func (s *signal) isRaised() bool {
	select {
	case <-s.raised:
		return true
	default:
		return false
	}
}

// Timeout is the cause of a deadline that we set ourselves; unlike context.DeadlineExceeded it says how long.
type Timeout time.Duration

// Error implements error.
func (t Timeout) Error() string { return fmt.Sprintf("within %v", time.Duration(t)) }

// Is makes it match context.DeadlineExceeded.
func (t Timeout) Is(target error) bool { return target == context.DeadlineExceeded }

// await makes a call of the client library, which takes no context. If the call has not returned when ctx
// ends, giveUp is told why; if it cuts the connection, which makes the call return, await waits for that.
func await[T any](
	ctx context.Context, what string, giveUp func(error) (cut bool), call func() (T, error),
) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := call()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		if r.err != nil {
			return r.value, fmt.Errorf("%s: %w", what, r.err)
		}
		return r.value, nil
	case <-ctx.Done():
		cause := fmt.Errorf("%s: no answer: %w", what, context.Cause(ctx))
		if giveUp(cause) {
			<-results
		}
		var none T
		return none, cause
	}
}
