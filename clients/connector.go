package clients

import (
	"context"
	"fmt"
	"time"

	"warren/clients/internal/transport"
)

// settledAfter is how long a channel has to last before it counts as one that does not fail at once.
const settledAfter = 5 * time.Second

// connector opens one channel after the other for a producer or a consumer, and keeps its state.
type connector struct {
	client   *Client
	states   *tracker
	silence  time.Duration    // how long the connection may not answer this user while it serves others
	pause    backoff          // between channels over one connection that the broker refuses or closes
	hopeless func(error) bool // whether an error ends the attempts; nil if none does

	explain func(error) error // gives the reasons of the broker a name

	setbacks int       // channels in a row that were of no use, over a connection that goes on
	opened   time.Time // when the current channel was
}

// connect opens a channel that prepare accepts, over the client's connection. It tries until ctx ends or
// there is no use in it, and returns an error then. Calling it again after such an error goes on where it
// left off.
func (c *connector) connect(
	ctx context.Context, prepare func(context.Context, *transport.Channel) error,
) (*transport.Channel, error) {
	for {
		conn, refused, err := c.client.connect(ctx, c.states)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if refused || c.hopeless != nil && c.hopeless(err) {
				return nil, err
			}
			continue
		}
		if c.setbacks > 0 {
			if err := sleep(ctx, c.pause.wait(c.setbacks-1)); err != nil {
				return nil, err
			}
		}
		c.states.set(Connecting, conn.Endpoint.String(), nil)
		ch, err := c.open(ctx, conn, prepare)
		if ctx.Err() != nil {
			if ch != nil {
				c.client.closeChannel(ctx, ch)
			}
			return nil, ctx.Err()
		}
		if err == nil {
			c.opened = time.Now()
			c.states.set(Connected, conn.Endpoint.String(), nil)
			return ch, nil
		}
		c.states.set(Disconnected, conn.Endpoint.String(), err)
		if c.hopeless != nil && c.hopeless(err) {
			return nil, err
		}
		c.countSetback(conn)
	}
}

// countSetback notes that a channel was of no use. With a connection that is over the backoff is the
// client's.
func (c *connector) countSetback(conn *transport.Conn) {
	if conn.IsOver() {
		c.setbacks = 0
	} else {
		c.setbacks++
	}
}

// open opens one channel.
func (c *connector) open(
	ctx context.Context, conn *transport.Conn, prepare func(context.Context, *transport.Channel) error,
) (*transport.Channel, error) {
	timeout := c.client.patience(c.client.cfg.connectTimeout, c.setbacks)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, transport.Timeout(timeout))
	defer cancel()
	ch, err := conn.Open(ctx, c.silence)
	if err != nil {
		return nil, fmt.Errorf("connected to %s: %w", conn.Endpoint, err)
	}
	if err := prepare(ctx, ch); err != nil {
		c.client.closeChannel(ctx, ch)
		return nil, fmt.Errorf("connected to %s: %w", conn.Endpoint, c.explain(err))
	}
	return ch, nil
}

// lost takes note that a channel is over. useful says whether it has done what it was for.
func (c *connector) lost(ch *transport.Channel, useful bool) {
	if useful || time.Since(c.opened) > settledAfter {
		c.setbacks = 0
	} else {
		c.countSetback(ch.Conn)
	}
	c.states.set(Disconnected, ch.Conn.Endpoint.String(), c.explain(ch.Cause()))
}
