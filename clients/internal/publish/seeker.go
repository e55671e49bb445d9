package publish

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/connection"
	"warren/clients/internal/transport"
)

// What is published to a queue goes to its leader. Over a connection to any other node it takes another hop,
// which costs the cluster so much that it takes about a third less of it. Load balancers do not know leaders,
// and leaders move. So a producer that knows where the leader is looks, while one connection serves, for
// another to that node, and moves there once nothing is on its way over the old one.

const (
	// Calm is how long a connection that replaces another has to work before the first question: soon
	// after a failure the answer may be the node that failed, and all clients that lost their connections
	// would ask at once.
	Calm = 2 * time.Second
	// locateTimeout is how long an answer may take.
	locateTimeout = 5 * time.Second
)

// seek looks for a better place than the session's until it is stopped.
func (p *Producer) seek(s *session, calm time.Duration) (stop func()) {
	if p.cfg.Locate == nil {
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
	if connection.Node(s.Conn) == "" {
		p.cfg.Log.Warn("the broker does not tell the names of its nodes: no affinity",
			"endpoint", s.Conn.Endpoint,
			"hint", "set server_properties of application rabbit to [{node, <<\"its name\">>}] "+
				"in each node's advanced.config")
		return
	}
	for wait := calm; backoff.Sleep(ctx, spread(wait)) == nil; wait = p.cfg.Interval {
		next, err := p.seekOnce(ctx, s)
		if next != nil {
			p.handOver(next)
			return
		}
		if err != nil && ctx.Err() == nil {
			p.cfg.Log.Info("staying on this node", "node", connection.Node(s.Conn), "error", err)
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
	if node == "" || node == connection.Node(s.Conn) {
		return nil, nil
	}
	conn, err := p.user.Owner.Reach(ctx, node)
	if err != nil {
		return nil, err
	}
	ch, err := p.user.Open(ctx, conn, confirmMode)
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
		node, err := p.cfg.Locate(ctx)
		answers <- answer{node, err}
	}()
	select {
	case a := <-answers:
		return a.node, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// handOver has the current session end as soon as nothing is on its way over it, and the next one take its
// place.
func (p *Producer) handOver(next *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.successor = next
	p.book.Leave()
}

// takeSuccessor returns the session to go on with, if one was found.
func (p *Producer) takeSuccessor() *session {
	p.mu.Lock()
	next := p.successor
	p.successor = nil
	if next != nil {
		p.moves++
	}
	p.mu.Unlock()
	if next != nil {
		p.cfg.Log.Info("moved to another node", "node", connection.Node(next.Conn), "endpoint", next.Conn.Endpoint)
	}
	return next
}
