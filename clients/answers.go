package clients

import (
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// lookInterval is how often answers out of order are looked for while the oldest one is awaited. Confirms from one queue
// come in order, but one queue may be electing a leader while others confirm.
const lookInterval = 5 * time.Millisecond

// flight is one attempt whose answer is awaited.
type flight struct {
	confirmation *Confirmation
	attempt      *attempt
	answer       *amqp.DeferredConfirmation
}

func (f flight) answered() bool {
	select {
	case <-f.answer.Done():
		return true
	default:
		return false
	}
}

// collect handles the broker's answers to what is sent over a session, until that is closed and all is answered. It ends,
// because with the session the library closes every answer that is still open.
func (p *Producer) collect(sent <-chan flight) {
	timer := time.NewTimer(lookInterval)
	defer timer.Stop()
	var waiting []flight
	for sent != nil || len(waiting) > 0 {
		var oldest <-chan struct{}
		var look <-chan time.Time
		if len(waiting) > 0 {
			oldest = waiting[0].answer.Done()
			timer.Reset(lookInterval)
			look = timer.C
		}
		select {
		case f, ok := <-sent:
			if !ok {
				sent = nil
				break
			}
			waiting = append(waiting, f)
		case <-oldest:
			n := slices.IndexFunc(waiting, func(f flight) bool { return !f.answered() })
			if n < 0 {
				n = len(waiting)
			}
			p.handle(waiting[:n]...)
			waiting = slices.Delete(waiting, 0, n)
		case <-look:
			waiting = slices.DeleteFunc(waiting, func(f flight) bool {
				if f.answered() {
					p.handle(f)
					return true
				}
				return false
			})
		}
	}
}

// handle takes the broker's answers into account.
func (p *Producer) handle(flights ...flight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range flights {
		acked := f.answer.Acked()
		if !acked && f.attempt.session.channel.IsClosed() {
			continue // the library says no for a broker that cannot answer any more; recall sees to the message
		}
		f.attempt.session.useful.Store(true)
		p.stalls = 0
		p.progress = time.Now()
		p.owed--
		p.conclude(f.confirmation, f.attempt, acked)
	}
	if p.suspects > 0 {
		p.work.Signal() // the next suspect may go
	}
}

// conclude settles a message that was acked, and has one that was nacked tried again a little later.
func (p *Producer) conclude(c *Confirmation, a *attempt, acked bool) {
	switch {
	case c.phase == settled:
	case acked && a.returned != nil:
		p.settle(c, ErrUnroutable, fmt.Errorf("%d %s", a.returned.ReplyCode, a.returned.ReplyText))
	case acked:
		p.settle(c, nil, nil)
	default:
		p.stats.Nacks++
		c.phase = delayed
		time.AfterFunc(p.cfg.nackBackoff.wait(c.nacks), func() { p.retry(c) })
		c.nacks++
	}
}
