package clients

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// What is published to a queue goes to its leader. Over a connection to any other node it takes another hop, which costs the cluster
// so much that it takes about a third less of it. Load balancers do not know leaders, and leaders move. So a producer that knows where the
// leader is looks, while one connection serves, for another to that node, and moves there once nothing is on its way over the old one.

// Locator tells the name of the node that a producer should be connected to, such as "rabbit@rabbit1"; empty if there is none just now. One that
// does not return when ctx ends is not waited for.
type Locator func(ctx context.Context) (node string, err error)

const (
	// affinityInterval is how often a producer asks where it should be.
	affinityInterval = 30 * time.Second
	// affinityCalm is how long a connection that replaces another has to work before the first question: soon after a failure
	// the answer may be the node that failed, and all clients that lost their connections would ask at once.
	affinityCalm = 2 * time.Second
	// locateTimeout is how long an answer may take.
	locateTimeout = 5 * time.Second
	// mostDetours is how many connections a producer opens at most to arrive at a node. A load balancer that sends clients where the fewest
	// are takes one for each node if they are equally busy, and more if the node that is wanted is busier.
	mostDetours = 12
)

// serverPropertyNode is the property by which nodes of Warren's clusters tell clients their names. RabbitMQ itself does that
// in AMQP 1.0 only.
const serverPropertyNode = "node"

// node is the name of the node that a connection has led to; empty if it does not tell.
func (l *link) node() string {
	name, _ := l.conn.Properties[serverPropertyNode].(string)
	return name
}

// seekAffinity finds a successor for a session that is not where it should be, if that can be found before ctx ends.
func (p *Producer) seekAffinity(ctx context.Context, s *session, calm time.Duration) {
	if p.cfg.locate == nil {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-s.proven:
	}
	if s.node() == "" {
		p.cfg.logger.Warn("the broker does not tell the names of its nodes: no affinity", "endpoint", s.endpoint,
			"hint", "set server_properties of application rabbit to [{node, <<\"its name\">>}] in each node's advanced.config")
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
	return p.connector.reach(ctx, node, p.prepare)
}

// locate asks the application. Whatever that does, it must not hold up the producer when its connection is lost.
func (p *Producer) locate(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, locateTimeout, timeoutError(locateTimeout))
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
		return "", fmt.Errorf("no answer: %w", timeoutCause(ctx))
	}
}

// reach opens a session on the named node. Those that lead to other nodes are kept until it is found: a load balancer that sends
// clients where the fewest are would choose the same node over and over.
func (c *connector) reach(ctx context.Context, node string, prepare func(context.Context, *session) error) (*session, error) {
	var detours []*session
	defer func() {
		for _, s := range detours {
			s.close(ctx)
		}
	}()
	for attempt := range mostDetours {
		s, err := c.open(ctx, c.endpoints[(c.next+attempt)%len(c.endpoints)], prepare)
		switch {
		case ctx.Err() != nil:
			if s != nil {
				s.close(ctx)
			}
			return nil, ctx.Err()
		case err != nil:
		case s.node() == node:
			return s, nil
		default:
			detours = append(detours, s)
		}
	}
	return nil, fmt.Errorf("%d attempts to connect to %s failed or led to other nodes", mostDetours, node)
}

// handOver has the current session end as soon as nothing is on its way over it, and the next one take its place.
func (p *Producer) handOver(next *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.successor = next
	p.work.Broadcast()
}

// leaving says whether the current session can be left for its successor.
func (p *Producer) leaving() bool { return p.successor != nil && p.owed == 0 }

// takeSuccessor returns the session to go on with, if one was found.
func (p *Producer) takeSuccessor() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.successor
	p.successor = nil
	if next != nil {
		p.stats.Moves++
		p.cfg.logger.Info("moved to another node", "node", next.node(), "endpoint", next.endpoint)
	}
	return next
}
