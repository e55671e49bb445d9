package clients

import (
	"context"
	"fmt"
	"sync"
	"time"

	"warren/clients/internal/transport"
)

// Client is one connection to a cluster, for any number of producers, consumers and requesters. It connects
// when the first of them needs it, and again, at the next endpoint, when the connection is lost.
//
// Sharing a connection spares the broker a process, a socket and memory for each of them. Publish and consume
// over different Clients: a broker that is short of memory or disk space stops reading from connections that
// publish, and the acknowledgements of a consumer on the same connection wait with the messages. Where
// throughput matters give each busy producer a connection of its own, as NewProducer does: RabbitMQ handles a
// connection with one process, and a process uses one core at most.
//
// A user of the connection that waits in vain for an answer leaves it to the others as long as it serves
// them. If it serves nobody it is cut for all.
type Client struct {
	cfg       connectionConfig
	endpoints []transport.Endpoint
	private   bool // belongs to one producer or consumer
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

// NewClient makes a client for a cluster that is reached at any of the endpoints, AMQP URIs such as
// "amqp://user:password@host:5672/vhost". They are tried in the given order, and again whenever the
// connection is lost, until Close. NewClient itself does not connect: its errors are mistakes in its
// arguments.
func NewClient(endpoints []string, opts ...Option) (*Client, error) {
	cfg := defaultConnectionConfig("warren-client")
	for _, opt := range opts {
		opt.applyConnection(&cfg)
	}
	c, err := newClient(endpoints, cfg)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	return c, nil
}

func newClient(uris []string, cfg connectionConfig) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	endpoints, err := transport.ParseEndpoints(uris)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, endpoints: endpoints, nodes: make(map[string]string)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// newPrivateClient makes a client for one producer or consumer, whose configuration has been validated.
func newPrivateClient(uris []string, cfg connectionConfig) (*Client, error) {
	c, err := newClient(uris, cfg)
	if err == nil {
		c.private = true
	}
	return c, err
}

// Close closes the connection. Producers and consumers that still use it end as if they had been closed,
// without waiting for what is in flight: close them first.
func (c *Client) Close(ctx context.Context) error {
	c.stop()
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	c.mu.Unlock()
	var err error
	if conn != nil {
		if err = conn.Close(ctx); err != nil {
			err = fmt.Errorf("close the connection to %s: %w", conn.Endpoint, err)
		}
	}
	c.left.Wait()
	return err
}

// connect returns the connection, and makes one if there is none: one attempt, whose failure it returns.
// refused says that there is no use in more of them.
func (c *Client) connect(ctx context.Context, states *tracker) (
	conn *transport.Conn, refused bool, err error,
) {
	c.mu.Lock()
	if c.ctx.Err() != nil {
		c.mu.Unlock()
		return nil, true, ErrClosed
	}
	if c.conn != nil && !c.conn.IsOver() {
		defer c.mu.Unlock()
		return c.conn, false, nil
	}
	c.forgetLocked()
	if c.dialing == nil {
		c.dialLocked()
	}
	d := c.dialing
	d.waiting++
	c.mu.Unlock()

	states.set(Connecting, d.endpoint.String(), nil)
	select {
	case <-d.done:
		if d.err != nil {
			states.set(Disconnected, d.endpoint.String(), d.err)
		}
		return d.conn, d.refused, d.err
	case <-ctx.Done():
		c.leave(d)
		return nil, false, ctx.Err()
	}
}

// forgetLocked drops a connection that is over. Only one that did what it was for makes the count of failures
// start again: a connection that opens well and then fails at the first message must not be followed by the
// next one at once.
func (c *Client) forgetLocked() {
	if c.conn == nil {
		return
	}
	if c.conn.Proven() {
		c.failures = 0
	}
	conn := c.conn
	c.conn = nil
	c.left.Go(func() { _ = conn.Close(c.ctx) })
}

// dialLocked starts an attempt on the next endpoint.
func (c *Client) dialLocked() {
	ctx, cancel := context.WithCancel(c.ctx)
	d := &dialing{endpoint: c.endpoints[c.next], cancel: cancel, done: make(chan struct{})}
	c.next = (c.next + 1) % len(c.endpoints)
	c.dialing = d
	delay, timeout := c.delayLocked(), c.patienceLocked(c.cfg.connectTimeout)
	hedgeDelay := c.hedgeDelayLocked(timeout)
	c.left.Go(func() {
		defer cancel()
		err := sleep(ctx, delay)
		var conn *transport.Conn
		var hedged, hedgeWon bool
		if err == nil {
			conn, hedged, hedgeWon, err = c.dial(ctx, d.endpoint, timeout, hedgeDelay)
		}
		c.mu.Lock()
		c.learnLocked(hedged, hedgeWon, err)
		wanted := c.dialing == d
		if wanted {
			c.finishLocked(d, conn, err)
		}
		c.mu.Unlock()
		if !wanted && conn != nil {
			_ = conn.Close(c.ctx)
		}
		close(d.done)
	})
}

// dial makes one attempt.
func (c *Client) dial(ctx context.Context, e transport.Endpoint, timeout, hedgeDelay time.Duration) (
	conn *transport.Conn, hedged, hedgeWon bool, err error,
) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, transport.Timeout(timeout))
	defer cancel()
	cfg := c.cfg.transport()
	cfg.HedgeDelay = hedgeDelay
	conn, hedged, hedgeWon, err = transport.Dial(ctx, e, cfg)
	if err != nil {
		return nil, hedged, hedgeWon, connectError(e, err)
	}
	return conn, hedged, hedgeWon, nil
}

// finishLocked makes the outcome of an attempt known to the client.
//
// The users are told to stop trying when a whole round of all endpoints has failed, and one of them has
// refused the user or the virtual host, before any ever accepted them: that is a mistake in the
// configuration. Later on it is the cluster that is in disorder, say a node that comes up with an empty
// database, and trying goes on.
func (c *Client) finishLocked(d *dialing, conn *transport.Conn, err error) {
	c.dialing = nil
	c.failures++ // until the connection proves useful
	d.conn, d.err = conn, err
	if err == nil {
		c.conn = conn
		c.trusted = true
		c.nodes[conn.Endpoint.String()] = conn.Property(serverPropertyNode)
		return
	}
	c.attempts++
	if refused(err) {
		c.refusal = err
	}
	if c.refusal != nil && !c.trusted && c.attempts >= len(c.endpoints) {
		d.err, d.refused = c.refusal, true
		c.attempts, c.refusal = 0, nil
	}
}

// leave is called by a user that does not wait for an attempt any longer.
func (c *Client) leave(d *dialing) {
	c.mu.Lock()
	d.waiting--
	last := d.waiting == 0 && c.dialing == d
	if last {
		c.dialing = nil
	}
	c.mu.Unlock()
	if last {
		d.cancel()
		<-d.done
	}
}

// closeChannel closes a channel, without waiting for the broker any longer than ctx.
func (c *Client) closeChannel(ctx context.Context, ch *transport.Channel) {
	c.mu.Lock()
	later := ctx.Err() != nil && c.ctx.Err() == nil
	if later {
		c.left.Go(func() { _ = ch.Close(c.ctx) })
	}
	c.mu.Unlock()
	if !later {
		_ = ch.Close(ctx)
	}
}

// hangUp closes the connection of a private client, which may connect again.
func (c *Client) hangUp(ctx context.Context) error {
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	c.mu.Unlock()
	if conn == nil {
		return nil
	}
	return conn.Close(ctx)
}

// adopt makes a connection the client's, and closes the one it had.
func (c *Client) adopt(conn *transport.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.conn; old != nil {
		c.left.Go(func() { _ = old.Close(c.ctx) })
	}
	c.conn = conn
}

// patience stretches a deadline after failures in a row, so that what is slow rather than dead is not left
// over and over: it doubles with each round, of all endpoints and of three at least, up to four times the
// value.
func (c *Client) patience(timeout time.Duration, failures int) time.Duration {
	return timeout << min(failures/max(len(c.endpoints), 3), 2)
}

func (c *Client) patienceLocked(timeout time.Duration) time.Duration {
	return c.patience(timeout, c.failures)
}

// delayLocked is the wait before the next attempt: none until every endpoint has been tried since things last
// went well.
func (c *Client) delayLocked() time.Duration {
	if c.failures < len(c.endpoints) {
		return 0
	}
	return c.cfg.reconnect.wait(c.failures - len(c.endpoints))
}

// hedgeDelayLocked is how long an attempt goes on by itself; 0 for always. It doubles each time that a hedge
// did not help, for then the broker is slow, and more attempts make it slower.
func (c *Client) hedgeDelayLocked(timeout time.Duration) time.Duration {
	delay := c.cfg.hedgeDelay << min(c.futileHedges, 16)
	if delay >= timeout {
		return 0
	}
	return delay
}

func (c *Client) learnLocked(hedged, hedgeWon bool, err error) {
	switch {
	case hedged && !hedgeWon:
		c.futileHedges++
	case err == nil:
		c.futileHedges = 0
	}
}
