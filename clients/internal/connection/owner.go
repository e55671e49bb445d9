// Package connection keeps a connection to a cluster for whoever uses it, and opens channels over it. It
// tries one endpoint after the other, with a backoff, and knows when there is no use in it.
package connection

import (
	"context"
	"fmt"
	"sync"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// Owner makes one connection after the other, for any number of users: when the first of them needs it, and
// again, at the next endpoint, when the connection is lost.
//
// A user of the connection that waits in vain for an answer leaves it to the others as long as it serves
// them. If it serves nobody it is cut for all.
type Owner struct {
	Private bool // belongs to one producer or consumer

	cfg       Config
	endpoints []transport.Endpoint
	ctx       context.Context
	stop      context.CancelFunc

	mu           sync.Mutex
	conn         *transport.Conn // nil while there is none
	dialing      *dialing        // the attempt under way; nil if there is none
	next         int             // the endpoint to try next
	failures     int             // attempts since a connection last proved useful
	trusted      bool            // whether the broker has ever accepted our credentials and virtual host
	attempts     int             // in the round that may show that all endpoints refuse us
	refusal      error           // of that round; nil if there was none
	futileHedges int             // attempts in a row that were hedged, and in vain
	nodes        map[string]string
	left         sync.WaitGroup // connections being closed
}

// dialing is one attempt to connect, which every user that needs a connection meanwhile waits for.
type dialing struct {
	endpoint transport.Endpoint
	cancel   context.CancelFunc
	waiting  int
	done     chan struct{}

	// To be read after done is closed.
	conn    *transport.Conn
	err     error
	refused bool // there is no use in trying again before someone has changed something
}

// Config is what the connections of an owner have in common.
type Config struct {
	transport.Config
	// ConnectTimeout bounds one attempt. It grows with failures in a row.
	ConnectTimeout time.Duration
	// Reconnect is the backoff between attempts once every endpoint has been tried.
	Reconnect backoff.Backoff
}

// New makes an owner for a cluster that is reached at any of the endpoints, AMQP URIs. It does not connect.
// One that is private belongs to a single user, a producer or a consumer.
func New(uris []string, cfg Config, private bool) (*Owner, error) {
	endpoints, err := transport.ParseEndpoints(uris)
	if err != nil {
		return nil, err
	}
	cfg.Channels = new(transport.ChannelLimit)
	o := &Owner{Private: private, cfg: cfg, endpoints: endpoints, nodes: make(map[string]string)}
	o.ctx, o.stop = context.WithCancel(context.Background())
	return o, nil
}

// Context ends when the owner is closed.
func (o *Owner) Context() context.Context { return o.ctx }

// Close closes the connection. Producers and consumers that still use it end as if they had been closed,
// without waiting for what is in flight: close them first.
func (o *Owner) Close(ctx context.Context) error {
	o.stop()
	o.mu.Lock()
	conn := o.conn
	o.conn = nil
	o.mu.Unlock()
	var err error
	if conn != nil {
		if err = conn.Close(ctx); err != nil {
			err = fmt.Errorf("close the connection to %s: %w", conn.Endpoint, err)
		}
	}
	o.left.Wait()
	return err
}

// Connect returns the connection, and makes one if there is none: one attempt, whose failure it returns.
// refused says that there is no use in more of them.
func (o *Owner) Connect(ctx context.Context, states *States) (
	conn *transport.Conn, refused bool, err error,
) {
	o.mu.Lock()
	if o.ctx.Err() != nil {
		o.mu.Unlock()
		return nil, true, reason.ErrClosed
	}
	if o.conn != nil && !o.conn.IsOver() {
		defer o.mu.Unlock()
		return o.conn, false, nil
	}
	o.forgetLocked()
	if o.dialing == nil {
		o.dialLocked()
	}
	d := o.dialing
	d.waiting++
	o.mu.Unlock()

	states.Set(Connecting, d.endpoint.String(), nil)
	select {
	case <-d.done:
		if d.err != nil {
			states.Set(Disconnected, d.endpoint.String(), d.err)
		}
		return d.conn, d.refused, d.err
	case <-ctx.Done():
		o.leave(d)
		return nil, false, ctx.Err()
	}
}

// forgetLocked drops a connection that is over. Only one that did what it was for makes the count of failures
// start again: a connection that opens well and then fails at the first message must not be followed by the
// next one at once.
func (o *Owner) forgetLocked() {
	if o.conn == nil {
		return
	}
	if o.conn.Proven() {
		o.failures = 0
	}
	conn := o.conn
	o.conn = nil
	o.left.Go(func() { _ = conn.Close(o.ctx) })
}

// dialLocked starts an attempt on the next endpoint.
func (o *Owner) dialLocked() {
	ctx, cancel := context.WithCancel(o.ctx)
	d := &dialing{endpoint: o.endpoints[o.next], cancel: cancel, done: make(chan struct{})}
	o.next = (o.next + 1) % len(o.endpoints)
	o.dialing = d
	delay, timeout := o.delayLocked(), o.patienceLocked(o.cfg.ConnectTimeout)
	hedgeDelay := o.hedgeDelayLocked(timeout)
	o.left.Go(func() {
		defer cancel()
		err := backoff.Sleep(ctx, delay)
		var conn *transport.Conn
		var hedged, hedgeWon bool
		if err == nil {
			conn, hedged, hedgeWon, err = o.dial(ctx, d.endpoint, timeout, hedgeDelay)
		}
		o.mu.Lock()
		o.learnLocked(hedged, hedgeWon, err)
		wanted := o.dialing == d
		if wanted {
			o.finishLocked(d, conn, err)
		}
		o.mu.Unlock()
		if !wanted && conn != nil {
			_ = conn.Close(o.ctx)
		}
		close(d.done)
	})
}

// dial makes one attempt.
func (o *Owner) dial(ctx context.Context, e transport.Endpoint, timeout, hedgeDelay time.Duration) (
	conn *transport.Conn, hedged, hedgeWon bool, err error,
) {
	cfg := o.cfg.Config
	cfg.Timeout, cfg.HedgeDelay = timeout, hedgeDelay
	conn, hedged, hedgeWon, err = transport.Dial(ctx, e, cfg)
	if err != nil {
		return nil, hedged, hedgeWon, reason.Connect(e, err)
	}
	return conn, hedged, hedgeWon, nil
}

// finishLocked makes the outcome of an attempt known to the client.
//
// The users are told to stop trying when a whole round of all endpoints has failed, and one of them has
// refused the user or the virtual host, before any ever accepted them: that is a mistake in the
// configuration. Later on it is the cluster that is in disorder, say a node that comes up with an empty
// database, and trying goes on.
func (o *Owner) finishLocked(d *dialing, conn *transport.Conn, err error) {
	o.dialing = nil
	o.failures++ // until the connection proves useful
	d.conn, d.err = conn, err
	if err == nil {
		o.conn = conn
		o.trusted = true
		o.nodes[conn.Endpoint.String()] = Node(conn)
		return
	}
	o.attempts++
	if reason.NeedsChange(err) {
		o.refusal = err
	}
	if o.refusal != nil && !o.trusted && o.attempts >= len(o.endpoints) {
		d.err, d.refused = o.refusal, true
		o.attempts, o.refusal = 0, nil
	}
}

// leave is called by a user that does not wait for an attempt any longer.
func (o *Owner) leave(d *dialing) {
	o.mu.Lock()
	d.waiting--
	last := d.waiting == 0 && o.dialing == d
	if last {
		o.dialing = nil
	}
	o.mu.Unlock()
	if last {
		d.cancel()
		<-d.done
	}
}

// CloseChannel closes a channel, without waiting for the broker any longer than ctx.
func (o *Owner) CloseChannel(ctx context.Context, ch *transport.Channel) {
	if ctx.Err() == nil || !o.CloseLater(ch) {
		_ = ch.Close(ctx)
	}
}

// CloseLater closes a channel without waiting for the broker at all. It does nothing and says no if the owner
// is closed.
func (o *Owner) CloseLater(ch *transport.Channel) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return false
	}
	o.left.Go(func() { _ = ch.Close(o.ctx) })
	return true
}

// HangUp closes the connection of a private owner, which may connect again.
func (o *Owner) HangUp(ctx context.Context) error {
	o.mu.Lock()
	conn := o.conn
	o.conn = nil
	o.mu.Unlock()
	if conn == nil {
		return nil
	}
	return conn.Close(ctx)
}

// Adopt makes a connection the client's, and closes the one it had.
func (o *Owner) Adopt(conn *transport.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old := o.conn; old != nil {
		o.left.Go(func() { _ = old.Close(o.ctx) })
	}
	o.conn = conn
}

// Patience stretches a deadline after failures in a row, so that what is slow rather than dead is not left
// over and over: it doubles with each round, of all endpoints and of three at least, up to four times the
// value.
func (o *Owner) Patience(timeout time.Duration, failures int) time.Duration {
	return timeout << min(failures/max(len(o.endpoints), 3), 2)
}

func (o *Owner) patienceLocked(timeout time.Duration) time.Duration {
	return o.Patience(timeout, o.failures)
}

// delayLocked is the wait before the next attempt: none until every endpoint has been tried since things last
// went well.
func (o *Owner) delayLocked() time.Duration {
	if o.failures < len(o.endpoints) {
		return 0
	}
	return o.cfg.Reconnect.Wait(o.failures - len(o.endpoints))
}

// hedgeDelayLocked is how long an attempt goes on by itself; 0 for always. It doubles each time that a hedge
// did not help, for then the broker is slow, and more attempts make it slower.
func (o *Owner) hedgeDelayLocked(timeout time.Duration) time.Duration {
	delay := o.cfg.HedgeDelay << min(o.futileHedges, 16)
	if delay >= timeout {
		return 0
	}
	return delay
}

func (o *Owner) learnLocked(hedged, hedgeWon bool, err error) {
	switch {
	case hedged && !hedgeWon:
		o.futileHedges++
	case err == nil:
		o.futileHedges = 0
	}
}
