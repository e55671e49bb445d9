package clients

import (
	"context"
	"errors"
	"time"
)

// After a failure a queue elects a new leader, which takes some tenths of a second. What RabbitMQ sends to the old one meanwhile is
// lost, and sent again only by channels that the queue knows, whom the new leader tells of itself. A channel that was opened
// in between is none of them: it waits for ever (seen on RabbitMQ 4.3). So on a connection that replaces a lost one the
// first confirm is not waited for as long as others. If it does not come, another channel asks again for the queue's leader; that costs
// much less than another connection, which a load balancer might take to the very node that failed.

const (
	// leastConfirmTimeout is the least time to wait for the first confirm.
	leastConfirmTimeout = 50 * time.Millisecond
	// mostRenewals is how often a connection gets another channel before it is given up: the node may have no majority.
	mostRenewals = 5
)

// errNoFirstConfirm ends a session that is to be renewed.
var errNoFirstConfirm = errors.New("the channel brought no confirm")

// unproven says whether a session replaces a lost one and has brought no confirm yet.
func (p *Producer) unproven(s *session) bool { return p.usual > 0 && !s.useful.Load() }

// firstConfirmTimeout is how long an unproven session's first confirm is waited for: several times what confirms usually take, and
// twice that after each connection on which none came.
func (p *Producer) firstConfirmTimeout() time.Duration {
	return max(leastConfirmTimeout, 4*p.usual) << min(p.stalls, 6)
}

// learn takes note of how long a confirm took.
func (p *Producer) learn(took time.Duration) {
	if p.usual == 0 {
		p.usual = took
	}
	p.usual += (took - p.usual) / 8
}

// renew opens another channel instead of one that brought no confirm; nil if the connection has to go.
func (p *Producer) renew(s *session) *session {
	if !errors.Is(s.cause, errNoFirstConfirm) {
		return nil
	}
	p.cfg.logger.Debug("no confirm came over the new channel: opening another", "endpoint", s.endpoint)
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.cfg.connectTimeout, timeoutError(p.cfg.connectTimeout))
	defer cancel()
	next, err := s.renew(ctx)
	if err != nil {
		return nil
	}
	if err := p.prepare(ctx, next); err != nil {
		next.close(ctx)
		return nil
	}
	return next
}
