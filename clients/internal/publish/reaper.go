package publish

import (
	"fmt"
	"time"

	"warren/clients/internal/flight"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

const (
	// reapInterval is how often the messages in flight are looked over for deadlines, contexts and overdue
	// confirms.
	reapInterval = 25 * time.Millisecond
	// trialReapInterval is the interval while first confirms may be waited for.
	trialReapInterval = 5 * time.Millisecond
)

// reap gives up the messages whose time is over, and the session when its confirms are overdue.
func (p *Producer) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.book.Expire(now)
	if s := p.current; s != nil {
		p.noteBlockingLocked(s)
		p.judgeLocked(s, now)
	}
	switch {
	case p.book.IsOnTrial() && p.book.Len() > 0:
		p.reaper.Reset(trialReapInterval)
	case p.book.Len() > 0 || p.current != nil && p.book.Owed() > 0:
		p.reaper.Reset(reapInterval)
	}
}

// judgeLocked ends a session over which confirms are overdue.
func (p *Producer) judgeLocked(s *session, now time.Time) {
	if s.IsOver() {
		return
	}
	switch verdict, waited := p.book.Judge(now); verdict {
	case flight.Renew:
		s.Fail(errNoFirstConfirm)
		p.signal()
	case flight.Doubt:
		s.Doubt(fmt.Errorf("%w: none came %w", reason.ErrConfirmTimeout, transport.Timeout(waited)), waited)
		p.signal()
	}
}
