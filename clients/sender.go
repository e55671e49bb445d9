package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// session is a channel in confirm mode, and what is on its way over it.
type session struct {
	*transport.Channel
	began   time.Time        // when the connection was taken into use
	returns chan amqp.Return // has room for as many as can be on their way
	asleep  chan struct{}    // wakes the collector
	proven  chan struct{}    // closed when a confirm has come

	// Guarded by the producer's mutex.
	sent     list          // what is not answered, oldest first
	lost     int           // how many the library has closed without an answer
	returned []amqp.Return // returns whose acks have not been looked at
	useful   bool          // whether proven is closed
	idle     bool          // the collector waits on asleep
	ended    bool          // nothing more will be sent
}

// run works through one session after the other, until Close.
func (p *Producer) run() {
	defer close(p.stopped)
	defer p.reaper.Stop()
	defer p.connector.states.set(Closed, "", nil)
	defer p.failAll(ErrClosed)
	var connection *transport.Conn
	for p.ctx.Err() == nil {
		ch, err := p.connector.connect(p.ctx, confirmMode)
		if err != nil {
			// The endpoints refuse us. No use in letting the callers wait; but go on trying, in case someone
			// puts it right.
			if p.ctx.Err() == nil {
				p.failAll(err)
			}
			continue
		}
		if connection != nil && connection != ch.Conn {
			p.countReconnect()
		}
		for s := p.newSession(ch, time.Now()); s != nil; {
			connection = s.Conn
			s = p.serve(s)
		}
	}
	if p.client.private {
		_ = p.client.Close(p.farewell())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosing() { // the shared client was closed
		close(p.closing)
	}
}

// confirmMode puts a new channel into confirm mode.
func confirmMode(ctx context.Context, ch *transport.Channel) error {
	return ch.Within(ctx, "select confirm mode", func() error { return ch.Confirm(false) })
}

func (p *Producer) newSession(ch *transport.Channel, began time.Time) *session {
	s := &session{
		Channel: ch,
		began:   began,
		asleep:  make(chan struct{}, 1),
		proven:  make(chan struct{}),
		sent:    list{kind: inStage},
	}
	// The broker sends the return of an unroutable message before its ack. The library drops a return that
	// nobody takes for 5 s; but here there is room for one for each message on its way, and so always.
	s.returns = ch.NotifyReturn(make(chan amqp.Return, p.unanswered()))
	return s
}

// mostUnanswered is how many messages are on their way at most, however large the window: for each there is
// room for a return.
const mostUnanswered = 2048

// unanswered is how many messages may be on their way.
func (p *Producer) unanswered() int { return min(p.window.size(), mostUnanswered) }

func (p *Producer) countReconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Reconnects++
}

// farewell is the context of goodbyes: what is left of Close's, or of the client's life.
func (p *Producer) farewell() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.goodbye
}

// serve sends messages over a session until it is over, or the producer is closed. It returns the session to
// go on with, over the same connection or on a better node, if there is one.
func (p *Producer) serve(s *session) *session {
	calm := p.begin(s)
	stopSeeking := p.seek(s, calm)
	abandoned := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() { p.collect(s, abandoned) })
	p.send(s)
	stopSeeking()
	p.end(s)

	next := p.takeSuccessor()
	renew := next == nil && p.ctx.Err() == nil && errors.Is(s.Cause(), errNoFirstConfirm)
	_ = s.Close(p.farewell())
	if s.Abandoned() {
		close(abandoned)
	}
	collector.Wait() // every answer that was read counts before anything is called unknown
	p.recall(s)
	switch {
	case next != nil && p.ctx.Err() != nil:
		next.Conn.Cut(ErrClosed)
		_ = next.Conn.Close(p.farewell())
		return nil
	case next != nil:
		p.client.adopt(next.Conn)
		return next
	case renew:
		if next = p.renew(s); next != nil {
			return next
		}
	}
	if p.ctx.Err() == nil {
		p.connector.lost(s.Channel, s.useful)
	}
	return nil
}

// begin makes a session the current one, and puts it on trial unless it is the first. It returns how long to
// let things calm down before another place is looked for.
func (p *Producer) begin(s *session) (calm time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = s
	if p.usual > 0 {
		p.trial = newTrial(time.Now().Add(p.cfg.confirmTimeout))
		calm = affinityCalm
	}
	return calm
}

// end tells the collector that nothing more will be sent.
func (p *Producer) end(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.ended = true
	s.wakeLocked()
}

// send writes messages until the session is over or has a successor, or the producer is closed. What is
// written is held back while more is to come at once.
func (p *Producer) send(s *session) {
	corked := false
	defer func() {
		if corked {
			s.Conn.Uncork()
		}
	}()
	var written *Confirmation
	var answer *amqp.DeferredConfirmation
	for {
		c, m, goOn := p.next(s, written, answer)
		written = nil
		switch {
		case !goOn:
			return
		case c == nil && corked:
			s.Conn.Uncork()
			corked = false
			continue
		case c == nil:
			p.awaitWork(s)
			continue
		case !corked:
			s.Conn.Cork()
			corked = true
		}
		var err error
		answer, err = s.PublishWithDeferredConfirm(m.Exchange, m.RoutingKey, !m.NotMandatory, false, m.publishing())
		if err != nil {
			s.Abandon(fmt.Errorf("publish: %w", err))
			return
		}
		written = c
	}
}

// awaitWork waits until there may be something to do.
func (p *Producer) awaitWork(s *session) {
	_, changed := s.Conn.Blocking()
	p.mu.Lock()
	p.noteBlockingLocked(s)
	p.mu.Unlock()
	select {
	case <-p.work:
	case <-changed:
	case <-s.Over():
	case <-s.Conn.Over():
		s.Fail(s.Conn.Cause())
	case <-p.ctx.Done():
	}
}

// signal wakes the sender.
func (p *Producer) signal() {
	select {
	case p.work <- struct{}{}:
	default:
	}
}

// next notes that a message has been written and will be answered, and returns another to be sent over the
// session, if there is one, which is marked as sent. It says no when the session is over or can be left for
// its successor, or the producer is closed. The message is a copy, because it may be settled, and dropped,
// while it is being written.
func (p *Producer) next(s *session, written *Confirmation, answer *amqp.DeferredConfirmation) (
	c *Confirmation, m Message, goOn bool,
) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if written != nil {
		written.answer = answer
		s.wakeLocked()
	}
	if s.IsOver() || s.lost > 0 || p.ctx.Err() != nil || p.leavingLocked() {
		return nil, Message{}, false
	}
	if c = p.takeLocked(s); c != nil {
		m = c.message
	}
	return c, m, true
}

// takeLocked takes the first of the messages to be sent, if it may be sent now.
func (p *Producer) takeLocked(s *session) *Confirmation {
	p.noteBlockingLocked(s)
	// What was given up while it was on its way is still owed an answer, so that it counts.
	if p.blocked || p.successor != nil || s.sent.length >= p.unanswered() {
		return nil
	}
	// While there are suspects one message at a time is in flight, so that the culprit gives itself away.
	if p.suspects > 0 && s.sent.length > 0 {
		return nil
	}
	now := time.Now()
	for c := p.queue.pop(); c != nil; c = p.queue.pop() {
		if limit := s.Conn.FrameSize() - frameOverhead; c.size > limit && s.Conn.FrameSize() > 0 {
			p.settleLocked(c, ErrInvalidMessage, tooLarge(c.size, limit))
			continue
		}
		if !p.admitLocked(c, now) {
			continue
		}
		if s.sent.length == 0 {
			p.progress = now
		}
		c.phase = sent
		c.sentAt, c.answer = now, nil
		c.attempts++
		s.sent.push(c)
		p.stats.Published++
		return c
	}
	return nil
}

// retry sends a nacked message again.
func (p *Producer) retry(c *Confirmation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.phase == delayed {
		p.enqueueLocked(c)
	}
}

// enqueueLocked puts a message at the end of those to be sent.
func (p *Producer) enqueueLocked(c *Confirmation) {
	c.phase = queued
	p.queue.push(c)
	p.signal()
}

// noteBlockingLocked takes note of whether the broker has blocked or unblocked the connection.
func (p *Producer) noteBlockingLocked(s *session) {
	blocking, _ := s.Conn.Blocking()
	if blocking.Active == p.blocked {
		return
	}
	p.blocked = blocking.Active
	p.progress = time.Now() // the broker owes nothing for the time it was blocked
	p.endTrialLocked()
	endpoint := s.Conn.Endpoint.String()
	if blocking.Active {
		p.connector.states.set(Blocked, endpoint, fmt.Errorf("%w: %s", ErrBlocked, blocking.Reason))
	} else {
		p.connector.states.set(Connected, endpoint, nil)
	}
	p.signal()
}
