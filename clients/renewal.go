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
	// leastConfirmTimeout is the least time to wait for a first confirm. A new leader goes unnoticed for so long.
	leastConfirmTimeout = 25 * time.Millisecond
	// mostRenewals is how often a connection gets another channel before it is given up: the node may have no majority. Together they take
	// most of a second, which is longer than nearly all elections.
	mostRenewals = 12
	// renewalsPerStep is after how many of them the time to wait doubles.
	renewalsPerStep = 4
	// trialReapInterval is the reaper's interval while first confirms are waited for.
	trialReapInterval = 5 * time.Millisecond
)

// errNoFirstConfirm ends a session that is to be renewed.
var errNoFirstConfirm = errors.New("the channel brought no confirm")

// trial is the first time of a session that replaces a lost one. Each queue elects its leader by itself, so that every destination has to
// bring a confirm: until it has, one message at a time is on its way there, and little has to be repeated, while other
// destinations are served.
type trial struct {
	until  time.Time
	proven map[destination]bool // false while the first message is on its way
	held   []*Confirmation      // those that wait for it, in the order in which to send them
}

// destination is where messages go.
type destination struct{ exchange, routingKey string }

func (c *Confirmation) destination() destination {
	return destination{c.message.Exchange, c.message.RoutingKey}
}

// newTrial is one for so long. Elections that last longer are noticed by others than the clients, who keep their channels.
func newTrial(length time.Duration) *trial {
	return &trial{until: time.Now().Add(length), proven: map[destination]bool{}}
}

// admits tells whether a message may be sent now, and keeps those that may not.
func (t *trial) admits(c *Confirmation, now time.Time) bool {
	if t == nil || now.After(t.until) {
		return true
	}
	d := c.destination()
	if t.pending(d) {
		t.held = append(t.held, c)
		return false
	}
	if !t.proven[d] {
		t.proven[d] = false // pending
	}
	return true
}

// pending tells whether the first message to a destination is on its way.
func (t *trial) pending(d destination) bool {
	proven, known := t.proven[d]
	return known && !proven
}

// awaits tells whether a message that is on its way is the first to its destination.
func (t *trial) awaits(c *Confirmation) bool {
	return t != nil && c.phase == sent && t.pending(c.destination())
}

// unproven says whether a session replaces a lost one and has brought no confirm yet.
func (p *Producer) unproven(s *session) bool { return p.trial != nil && !s.useful.Load() }

// begin puts a session on trial, unless it is the first. It returns how long to let things calm down before another place is looked for.
func (p *Producer) begin(s *session) (calm time.Duration) {
	if s.renewals == 0 {
		p.listenBlocked(s.link)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.usual > 0 {
		p.trial = newTrial(p.cfg.confirmTimeout)
		calm = affinityCalm
	}
	return calm
}

// proved takes note that a destination has brought an answer: what was held may be sent.
func (p *Producer) proved(d destination) {
	if p.trial == nil || p.trial.proven[d] {
		return
	}
	p.trial.proven[d] = true
	p.release()
}

// waive lets another message be the first to its destination if the one that is, is given up.
func (p *Producer) waive(c *Confirmation) {
	if p.trial.awaits(c) {
		delete(p.trial.proven, c.destination())
		p.release()
	}
}

// release sends what was held, before anything newer. What still has to wait will be held again.
func (p *Producer) release() {
	if len(p.trial.held) == 0 {
		return
	}
	p.unsent = append(p.trial.held, p.unsent...)
	p.trial.held = nil
	p.work.Signal()
}

// endTrial trusts the session from now on.
func (p *Producer) endTrial() {
	if p.trial != nil {
		p.release()
		p.trial = nil
	}
}

// firstConfirmTimeout is how long a first confirm is waited for: several times what confirms usually take, more as channels are
// renewed in vain, and twice that after each connection on which none came.
func (p *Producer) firstConfirmTimeout(s *session) time.Duration {
	return max(leastConfirmTimeout, 4*p.usual) << min(s.renewals/renewalsPerStep+p.stalls, 6)
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
