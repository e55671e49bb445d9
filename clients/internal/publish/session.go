package publish

import (
	"context"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/connection"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// session is a channel in confirm mode, and what the broker returns over it. What is on its way over it is in
// the book.
type session struct {
	*transport.Channel
	began   time.Time        // when the connection was taken into use
	returns chan amqp.Return // has room for as many as can be on their way
	asleep  chan struct{}    // wakes the collector
	proven  chan struct{}    // closed when a confirm has come

	// Guarded by the producer's mutex.
	returned []amqp.Return // returns whose acks have not been looked at
	idle     bool          // the collector waits on asleep
	ended    bool          // nothing more will be sent
}

// errNoFirstConfirm ends a session that is to be renewed.
var errNoFirstConfirm = errors.New("the channel brought no confirm")

// run works through one session after the other, until Close.
func (p *Producer) run() {
	defer close(p.stopped)
	defer p.reaper.Stop()
	defer p.user.States.Set(connection.Closed, "", nil)
	defer p.failAll(reason.ErrClosed)
	var last *transport.Conn
	for p.ctx.Err() == nil {
		ch, err := p.user.Connect(p.ctx, confirmMode)
		if err != nil {
			// The endpoints refuse us. No use in letting the callers wait; but go on trying, in case someone
			// puts it right.
			if p.ctx.Err() == nil {
				p.failAll(err)
			}
			continue
		}
		if last != nil && last != ch.Conn {
			p.countReconnect()
		}
		for s := p.newSession(ch, time.Now()); s != nil; {
			last = s.Conn
			s = p.serve(s)
		}
	}
	if p.user.Owner.Private {
		_ = p.user.Owner.Close(p.farewell())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosing() { // the shared connection's owner was closed
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
func (p *Producer) unanswered() int { return min(p.cfg.Window, mostUnanswered) }

func (p *Producer) countReconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reconnects++
}

func (p *Producer) failAll(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.FailAll(cause)
}

// farewell is the context of goodbyes: what is left of Close's, or of the owner's life.
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
	useful := p.recall(s)
	switch {
	case next != nil && p.ctx.Err() != nil:
		next.Conn.Cut(reason.ErrClosed)
		_ = next.Conn.Close(p.farewell())
		return nil
	case next != nil:
		p.user.Owner.Adopt(next.Conn)
		return next
	case renew:
		if next = p.renew(s); next != nil {
			return next
		}
	}
	if p.ctx.Err() == nil {
		p.user.Lost(s.Channel, useful)
	}
	return nil
}

// begin makes a session the current one. It returns how long to let things calm down before another place is
// looked for.
func (p *Producer) begin(s *session) (calm time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = s
	if p.book.Begin(s.began, s.Opening, time.Now()) {
		return Calm
	}
	return 0
}

// end tells the collector that nothing more will be sent.
func (p *Producer) end(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.ended = true
	s.wakeLocked()
}

// recall takes back what was in flight when a session ended. It says whether that had brought a confirm.
func (p *Producer) recall(s *session) (useful bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = nil
	p.book.Recall(s.Cause())
	return p.book.Useful()
}

// renew opens another channel instead of one that brought no confirm; nil if the connection has to go.
func (p *Producer) renew(s *session) *session {
	p.cfg.Log.Debug("no confirm came over the new channel: opening another", "endpoint", s.Conn.Endpoint)
	if s.Conn.IsOver() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.cfg.ConnectTimeout, transport.Timeout(p.cfg.ConnectTimeout))
	defer cancel()
	ch, err := p.user.Open(ctx, s.Conn, confirmMode)
	if err != nil {
		return nil
	}
	return p.newSession(ch, s.began)
}
