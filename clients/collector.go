package clients

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// lookInterval is how often answers out of order are looked for while the oldest one is awaited. Confirms
// from one queue come in order, but one queue may be electing a leader while others confirm.
const lookInterval = 5 * time.Millisecond

// collect handles the broker's answers to what is sent over a session, until there is no more and all is
// answered. That comes to an end, because with the session the library closes every answer that is still
// open; unless the session was abandoned.
//
// The collector is woken only when it has nothing to wait for: a switch between goroutines for every message
// would cost more than all the rest.
func (p *Producer) collect(s *session, abandoned <-chan struct{}) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		answer, goOn := p.oldest(s)
		switch {
		case !goOn:
			return
		case answer == nil:
			look.Stop()
			<-s.asleep
			look.Reset(lookInterval)
			continue
		}
		select {
		case <-answer.Done():
			p.handle(s, false)
		case <-look.C:
			p.handle(s, true)
		case <-abandoned:
			p.handle(s, true)
			return
		}
	}
}

// oldest returns the answer that is awaited for the longest time. Without one it says no if none will come
// any more, and otherwise the collector is to sleep.
func (p *Producer) oldest(s *session) (answer *amqp.DeferredConfirmation, goOn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := s.sent.front; c != nil && c.answer != nil {
		return c.answer, true
	}
	if s.ended {
		return nil, false
	}
	s.idle = true
	return nil, true
}

// wakeLocked wakes the collector if it sleeps.
func (s *session) wakeLocked() {
	if s.idle {
		s.idle = false
		s.asleep <- struct{}{}
	}
}

// handle takes the broker's answers into account: those before the first message that is not answered, or
// all.
func (p *Producer) handle(s *session, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for c := range s.sent.all() {
		if !c.answered() {
			if all {
				continue
			}
			break
		}
		p.answerLocked(s, c, now)
	}
	p.signal() // there may be room, the next suspect may go, or the next session take over
}

func (c *Confirmation) answered() bool {
	if c.answer == nil {
		return false
	}
	select {
	case <-c.answer.Done():
		return true
	default:
		return false
	}
}

// answerLocked takes one answer into account.
func (p *Producer) answerLocked(s *session, c *Confirmation, now time.Time) {
	acked := c.answer.Acked()
	s.sent.remove(c)
	if !acked && s.IsClosed() {
		s.lost++
		return // the library says no for a broker that cannot answer any more; recall sees to the message
	}
	returned := s.takeReturnLocked(c)
	s.proveLocked()
	p.stalls = 0
	p.progress = now
	p.learnLocked(now.Sub(c.sentAt))
	p.provedLocked(c.destination())
	switch {
	case c.phase == settled:
	case acked && returned != nil:
		p.settleLocked(c, ErrUnroutable, fmt.Errorf("%d %s", returned.ReplyCode, returned.ReplyText))
	case acked:
		p.settleLocked(c, nil, nil)
	default:
		p.stats.Nacks++
		c.phase = delayed
		c.timer = time.AfterFunc(p.cfg.nackBackoff.wait(c.nacks), func() { p.retry(c) })
		c.nacks++
	}
}

// takeReturnLocked returns what the broker has returned of a message that it has answered; nil if it has not.
// The broker sends a return before the ack, so that it is among those that have been received. Two messages
// in flight at once with the same id, exchange and routing key cannot be told apart.
func (s *session) takeReturnLocked(c *Confirmation) *amqp.Return {
	for more := true; more; {
		select {
		case r, open := <-s.returns:
			if more = open; open {
				s.returned = append(s.returned, r)
			}
		default:
			more = false
		}
	}
	for i, r := range s.returned {
		if r.MessageId == c.id && r.Exchange == c.message.Exchange && r.RoutingKey == c.message.RoutingKey {
			s.returned = append(s.returned[:i], s.returned[i+1:]...)
			return &r
		}
	}
	return nil
}

// proveLocked takes note that the session has done what it is for.
func (s *session) proveLocked() {
	s.Conn.Prove()
	if !s.useful {
		s.useful = true
		close(s.proven)
	}
}
