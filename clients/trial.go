package clients

import (
	"context"
	"errors"
	"math"
	"time"

	"warren/clients/internal/transport"
)

// After a failure a queue elects a new leader, which takes some tenths of a second. What RabbitMQ sends to
// the old one meanwhile is lost, and sent again only by channels that the queue knows, which the new leader
// tells of itself. A channel that was opened in between is none of them: it waits for ever (seen on RabbitMQ
// 4.3). So on a connection that replaces a lost one the first confirm is not waited for as long as others. If
// it does not come, another channel asks again for the queue's leader; that costs much less than another
// connection, which a load balancer might take to the very node that failed.
//
// A broker that is merely slow gets the same message again each time, so each wait is half as long again as
// the one before, also on the next connection, until a confirm has come.

const (
	// leastConfirmTimeout is the least time to wait for a first confirm. A new leader goes unnoticed for so
	// long.
	leastConfirmTimeout = 25 * time.Millisecond
	// confirmTimeoutGrowth is by how much the wait grows each time.
	confirmTimeoutGrowth = 1.5
	// renewFor is how long a connection gets other channels before it is given up: its node may have no
	// majority. That is longer than nearly all elections.
	renewFor = 800 * time.Millisecond
	// trialReapInterval is the reaper's interval while first confirms may be waited for.
	trialReapInterval = 5 * time.Millisecond
)

// errNoFirstConfirm ends a session that is to be renewed.
var errNoFirstConfirm = errors.New("the channel brought no confirm")

// trial is the first time of a session that replaces a lost one. Each queue elects its leader by itself, so
// that every destination has to bring a confirm: until it has, one message at a time is on its way there, and
// little has to be repeated, while other destinations are served.
type trial struct {
	until  time.Time                     // others notice longer elections, and keep their channels
	proven map[destination]bool          // that have brought a confirm
	first  map[destination]*Confirmation // the message whose confirm is awaited
	held   list                          // those that wait for it, in the order in which to send them
}

// destination is where messages go.
type destination struct{ exchange, routingKey string }

func (c *Confirmation) destination() destination {
	return destination{c.message.Exchange, c.message.RoutingKey}
}

func newTrial(until time.Time) *trial {
	return &trial{
		until:  until,
		proven: make(map[destination]bool),
		first:  make(map[destination]*Confirmation),
		held:   list{kind: inStage},
	}
}

// admitLocked tells whether a message may be sent now, and keeps one that may not.
func (p *Producer) admitLocked(c *Confirmation, now time.Time) bool {
	t := p.trial
	if t == nil || now.After(t.until) {
		return true
	}
	d := c.destination()
	switch {
	case t.proven[d]:
		return true
	case t.first[d] != nil:
		c.phase = held
		t.held.push(c)
		return false
	default:
		t.first[d] = c
		if len(p.asked) > p.window.size() {
			p.forgetAskedLocked()
		}
		p.asked[d]++
		return true
	}
}

// forgetAskedLocked forgets destinations that nothing is on its way to: there may be any number of them.
func (p *Producer) forgetAskedLocked() {
	for d := range p.asked {
		if p.trial.first[d] == nil {
			delete(p.asked, d)
		}
	}
}

// provedLocked takes note that a destination has brought an answer: what was held may be sent.
func (p *Producer) provedLocked(d destination) {
	delete(p.asked, d)
	if p.trial == nil || p.trial.proven[d] {
		return
	}
	p.trial.proven[d] = true
	delete(p.trial.first, d)
	p.releaseHeldLocked()
}

// waiveLocked lets another message be the first to its destination if the one that is, is given up.
func (p *Producer) waiveLocked(c *Confirmation) {
	if p.trial == nil || p.trial.first[c.destination()] != c {
		return
	}
	delete(p.trial.first, c.destination())
	p.releaseHeldLocked()
}

// releaseHeldLocked queues what was held, before anything newer. What still has to wait will be held again.
func (p *Producer) releaseHeldLocked() {
	for c := range p.trial.held.all() {
		c.phase = queued
	}
	p.queue.prepend(&p.trial.held)
	p.signal()
}

// endTrialLocked trusts the session from now on.
func (p *Producer) endTrialLocked() {
	if p.trial != nil {
		p.releaseHeldLocked()
		p.trial = nil
	}
}

// overdueFirstLocked says whether the first confirm of some destination is overdue.
func (p *Producer) overdueFirstLocked(now time.Time, most time.Duration) bool {
	timeout := p.firstConfirmTimeoutLocked(most)
	for _, c := range p.trial.first {
		if now.Sub(c.sentAt) > timeout {
			return true
		}
	}
	return false
}

// firstConfirmTimeoutLocked is how long a first confirm is waited for: several times what confirms usually
// take, and longer each time that the destination which has been asked most often was asked in vain.
func (p *Producer) firstConfirmTimeoutLocked(most time.Duration) time.Duration {
	asked := 1
	for d := range p.trial.first {
		asked = max(asked, p.asked[d])
	}
	base := float64(max(leastConfirmTimeout, 4*p.usual))
	return time.Duration(min(base*math.Pow(confirmTimeoutGrowth, float64(asked-1)), float64(most)))
}

// learnLocked takes note of how long a confirm took.
func (p *Producer) learnLocked(took time.Duration) {
	if p.usual == 0 {
		p.usual = max(took, 1)
	}
	p.usual += (took - p.usual) / 8
	p.slowest = max(took, p.slowest-p.slowest/8)
}

// confirmTimeoutLocked is how long the broker may owe confirms without sending any: longer after sessions
// that were given up for that, and for a broker whose confirms have been slow lately.
func (p *Producer) confirmTimeoutLocked() time.Duration {
	timeout := p.client.patience(p.cfg.confirmTimeout, p.stalls)
	return max(timeout, min(2*p.slowest, 4*p.cfg.confirmTimeout))
}

// renew opens another channel instead of one that brought no confirm; nil if the connection has to go.
func (p *Producer) renew(s *session) *session {
	p.cfg.logger.Debug("no confirm came over the new channel: opening another", "endpoint", s.Conn.Endpoint)
	if s.Conn.IsOver() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.cfg.connectTimeout, transport.Timeout(p.cfg.connectTimeout))
	defer cancel()
	ch, err := p.connector.open(ctx, s.Conn, confirmMode)
	if err != nil {
		return nil
	}
	return p.newSession(ch, s.began)
}
