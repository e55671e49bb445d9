// Package publish runs a producer: it sends the messages that a flight.Book says are to be sent, over one
// session after the other, and tells the book what the broker answers.
package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/callbacks"
	"warren/clients/internal/connection"
	"warren/clients/internal/flight"
	"warren/clients/internal/reason"
)

// Config is what a producer is told.
type Config struct {
	Window         int
	ConnectTimeout time.Duration
	ConfirmTimeout time.Duration
	PublishTimeout time.Duration
	NackBackoff    backoff.Backoff
	Log            *slog.Logger
	// Locate tells the name of the node to be connected to; nil for any. It is asked every Interval.
	Locate   func(context.Context) (node string, err error)
	Interval time.Duration
	// Failure makes the error that an application gets about a message.
	Failure func(e *flight.Entry, outcome, cause error) error
}

// Stats counts what a producer has done.
type Stats struct {
	flight.Stats
	Reconnects, Moves int64
}

// Producer publishes messages over a user's channels. It is safe for concurrent use.
type Producer struct {
	cfg  Config
	user *connection.User

	ctx     context.Context // ends when the work is to stop
	stop    context.CancelFunc
	stopped chan struct{} // closed when run has returned
	closing chan struct{} // closed when nothing more is accepted
	work    chan struct{} // has an element when the sender may have something to do
	hooks   callbacks.Queue
	room    room

	mu        sync.Mutex // guards all that follows; nothing that waits is done while it is held
	book      *flight.Book
	goodbye   context.Context // limits closing the connection at the end
	current   *session        // nil while there is none
	successor *session        // to go on with when nothing is owed over the current one; nil if there is none
	reaper    *time.Timer
	// What the book does not count.
	reconnects, moves int64
}

// Start makes a producer and starts its work.
func Start(user *connection.User, cfg Config) *Producer {
	p := &Producer{
		cfg:     cfg,
		user:    user,
		stopped: make(chan struct{}),
		closing: make(chan struct{}),
		work:    make(chan struct{}, 1),
		room:    make(room, cfg.Window),
	}
	p.book = flight.NewBook(flight.Config{
		Window:         cfg.Window,
		Unanswered:     p.unanswered(),
		ConfirmTimeout: cfg.ConfirmTimeout,
		PublishTimeout: cfg.PublishTimeout,
		NackBackoff:    cfg.NackBackoff,
		Patience:       user.Owner.Patience,
	}, (*bookkeeper)(p))
	p.ctx, p.stop = context.WithCancel(user.Owner.Context())
	p.goodbye = p.ctx
	p.reaper = time.AfterFunc(time.Hour, p.reap)
	p.reaper.Stop() // runs only while there is something in the window
	go p.run()
	return p
}

// Accept takes a message into the window, and waits for a place there until ctx ends. It returns ErrClosed if
// the producer is closed.
func (p *Producer) Accept(ctx context.Context, e *flight.Entry) error {
	if err := p.room.acquire(ctx, p.closing); err != nil {
		return err
	}
	e.Context, e.Deadline, e.Done = ctx, e.Accepted.Add(p.cfg.PublishTimeout), make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosing() {
		p.room.release()
		return reason.ErrClosed
	}
	if p.book.Len() == 0 {
		p.reaper.Reset(reapInterval)
	}
	p.book.Accept(e)
	return nil
}

// GiveUp settles a message whose outcome nobody waits for any longer.
func (p *Producer) GiveUp(e *flight.Entry, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.GiveUp(e, cause)
}

// Trouble is why messages do not flow right now; nil while they do.
func (p *Producer) Trouble() error { return p.user.States.Reason() }

// Stats returns the counts so far.
func (p *Producer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Stats: p.book.Stats(), Reconnects: p.reconnects, Moves: p.moves}
}

func (p *Producer) isClosing() bool {
	select {
	case <-p.closing:
		return true
	default:
		return false
	}
}

// Close accepts no more messages, waits until the outcome of all is known, or until ctx ends, and closes the
// connection, or its channel on a shared one. It returns the ids of those that were left, and why they were
// not waited for any longer. Calling it again waits for the first call to be done.
func (p *Producer) Close(ctx context.Context) (left []string, cause error) {
	p.mu.Lock()
	if p.isClosing() {
		p.mu.Unlock()
		select {
		case <-p.stopped:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	close(p.closing)
	p.mu.Unlock()

	cause = p.room.drain(ctx)

	// The goodbyes take no longer than ctx, and not long without it either: a write may be stuck.
	ctx, cancel := context.WithTimeout(ctx, connection.GoodbyeTimeout)
	defer cancel()
	p.mu.Lock()
	for e := range p.book.All() {
		left = append(left, e.MessageId)
	}
	p.book.FailAll(reason.ErrClosed)
	p.goodbye = ctx
	p.stop()
	p.mu.Unlock()
	p.awaitStop(ctx)
	if len(left) == 0 {
		return nil, nil
	}
	return left, cause
}

// awaitStop waits until the work has stopped. When ctx ends it cuts a connection of the producer's own, which
// ends what still waits for the broker; a shared one ends it later.
func (p *Producer) awaitStop(ctx context.Context) {
	select {
	case <-p.stopped:
		return
	case <-ctx.Done():
	}
	if !p.user.Owner.Private {
		return
	}
	p.mu.Lock()
	current := p.current
	p.mu.Unlock()
	if current != nil {
		current.Conn.Cut(reason.ErrClosed)
	}
	<-p.stopped
}

// bookkeeper is a producer as its book knows it. Its lock is held.
type bookkeeper Producer

// Wake wakes the sender.
func (k *bookkeeper) Wake() { (*Producer)(k).signal() }

// Trouble is why messages do not flow right now.
func (k *bookkeeper) Trouble() error { return (*Producer)(k).Trouble() }

// Delay has a nacked message sent again later.
func (k *bookkeeper) Delay(e *flight.Entry, d time.Duration) *time.Timer {
	p := (*Producer)(k)
	return time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.book.Retry(e)
	})
}

// Settle tells the application.
func (k *bookkeeper) Settle(e *flight.Entry, outcome, cause error) {
	p := (*Producer)(k)
	if outcome != nil {
		e.Err = p.cfg.Failure(e, outcome, cause)
	}
	e.Latency = time.Since(e.Accepted)
	close(e.Done)
	after, err := e.After, e.Err
	if after == nil {
		p.room.release()
		return
	}
	e.After = nil
	p.hooks.Add(func() {
		defer p.room.release() // so that a slow hook slows down the callers instead of filling the memory
		after(err)
	}, 0)
}
