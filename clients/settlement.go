package clients

import (
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// reapInterval is how often the messages in flight are looked over for deadlines, contexts and overdue confirms.
const reapInterval = 25 * time.Millisecond

// reap gives up the messages whose time is over, and the session when its confirms are overdue.
func (p *Producer) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.trial != nil && now.After(p.trial.until) {
		p.endTrial()
	}
	var oldest, first *attempt // of those on their way, and of the first to a destination
	for c := range p.window.all() {
		if err := c.expired(now, p.cfg.publishTimeout); err != nil {
			p.giveUp(c, err)
			continue
		}
		if oldest == nil && c.phase == sent {
			oldest = c.attempt
		}
		if first == nil && p.trial.awaits(c) {
			first = c.attempt
		}
	}
	if oldest != nil && !p.blocked {
		p.checkStall(oldest, first, now)
	}
	switch {
	case p.window.length == 0:
	case first != nil:
		p.reaper.Reset(trialReapInterval)
	default:
		p.reaper.Reset(reapInterval)
	}
}

// checkStall ends the session of the attempts in flight when the broker owes the oldest one's confirm for too long, or that of a first one.
func (p *Producer) checkStall(oldest, first *attempt, now time.Time) {
	s := oldest.session
	if s.isOver() {
		return
	}
	timeout := p.connector.patience(p.cfg.confirmTimeout, p.stalls)
	if first != nil && s.renewals < mostRenewals && now.Sub(first.sentAt) > min(timeout, p.firstConfirmTimeout(s)) {
		s.fail(errNoFirstConfirm)
		return
	}
	if p.unproven(s) {
		timeout = min(timeout, p.firstConfirmTimeout(s))
	}
	owing := now.Sub(p.progress)
	silent := owing > timeout
	overdue := now.Sub(oldest.sentAt) > 4*timeout && owing < timeout
	if silent || overdue {
		p.stalls++
		s.cut(fmt.Errorf("%w: none came %w", ErrConfirmTimeout, timeoutError(timeout)))
	}
}

// markReturned notes that the broker has returned a message: the first one in flight that fits.
func (p *Producer) markReturned(s *session, r amqp.Return) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.window.all() {
		if c.phase == sent && c.attempt.session == s && c.attempt.returned == nil && c.id == r.MessageId &&
			c.message.Exchange == r.Exchange && c.message.RoutingKey == r.RoutingKey {
			c.attempt.returned = &r
			return
		}
	}
}

// recall takes back what was in flight when a session ended, to be sent again before anything newer.
func (p *Producer) recall(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	blame := blamesMessage(s.cause)
	alone := p.owed == 1
	p.unsent = p.unsent[:0]
	for c := range p.window.all() {
		if c.phase == sent {
			if blame && alone {
				p.settle(c, ErrRejected, s.cause)
				continue
			}
			c.unknown = true
			if blame && !c.suspect {
				c.suspect = true
				p.suspects++
			}
			c.phase = queued
		}
		if c.phase == queued {
			p.unsent = append(p.unsent, c)
		}
	}
	p.owed = 0
	p.trial = nil
}

// fail gives up everything in the window.
func (p *Producer) fail(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.window.all() {
		p.giveUp(c, cause)
	}
}

// giveUp settles a message that has run out of time: as nacked, if that is all that ever happened to it.
func (p *Producer) giveUp(c *Confirmation, cause error) {
	if c.phase == settled {
		return
	}
	if c.nacks > 0 && c.phase != sent && !c.unknown {
		p.settle(c, ErrNacked, cause)
		return
	}
	if c.phase == sent {
		c.unknown = true
		p.waive(c)
	}
	p.settle(c, ErrUnconfirmed, withReason(cause, p.connector.states.reason()))
}

// settle makes the outcome known; nil means confirmed.
func (p *Producer) settle(c *Confirmation, outcome, cause error) {
	if outcome != nil {
		c.err = &PublishError{MessageID: c.id, Attempts: c.attempts, Err: outcome, Cause: cause, Unknown: c.unknown}
	}
	c.latency = time.Since(c.accepted)
	p.stats.count(outcome)
	if c.suspect {
		p.suspects--
		p.work.Signal()
	}
	c.phase = settled
	p.window.remove(c)
	p.window.release()
	c.message, c.ctx, c.attempt = Message{}, nil, nil // the caller may keep the confirmation for long
	close(c.done)
}

// withReason adds why messages do not flow to a cause, if it is known and new.
func withReason(cause, reason error) error {
	if reason == nil || errors.Is(cause, reason) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, reason)
}
