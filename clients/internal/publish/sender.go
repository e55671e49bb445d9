package publish

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/connection"
	"warren/clients/internal/flight"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// send writes messages until the session is over or has a successor, or the producer is closed. What is
// written is held back while more is to come at once.
func (p *Producer) send(s *session) {
	corked := false
	defer func() {
		if corked {
			s.Conn.Uncork()
		}
	}()
	var written *flight.Entry
	var answer *amqp.DeferredConfirmation
	var m flight.Letter
	for {
		e, goOn := p.next(s, written, answer, &m)
		written = nil
		switch {
		case !goOn:
			return
		case e == nil && corked:
			s.Conn.Uncork()
			corked = false
			continue
		case e == nil:
			p.awaitWork(s)
			continue
		case !corked:
			s.Conn.Cork()
			corked = true
		}
		var err error
		answer, err = s.PublishWithDeferredConfirm(m.Exchange, m.RoutingKey, m.Mandatory, false, m.Publishing)
		if err != nil {
			s.Abandon(fmt.Errorf("publish: %w", err))
			return
		}
		written = e
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
// its successor, or the producer is closed. What to write is copied to m, because the message may be settled,
// and its body dropped, while it is being written.
func (p *Producer) next(
	s *session, written *flight.Entry, answer *amqp.DeferredConfirmation, m *flight.Letter,
) (e *flight.Entry, goOn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if written != nil {
		written.Answer = answer
		s.wakeLocked()
	}
	if s.IsOver() || p.book.IsLosing() || p.ctx.Err() != nil || p.book.MayLeave() {
		return nil, false
	}
	p.noteBlockingLocked(s)
	limit := 0
	if s.Conn.FrameSize() > 0 {
		limit = s.Conn.FrameSize() - transport.FrameOverhead
	}
	if e = p.book.Next(limit, time.Now()); e != nil {
		*m = e.Letter
	}
	return e, true
}

// noteBlockingLocked takes note of whether the broker has blocked or unblocked the connection.
func (p *Producer) noteBlockingLocked(s *session) {
	blocking, _ := s.Conn.Blocking()
	if !p.book.Block(blocking.Active, time.Now()) {
		return
	}
	endpoint := s.Conn.Endpoint.String()
	if blocking.Active {
		err := fmt.Errorf("%w: %s", reason.ErrBlocked, blocking.Reason)
		p.user.States.Set(connection.Blocked, endpoint, err)
	} else {
		p.user.States.Set(connection.Connected, endpoint, nil)
	}
}
