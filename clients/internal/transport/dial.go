package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Config is what all connections of a client have in common.
type Config struct {
	Name      string      // shown by the management interface
	TLS       *tls.Config // for amqps endpoints
	Heartbeat time.Duration
	// HedgeDelay is how long an attempt to connect goes on by itself before another is made at the same time;
	// 0 for ever. See Dial.
	HedgeDelay time.Duration
	// Network opens the network connection; nil stands for a net.Dialer.
	Network func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultHedgeDelay is the delay that RFC 8305, section 5, recommends between two attempts to connect.
// Through a healthy node connecting takes milliseconds.
const DefaultHedgeDelay = 250 * time.Millisecond

// Dial connects to an endpoint. It ends when ctx does, with the cause of ctx.
//
// An attempt on which nothing at all has been heard is not given up, but hedged, once: a packet that was lost
// on its way to a load balancer that was just about to start is sent again only after a second, while a new
// connection gets through at once. An endpoint that has said something is slow rather than starting, and a
// hedge would be one more burden on it. The first connection that is established is taken, and the other is
// closed. hedged says whether there was a second attempt, and hedgeWon whether it was the one that got
// through.
func Dial(ctx context.Context, e Endpoint, cfg Config) (c *Conn, hedged, hedgeWon bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		conn  *Conn
		err   error
		hedge bool
	}
	outcomes := make(chan outcome)
	var heard atomic.Pointer[socket]
	start := func(hedge bool) {
		go func() {
			conn, err := dialOnce(ctx, e, cfg, &heard)
			outcomes <- outcome{conn, err, hedge}
		}()
	}
	start(false)
	underWay := 1
	var hedge <-chan time.Time
	if cfg.HedgeDelay > 0 {
		timer := time.NewTimer(cfg.HedgeDelay)
		defer timer.Stop()
		hedge = timer.C
	}
	for underWay > 0 {
		select {
		case <-hedge:
			if s := heard.Load(); c == nil && (s == nil || !s.heard.Load()) {
				hedged = true
				underWay++
				start(true)
			}
		case o := <-outcomes:
			underWay--
			switch {
			case o.err != nil:
				err = o.err
			case c == nil:
				c, hedgeWon = o.conn, o.hedge
				cancel() // the other
			default:
				o.conn.Cut(amqp.ErrClosed)
				o.conn.wait()
			}
			hedge = nil
		}
	}
	if c != nil {
		err = nil
	}
	return c, hedged, hedgeWon, err
}

// dialOnce makes one attempt. The client library takes no context and would wait for ever; here the end of
// ctx closes the socket, which ends any wait.
func dialOnce(ctx context.Context, e Endpoint, cfg Config, opened *atomic.Pointer[socket]) (*Conn, error) {
	properties := amqp.NewConnectionProperties()
	properties["connection_name"] = cfg.Name
	network := cfg.Network
	if network == nil {
		network = (&net.Dialer{}).DialContext
	}
	var s *socket
	stop := func() bool { return true }
	conn, err := amqp.DialConfig(e.raw, amqp.Config{
		SASL:            e.authentication(properties),
		Heartbeat:       cfg.Heartbeat,
		Properties:      properties,
		TLSClientConfig: cfg.TLS.Clone(),
		Dial: func(kind, address string) (net.Conn, error) {
			conn, err := network(ctx, kind, address)
			if err != nil {
				return nil, err
			}
			s = &socket{Conn: conn}
			opened.Store(s)
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
			return s, nil
		},
	})
	if !stop() {
		if err == nil {
			c := newConn(e, conn, s)
			c.Cut(amqp.ErrClosed)
			c.wait()
		}
		return nil, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
	if err != nil {
		if s != nil {
			_ = s.Close()
		}
		return nil, err
	}
	return newConn(e, conn, s), nil
}
