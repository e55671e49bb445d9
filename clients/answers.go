package clients

import (
	"fmt"
	"slices"
	"sync"
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

// flights are the attempts over one session, on their way from the sender to the collector. The collector is woken only
// when it has nothing to wait for: a switch between goroutines for every message would cost more than all the rest.
type flights struct {
	mu     sync.Mutex
	new    []flight
	idle   bool
	landed bool
	wake   chan struct{}
}

func newFlights() *flights { return &flights{wake: make(chan struct{}, 1)} }

// add hands one over.
func (f *flights) add(sent flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.new = append(f.new, sent)
	f.rouse()
}

// end says that there will be no more.
func (f *flights) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.landed = true
	f.rouse()
}

func (f *flights) rouse() {
	if f.idle {
		f.idle = false
		f.wake <- struct{}{}
	}
}

// take appends the new ones to those waited for, and waits while there are none at all. It says no after the last.
func (f *flights) take(waiting []flight) ([]flight, bool) {
	for {
		f.mu.Lock()
		waiting = append(waiting, f.new...)
		clear(f.new)
		f.new = f.new[:0]
		if len(waiting) > 0 || f.landed {
			f.mu.Unlock()
			return waiting, len(waiting) > 0
		}
		f.idle = true
		f.mu.Unlock()
		<-f.wake
	}
}

// collect handles the broker's answers to what is sent over a session, until there is no more and all is answered. That
// comes to an end, because with the session the library closes every answer that is still open.
func (p *Producer) collect(sent *flights) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var waiting []flight
	for {
		if len(waiting) == 0 {
			look.Stop()
		}
		var more bool
		if waiting, more = sent.take(waiting); !more {
			return
		}
		look.Reset(lookInterval)
		select {
		case <-waiting[0].answer.Done():
			n := slices.IndexFunc(waiting, func(f flight) bool { return !f.answered() })
			if n < 0 {
				n = len(waiting)
			}
			p.handle(waiting[:n]...)
			waiting = slices.Delete(waiting, 0, n)
		case <-look.C:
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
	now := time.Now()
	for _, f := range flights {
		acked := f.answer.Acked()
		if !acked && f.attempt.session.channel.IsClosed() {
			continue // the library says no for a broker that cannot answer any more; recall sees to the message
		}
		f.attempt.session.prove()
		p.stalls = 0
		p.progress = now
		p.learn(now.Sub(f.attempt.sentAt))
		p.proved(f.attempt.destination)
		p.owed--
		p.conclude(f.confirmation, f.attempt, acked)
	}
	if p.suspects > 0 || p.leaving() {
		p.work.Signal() // the next suspect may go, or the next session take over
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
