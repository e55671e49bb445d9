package clients

import (
	"errors"
	"fmt"
	"time"

	"warren/clients/internal/transport"
)

// reapInterval is how often the messages in flight are looked over for deadlines, contexts and overdue
// confirms.
const reapInterval = 25 * time.Millisecond

// reap gives up the messages whose time is over, and the session when its confirms are overdue.
func (p *Producer) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.trial != nil && now.After(p.trial.until) {
		p.endTrialLocked()
	}
	for c := range p.window.all() {
		if err := c.expired(now, p.cfg.publishTimeout); err != nil {
			p.giveUpLocked(c, err)
		}
	}
	if s := p.current; s != nil {
		p.noteBlockingLocked(s)
		p.checkStallLocked(s, now)
	}
	switch {
	case p.trial != nil && p.window.length > 0:
		p.reaper.Reset(trialReapInterval)
	case p.window.length > 0 || p.current != nil && p.current.sent.length > 0:
		p.reaper.Reset(reapInterval)
	}
}

// checkStallLocked ends a session when the broker owes the oldest confirm for too long, or one of the first.
// What is owed counts whether or not somebody still waits for it.
func (p *Producer) checkStallLocked(s *session, now time.Time) {
	oldest := s.sent.front
	if oldest == nil || p.blocked || s.IsOver() {
		return
	}
	timeout := p.confirmTimeoutLocked()
	if p.trial != nil && p.overdueFirstLocked(now, timeout) {
		if now.Sub(s.began) < renewFor {
			s.Fail(errNoFirstConfirm)
			p.signal()
			return
		}
		if !s.useful {
			waited := p.firstConfirmTimeoutLocked(timeout)
			if waited == timeout {
				p.stalls++
			}
			p.stallLocked(s, waited)
			return
		}
	}
	owing := now.Sub(p.progress)
	silent := owing > timeout
	overdue := now.Sub(oldest.sentAt) > 4*timeout && owing < timeout
	if silent || overdue {
		p.stalls++
		p.stallLocked(s, timeout)
	}
}

// stallLocked ends a session over which confirms are overdue.
func (p *Producer) stallLocked(s *session, timeout time.Duration) {
	s.Doubt(fmt.Errorf("%w: none came %w", ErrConfirmTimeout, transport.Timeout(timeout)), timeout)
	p.signal()
}

// recall takes back what was in flight when a session ended, to be sent again before anything newer.
func (p *Producer) recall(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = nil
	blame := blamesMessage(s.Cause())
	alone := s.sent.length+s.lost == 1
	for c := range s.sent.all() {
		s.sent.remove(c)
	}
	for c := range p.window.all() {
		if c.phase == sent {
			if blame && alone {
				p.settleLocked(c, ErrChannelException, s.Cause())
				continue
			}
			c.unknown = true
			if blame && !c.suspect {
				c.suspect = true
				p.suspects++
			}
		}
		if c.phase != delayed {
			c.leaveStage()
			c.phase = queued
			p.queue.push(c)
		}
	}
	p.trial = nil
}

// failAll gives up everything in the window.
func (p *Producer) failAll(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.window.all() {
		p.giveUpLocked(c, cause)
	}
}

// giveUpLocked settles a message that has run out of time: as nacked, if that is all that ever happened to
// it. One that is on its way stays there until it is answered.
func (p *Producer) giveUpLocked(c *Confirmation, cause error) {
	if c.phase == settled {
		return
	}
	if c.nacks > 0 && c.phase != sent && !c.unknown {
		p.settleLocked(c, ErrNacked, cause)
		return
	}
	if c.phase == sent {
		c.unknown = true
		p.waiveLocked(c)
	}
	p.settleLocked(c, ErrUnconfirmed, withReason(cause, p.connector.states.reason()))
}

// settleLocked makes the outcome known; nil means confirmed.
func (p *Producer) settleLocked(c *Confirmation, outcome, cause error) {
	if outcome != nil {
		c.err = &PublishError{MessageID: c.id, Attempts: c.attempts, Err: outcome, Cause: cause, Unknown: c.unknown}
	}
	c.latency = time.Since(c.accepted)
	p.stats.count(outcome)
	if c.suspect {
		p.suspects--
		p.signal()
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.phase != sent {
		c.leaveStage()
	}
	c.phase = settled
	p.window.remove(c)
	// The caller may keep the confirmation for long. What it takes to recognise an answer stays.
	c.message.Body, c.message.Headers, c.ctx, c.timer = nil, nil, nil, nil
	close(c.done)
	after, err := c.after, c.err
	if after == nil {
		p.window.release()
		return
	}
	c.after = nil
	p.hooks.add(func() {
		defer p.window.release() // so that a slow hook slows down the callers instead of filling the memory
		after(err)
	}, 0)
}

// withReason adds why messages do not flow to a cause, if it is known and new.
func withReason(cause, reason error) error {
	if reason == nil || errors.Is(cause, reason) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, reason)
}
