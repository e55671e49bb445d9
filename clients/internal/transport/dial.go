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
	// Timeout is how long an endpoint may say nothing before an attempt to connect is given up; 0 forever.
	Timeout time.Duration
	// HedgeDelay is how long an attempt to connect goes on by itself before another is made at the same time;
	// 0 forever. See Dial.
	HedgeDelay time.Duration
	// Network opens the network connection; nil stands for a net.Dialer.
	Network func(ctx context.Context, network, address string) (net.Conn, error)
	// Channels is what is known of the broker's limit; nil stands for one of this connection's own.
	Channels *ChannelLimit
	// Gates bound the attempts on an endpoint that are under way at once; nil stands for those of the process.
	Gates *Gates
}

// DefaultHedgeDelay is the delay that RFC 8305, section 5, recommends between two attempts to connect.
// Through a healthy node connecting takes milliseconds.
const DefaultHedgeDelay = 250 * time.Millisecond

// Dial connects to an endpoint, when it is its turn. It ends when ctx does, with the cause of ctx, and when
// the endpoint has said nothing for cfg.Timeout: one that goes on answering is slow, and not left.
//
// An attempt on which nothing at all has been heard is not given up, but hedged, once: a packet that was lost
// on its way to a load balancer that was just about to start is sent again only after a second, while a new
// connection gets through at once. An endpoint that has said something, or lets others in, is slow rather
// than starting, and a hedge would be one more burden on it. The first connection that is established is
// taken, and the other is closed. hedged says whether there was a second attempt, and hedgeWon whether it was
// the one that got through.
func Dial(ctx context.Context, e Endpoint, cfg Config) (c *Conn, hedged, hedgeWon bool, err error) {
	gates := cfg.Gates
	if gates == nil {
		gates = &everyone
	}
	leave, err := gates.enter(ctx, e.address(), cfg.Timeout)
	if err != nil {
		return nil, false, false, fmt.Errorf("no answer to others either: %w", err)
	}
	defer func() { leave(c != nil) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type outcome struct {
		conn  *Conn
		err   error
		hedge bool
	}
	outcomes := make(chan outcome)
	var heard atomic.Int64 // when something was heard, in Unix nanoseconds; 0 for never
	start := func(hedge bool) {
		go func() {
			conn, err := dialOnce(ctx, e, cfg, &heard)
			outcomes <- outcome{conn, err, hedge}
		}()
	}
	began := time.Now()
	start(false)
	underWay := 1
	hedge, stopHedge := after(cfg.HedgeDelay)
	defer stopHedge()
	silence, stopSilence := after(cfg.Timeout)
	defer func() { stopSilence() }()
	for underWay > 0 {
		select {
		case <-hedge:
			if c == nil && heard.Load() == 0 && !gates.isBusy(e.address(), began) {
				hedged = true
				underWay++
				start(true)
			}
		case <-silence:
			left := cfg.Timeout - time.Since(time.Unix(0, heard.Load()))
			if left <= 0 {
				cancel(Timeout(cfg.Timeout))
			}
			silence, stopSilence = after(left)
		case o := <-outcomes:
			underWay--
			switch {
			case o.err != nil:
				err = o.err
			case c == nil:
				c, hedgeWon = o.conn, o.hedge
				cancel(nil) // the other
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

// after is like time.After, but can be stopped. It never comes if d is not positive.
func after(d time.Duration) (<-chan time.Time, func()) {
	if d <= 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// dialOnce makes one attempt. The client library takes no context and would wait forever; here the end of
// ctx closes the socket, which ends any wait.
func dialOnce(ctx context.Context, e Endpoint, cfg Config, heard *atomic.Int64) (*Conn, error) {
	if cfg.Channels == nil {
		cfg.Channels = new(ChannelLimit)
	}
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
			s.heard.Store(heard)
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
			return s, nil
		},
	})
	if !stop() {
		if err == nil {
			c := newConn(e, conn, s, cfg.Channels)
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
	return newConn(e, conn, s, cfg.Channels), nil
}
