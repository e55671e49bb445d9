package clients

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// run works through one session after the other, until Close.
func (p *Producer) run() {
	defer close(p.stopped)
	defer p.connector.states.set(Closed, "", nil)
	for first := true; ; {
		s, err := p.connector.connect(p.ctx, p.prepare)
		if p.ctx.Err() != nil {
			if s != nil {
				s.close(p.goodbye)
			}
			return
		}
		if err != nil {
			// The endpoints refuse us. No use in letting the callers wait; but go on trying, in case someone puts it
			// right.
			p.fail(err)
			continue
		}
		if !first {
			p.countReconnect()
		}
		first = false
		for s != nil {
			s = p.serve(s)
		}
	}
}

// prepare puts a new session's channel into confirm mode and listens to what the broker has to say.
func (p *Producer) prepare(ctx context.Context, s *session) error {
	err := s.within(ctx, "select confirm mode", func() error { return s.channel.Confirm(false) })
	if err != nil {
		return err
	}
	// The broker sends the return of an unroutable message before its ack, and a message must be known to be returned
	// before its ack is looked at. The library offers a return to one listener after the other before it reads on: when
	// the second one is served, the first has done its work.
	returns := s.channel.NotifyReturn(make(chan amqp.Return))
	recorded := s.channel.NotifyReturn(make(chan amqp.Return))
	s.listen(func() {
		for r := range returns {
			p.markReturned(s, r)
			<-recorded
		}
	})
	return nil
}

// listenBlocked listens to whether the broker blocks a connection.
func (p *Producer) listenBlocked(l *link) {
	p.mu.Lock()
	p.blocked = false
	p.mu.Unlock()
	blocking := l.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	l.listeners.Go(func() {
		for b := range blocking {
			p.setBlocked(l, b)
		}
	})
}

func (p *Producer) countReconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Reconnects++
}

// serve sends messages over a session until it is over, or the producer is closed. It returns the session to go on with, over
// the same connection or on a better node, if there is one.
func (p *Producer) serve(s *session) *session {
	calm := p.begin(s)
	stopWaking := p.wakeWhenOver(s)
	stopSeeking := p.seek(s, calm)
	sent := newFlights()
	var collector sync.WaitGroup
	collector.Go(func() { p.collect(sent) })
	for {
		c, a, m := p.next(s, false)
		if c == nil {
			s.socket.uncork()
			c, a, m = p.next(s, true)
		}
		if c == nil {
			break
		}
		s.socket.cork()
		deferred, err := s.channel.PublishWithDeferredConfirm(m.Exchange, m.RoutingKey, true, false, m.publishing())
		if err != nil {
			s.abandon(fmt.Errorf("publish: %w", err))
			break
		}
		sent.add(flight{c, a, deferred})
	}
	stopWaking()
	stopSeeking()
	sent.end()
	next := p.takeSuccessor()
	if p.ctx.Err() != nil {
		if next != nil {
			next.close(p.goodbye)
		}
		s.close(p.goodbye)
		collector.Wait()
		return nil
	}
	if next == nil {
		next = p.renew(s)
	}
	if next == nil || next.link != s.link {
		s.close(p.ctx)
	}
	collector.Wait() // every answer that was read counts before anything is called unknown
	p.recall(s)
	if next == nil {
		p.connector.lost(s)
	}
	return next
}

// seek looks for a better place than the session's until it is stopped.
func (p *Producer) seek(s *session, calm time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	var seeker sync.WaitGroup
	seeker.Go(func() { p.seekAffinity(ctx, s, calm) })
	return func() {
		cancel()
		seeker.Wait()
	}
}

// wakeWhenOver wakes the sender when the session is over.
func (p *Producer) wakeWhenOver(s *session) (stop func()) {
	quit := make(chan struct{})
	var waker sync.WaitGroup
	waker.Go(func() {
		select {
		case <-quit:
		case <-s.over:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.work.Broadcast()
		}
	})
	return func() {
		close(quit)
		waker.Wait()
	}
}

// next returns a message to send over the session and marks it as sent. It returns none when the session is over or has a successor, or the producer
// is closed, or, unless it is to wait, when there is none right now. The message is a copy, for it may be settled, and dropped, while it is
// being written.
func (p *Producer) next(s *session, wait bool) (*Confirmation, *attempt, Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !s.isOver() && p.ctx.Err() == nil && !p.leaving() {
		if c, a, m := p.take(s); c != nil || !wait {
			return c, a, m
		}
		p.work.Wait()
	}
	return nil, nil, Message{}
}

// take takes the first of the messages to be sent, if it may be sent now.
func (p *Producer) take(s *session) (*Confirmation, *attempt, Message) {
	// While there are suspects one message at a time is in flight, so that the culprit gives itself away.
	if p.blocked || p.successor != nil || p.suspects > 0 && p.owed > 0 {
		return nil, nil, Message{}
	}
	now := time.Now()
	c := p.dequeue()
	for c != nil && !p.trial.admits(c, now) {
		c = p.dequeue()
	}
	if c == nil {
		return nil, nil, Message{}
	}
	if p.owed == 0 {
		p.progress = now
	}
	p.owed++
	c.attempt = &attempt{session: s, sentAt: now, destination: c.destination()}
	c.attempts++
	c.phase = sent
	p.stats.Published++
	return c, c.attempt, c.message
}

// retry sends a nacked message again.
func (p *Producer) retry(c *Confirmation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.phase == delayed {
		p.enqueue(c)
	}
}

// enqueue puts a message at the end of those to be sent.
func (p *Producer) enqueue(c *Confirmation) {
	c.phase = queued
	p.unsent = append(p.unsent, c)
	p.work.Signal()
}

// dequeue takes the first message to be sent; nil if there is none.
func (p *Producer) dequeue() *Confirmation {
	for len(p.unsent) > 0 {
		c := p.unsent[0]
		p.unsent[0] = nil
		p.unsent = p.unsent[1:]
		if c.phase == queued { // it may have been given up
			return c
		}
	}
	return nil
}

// setBlocked notes that the broker has blocked or unblocked the connection.
func (p *Producer) setBlocked(l *link, b amqp.Blocking) {
	l.socket.setBlocked(b.Active)
	p.mu.Lock()
	p.blocked = b.Active
	p.progress = time.Now() // the broker owes nothing for the time it was blocked
	p.endTrial()
	p.work.Broadcast()
	p.mu.Unlock()
	if b.Active {
		p.connector.states.set(Blocked, l.endpoint.String(), fmt.Errorf("%w: %s", ErrBlocked, b.Reason))
	} else {
		p.connector.states.set(Connected, l.endpoint.String(), nil)
	}
}
