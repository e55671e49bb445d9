package publish

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/flight"
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
	if e := p.book.Oldest(); e != nil && e.Answer != nil {
		return e.Answer, true
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
	for e := range p.book.Sent() {
		if !isAnswered(e) {
			if all {
				continue
			}
			break
		}
		p.answerLocked(s, e, now)
	}
	p.signal() // there may be room, the next suspect may go, or the next session take over
}

func isAnswered(e *flight.Entry) bool {
	if e.Answer == nil {
		return false
	}
	select {
	case <-e.Answer.Done():
		return true
	default:
		return false
	}
}

// answerLocked takes one answer into account.
func (p *Producer) answerLocked(s *session, e *flight.Entry, now time.Time) {
	acked := e.Answer.Acked()
	if !acked && s.IsClosed() {
		p.book.Lose(e)
		return // the library says no for a broker that cannot answer any more; recall sees to the message
	}
	s.Conn.Prove()
	if !p.book.Useful() {
		close(s.proven)
	}
	p.book.Answer(e, acked, s.takeReturnLocked(e), now)
}

// takeReturnLocked returns what the broker has said when it returned a message that it has answered; nil if
// it has not. It sends a return before the ack, so that it is among those that have been received. Two
// messages in flight at once with the same id, exchange and routing key cannot be told apart.
func (s *session) takeReturnLocked(e *flight.Entry) error {
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
		if r.MessageId == e.MessageId && r.Exchange == e.Exchange && r.RoutingKey == e.RoutingKey {
			s.returned = append(s.returned[:i], s.returned[i+1:]...)
			return fmt.Errorf("%d %s", r.ReplyCode, r.ReplyText)
		}
	}
	return nil
}
