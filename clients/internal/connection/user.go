package connection

import (
	"context"
	"fmt"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/transport"
)

// settledAfter is how long a channel has to last before it counts as one that does not fail at once.
const settledAfter = 5 * time.Second

// GoodbyeTimeout is how long closing the channel and the connection may take together.
const GoodbyeTimeout = 3 * time.Second

// User opens one channel after the other for a producer or a consumer, and keeps its state.
type User struct {
	Owner    *Owner
	States   *States
	Silence  time.Duration     // how long the connection may not answer this user while it serves others
	Pause    backoff.Backoff   // between channels over one connection that the broker refuses or closes
	Hopeless func(error) bool  // whether an error ends the attempts; nil if none does
	Explain  func(error) error // gives the reasons of the broker a name

	setbacks int       // channels in a row that were of no use, over a connection that goes on
	opened   time.Time // when the current channel was
}

// Connect opens a channel that prepare accepts, over the owner's connection. It tries until ctx ends or
// there is no use in it, and returns an error then. Calling it again after such an error goes on where it
// left off.
func (u *User) Connect(
	ctx context.Context, prepare func(context.Context, *transport.Channel) error,
) (*transport.Channel, error) {
	for {
		conn, refused, err := u.Owner.Connect(ctx, u.States)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if refused || u.Hopeless != nil && u.Hopeless(err) {
				return nil, err
			}
			continue
		}
		if u.setbacks > 0 {
			if err := backoff.Sleep(ctx, u.Pause.Wait(u.setbacks-1)); err != nil {
				return nil, err
			}
		}
		u.States.Set(Connecting, conn.Endpoint.String(), nil)
		ch, err := u.Open(ctx, conn, prepare)
		if ctx.Err() != nil {
			if ch != nil {
				u.Owner.CloseChannel(ctx, ch)
			}
			return nil, ctx.Err()
		}
		if err == nil {
			u.opened = time.Now()
			u.States.Set(Connected, conn.Endpoint.String(), nil)
			return ch, nil
		}
		u.States.Set(Disconnected, conn.Endpoint.String(), err)
		if u.Hopeless != nil && u.Hopeless(err) {
			return nil, err
		}
		u.countSetback(conn)
	}
}

// countSetback notes that a channel was of no use. With a connection that is over the backoff is the
// owner's.
func (u *User) countSetback(conn *transport.Conn) {
	if conn.IsOver() {
		u.setbacks = 0
	} else {
		u.setbacks++
	}
}

// Open opens one channel.
func (u *User) Open(
	ctx context.Context, conn *transport.Conn, prepare func(context.Context, *transport.Channel) error,
) (*transport.Channel, error) {
	release, err := conn.Turn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connected to %s: %w", conn.Endpoint, err)
	}
	defer release()
	began := time.Now()
	timeout := u.Owner.Patience(u.Owner.cfg.ConnectTimeout, u.setbacks)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, transport.Timeout(timeout))
	defer cancel()
	ch, err := conn.Open(ctx, u.Silence)
	if err != nil {
		return nil, fmt.Errorf("connected to %s: %w", conn.Endpoint, err)
	}
	if err := prepare(ctx, ch); err != nil {
		u.Owner.CloseChannel(ctx, ch)
		return nil, fmt.Errorf("connected to %s: %w", conn.Endpoint, u.Explain(err))
	}
	ch.Opening = time.Since(began)
	return ch, nil
}

// Lost takes note that a channel is over. useful says whether it has done what it was for.
func (u *User) Lost(ch *transport.Channel, useful bool) {
	if useful || time.Since(u.opened) > settledAfter {
		u.setbacks = 0
	} else {
		u.countSetback(ch.Conn)
	}
	u.States.Set(Disconnected, ch.Conn.Endpoint.String(), u.Explain(ch.Cause()))
}
