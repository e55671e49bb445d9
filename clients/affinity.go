package clients

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"warren/clients/internal/transport"
)

// What is published to a queue goes to its leader. Over a connection to any other node it takes another hop,
// which costs the cluster so much that it takes about a third less of it. Load balancers do not know leaders,
// and leaders move. So a producer that knows where the leader is looks, while one connection serves, for
// another to that node, and moves there once nothing is on its way over the old one.

// Locator tells the name of the node that a producer should be connected to, such as "rabbit@rabbit1"; empty
// if there is none just now. One that does not return when ctx ends is not waited for.
type Locator func(ctx context.Context) (node string, err error)

const (
	// affinityInterval is how often a producer asks where it should be.
	affinityInterval = 30 * time.Second
	// affinityCalm is how long a connection that replaces another has to work before the first question: soon
	// after a failure the answer may be the node that failed, and all clients that lost their connections
	// would ask at once.
	affinityCalm = 2 * time.Second
	// locateTimeout is how long an answer may take.
	locateTimeout = 5 * time.Second
	// mostAttempts is how many connections a producer opens at most to arrive at a node through one endpoint.
	// A load balancer that sends clients where the fewest are takes one for each node if they are equally
	// busy.
	mostAttempts = 4
	// mostDetours is how many connections to other nodes are kept meanwhile: such a load balancer would
	// choose the same node over and over without them, and holding more would burden a cluster of many
	// clients.
	mostDetours = 2
)

// serverPropertyNode is the property by which nodes of Warren's clusters tell clients their names. RabbitMQ
// itself does that in AMQP 1.0 only.
const serverPropertyNode = "node"

// node is the name of the node that a session has led to; empty if it does not tell.
func (s *session) node() string { return s.Conn.Property(serverPropertyNode) }

// seek looks for a better place than the session's until it is stopped.
func (p *Producer) seek(s *session, calm time.Duration) (stop func()) {
	if p.cfg.locate == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	var seeker sync.WaitGroup
	seeker.Go(func() { p.seekAffinity(ctx, s, calm) })
	return func() {
		cancel()
		seeker.Wait()
	}
}

// seekAffinity finds a successor for a session that is not where it should be, if that can be found before
// ctx ends.
func (p *Producer) seekAffinity(ctx context.Context, s *session, calm time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-s.proven:
	}
	if s.node() == "" {
		p.cfg.logger.Warn("the broker does not tell the names of its nodes: no affinity",
			"endpoint", s.Conn.Endpoint,
			"hint", "set server_properties of application rabbit to [{node, <<\"its name\">>}] "+
				"in each node's advanced.config")
		return
	}
	for wait := calm; sleep(ctx, spread(wait)) == nil; wait = p.cfg.affinityInterval {
		next, err := p.seekOnce(ctx, s)
		if next != nil {
			p.handOver(next)
			return
		}
		if err != nil && ctx.Err() == nil {
			p.cfg.logger.Info("staying on this node", "node", s.node(), "error", err)
		}
	}
}

// spread draws a time around d, so that clients that began together do not go on together.
func spread(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }

// seekOnce returns a session on the node where it should be; nil if s is there already.
func (p *Producer) seekOnce(ctx context.Context, s *session) (*session, error) {
	node, err := p.locate(ctx)
	if err != nil {
		return nil, fmt.Errorf("locate the node to be connected to: %w", err)
	}
	if node == "" || node == s.node() {
		return nil, nil
	}
	conn, err := p.client.reach(ctx, node)
	if err != nil {
		return nil, err
	}
	ch, err := p.connector.open(ctx, conn, confirmMode)
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return p.newSession(ch, time.Now()), nil
}

// locate asks the application. Whatever that does, it must not hold up the producer when its connection is
// lost.
func (p *Producer) locate(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, locateTimeout, transport.Timeout(locateTimeout))
	defer cancel()
	type answer struct {
		node string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		node, err := p.cfg.locate(ctx)
		answers <- answer{node, err}
	}()
	select {
	case a := <-answers:
		return a.node, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// reach connects to the named node: through the endpoint that last led there, or one after the other.
func (c *Client) reach(ctx context.Context, node string) (*transport.Conn, error) {
	var detours []*transport.Conn
	defer func() {
		for _, conn := range detours {
			_ = conn.Close(ctx)
		}
	}()
	route := c.route(node)
	for _, e := range route {
		conn, _, _, err := c.dial(ctx, e, c.cfg.connectTimeout, 0)
		if ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close(ctx)
			}
			return nil, ctx.Err()
		}
		if err != nil {
			continue
		}
		led := conn.Property(serverPropertyNode)
		c.mu.Lock()
		c.nodes[e.String()] = led
		c.mu.Unlock()
		if led == node {
			return conn, nil
		}
		detours = append(detours, conn)
		if len(detours) > mostDetours {
			_ = detours[0].Close(ctx)
			detours = detours[1:]
		}
	}
	return nil, fmt.Errorf("%d attempts to connect to %s failed or led to other nodes", len(route), node)
}

// route is the endpoints to try in order to arrive at a node: all once, with the one that last led there
// first, and a single one, which may be a load balancer, several times.
func (c *Client) route(node string) []transport.Endpoint {
	if len(c.endpoints) == 1 {
		return slices.Repeat(c.endpoints, mostAttempts)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	route := slices.Concat(c.endpoints[c.next:], c.endpoints[:c.next])
	known := func(e transport.Endpoint) int {
		switch c.nodes[e.String()] {
		case node:
			return 0
		case "":
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(route, func(a, b transport.Endpoint) int { return known(a) - known(b) })
	return route
}

// handOver has the current session end as soon as nothing is on its way over it, and the next one take its
// place.
func (p *Producer) handOver(next *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.successor = next
	p.signal()
}

// leavingLocked says whether the current session can be left for its successor.
func (p *Producer) leavingLocked() bool {
	return p.successor != nil && (p.current == nil || p.current.sent.length == 0)
}

// takeSuccessor returns the session to go on with, if one was found.
func (p *Producer) takeSuccessor() *session {
	p.mu.Lock()
	next := p.successor
	p.successor = nil
	if next != nil {
		p.stats.Moves++
	}
	p.mu.Unlock()
	if next != nil {
		p.cfg.logger.Info("moved to another node", "node", next.node(), "endpoint", next.Conn.Endpoint)
	}
	return next
}
