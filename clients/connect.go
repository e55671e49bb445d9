package clients

import (
	"context"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// defaultSlowConnect is the delay that RFC 8305, section 5, recommends between two attempts to connect. Through a healthy node it takes
	// milliseconds.
	defaultSlowConnect = 250 * time.Millisecond
	// mostConnects is how many attempts there are at once; more would burden a broker that is merely slow.
	mostConnects = 3
)

// connectLink connects to an endpoint. An attempt that is slow is not given up, for the broker may be, but gets company: what was lost on its
// way to a load balancer that was just about to start is sent again after a second only, while a new connection gets through at once. The
// first that is established is taken, and the others are closed.
func connectLink(ctx context.Context, e endpoint, cfg connectionConfig) (*link, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		link *link
		err  error
	}
	outcomes := make(chan outcome)
	attempts, underWay := 0, 0
	var established *link
	var failure error
	next := time.NewTimer(0)
	defer next.Stop()
	for attempts == 0 || underWay > 0 {
		select {
		case <-next.C:
			if attempts == mostConnects || established != nil {
				continue
			}
			attempts++
			underWay++
			go func() {
				l, err := dialLink(ctx, e, cfg)
				outcomes <- outcome{l, err}
			}()
			next.Reset(cfg.slowConnect)
		case o := <-outcomes:
			underWay--
			switch {
			case o.err != nil:
				failure = o.err
			case established == nil:
				established = o.link
				cancel() // the others
			default:
				o.link.drop()
			}
		}
	}
	if established == nil {
		return nil, failure
	}
	return established, nil
}

// dialLink makes one attempt. The client library takes no context and would wait for ever; here the end of ctx closes the socket, which ends
// any wait.
func dialLink(ctx context.Context, e endpoint, cfg connectionConfig) (*link, error) {
	l := &link{endpoint: e}
	properties := amqp.NewConnectionProperties()
	properties["connection_name"] = cfg.name

	stop := func() bool { return true }
	conn, err := amqp.DialConfig(e.uri, amqp.Config{
		SASL:            e.authentication(properties),
		Heartbeat:       cfg.heartbeat,
		Properties:      properties,
		TLSClientConfig: cfg.tls.Clone(),
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			l.socket = &socket{Conn: conn}
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
			return l.socket, nil
		},
	})
	l.conn = conn
	if !stop() {
		if err == nil {
			l.drop()
		}
		return nil, fmt.Errorf("no answer: %w", timeoutCause(ctx))
	}
	if err != nil {
		if l.socket != nil {
			_ = l.socket.Close()
		}
		return nil, err
	}
	return l, nil
}

// drop closes a connection that nobody uses, without goodbyes.
func (l *link) drop() {
	_ = l.socket.Close()
	_ = l.conn.Close() // waits for the library's own shutdown
}
