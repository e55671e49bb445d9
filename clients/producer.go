package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Producer publishes messages and says what became of each. It is safe for concurrent use.
//
// What Publish reports as confirmed is in the queue: written to disk by a majority of its members, for a quorum queue.
// A message whose connection was lost before its confirm is published again, with the same id, so that it may be in the
// queue more than once, but it is never given up silently. Messages that one goroutine publishes reach a queue in that
// order as long as no connection is lost and none is nacked; after that, repetitions and stragglers may come later.
// Where order matters more than speed, wait for each Publish before the next.
type Producer struct {
	cfg       producerConfig
	connector *connector

	ctx     context.Context // ends when the work is to stop
	stop    context.CancelFunc
	stopped chan struct{} // closed when run has returned
	closing chan struct{} // closed when nothing more is accepted

	window *window

	mu        sync.Mutex
	work      *sync.Cond      // signalled when the sender may have something to do
	goodbye   context.Context // limits closing the connection at the end
	unsent    []*Confirmation // the queued messages, in the order in which to send them
	suspects  int             // how many are suspected of having closed a channel
	owed      int             // attempts that the broker has not answered over the current session
	blocked   bool            // by the broker, right now
	progress  time.Time       // when the broker last answered, or began to owe, or was unblocked
	stalls    int             // sessions in a row that were given up without any confirm
	usual     time.Duration   // how long a confirm takes these days, smoothed; 0 before the first
	trial     *trial          // of the current session; nil for one that is trusted
	successor *session        // to go on with when nothing is owed over the current one; nil if there is none
	reaper    *time.Timer
	stats     ProducerStats
}

// NewProducer makes a producer for a cluster that is reached at any of the endpoints, AMQP URIs such as
// "amqp://user:password@host:5672/vhost". They are tried in the given order, and again whenever a connection is lost,
// until Close. NewProducer itself does not wait for a connection: its errors are mistakes in its arguments.
func NewProducer(endpoints []string, opts ...ProducerOption) (*Producer, error) {
	cfg, err := newProducerConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	connector, err := newConnector(endpoints, cfg.connectionConfig)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	p := &Producer{
		cfg:       cfg,
		connector: connector,
		stopped:   make(chan struct{}),
		closing:   make(chan struct{}),
		window:    newWindow(cfg.window),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.work = sync.NewCond(&p.mu)
	p.reaper = time.AfterFunc(time.Hour, p.reap)
	p.reaper.Stop() // runs only while there is something in the window
	go p.run()
	return p, nil
}

// Publish publishes a message and waits for its outcome: nil when the broker has confirmed it, otherwise a
// *PublishError that matches ErrUnconfirmed, ErrNacked, ErrUnroutable or ErrRejected, or ErrInvalidMessage or ErrClosed.
//
// Until ctx ends, and at most for the time set with WithPublishTimeout, a message is published again when its
// connection is lost or the broker nacks it.
func (p *Producer) Publish(ctx context.Context, m Message) error {
	c, err := p.PublishAsync(ctx, m)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		p.mu.Lock()
		p.giveUp(c, ctx.Err())
		p.mu.Unlock()
	}
	return c.err
}

// PublishAsync publishes a message without waiting for its outcome, which the Confirmation will hold. It waits only
// while the window is full, until ctx ends. ctx goes on to govern the message as it does with Publish.
func (p *Producer) PublishAsync(ctx context.Context, m Message) (*Confirmation, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	m.complete()
	now := time.Now()
	if err := p.window.acquire(ctx, p.closing); err != nil {
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		return nil, &PublishError{MessageID: m.ID, Err: ErrUnconfirmed, Cause: withReason(err, p.connector.states.reason())}
	}
	c := &Confirmation{
		id:       m.ID,
		accepted: now,
		deadline: now.Add(p.cfg.publishTimeout),
		done:     make(chan struct{}),
		message:  m,
		ctx:      ctx,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closing:
		p.window.release()
		return nil, ErrClosed
	default:
	}
	if p.window.length == 0 {
		p.reaper.Reset(reapInterval)
	}
	p.window.push(c)
	p.enqueue(c)
	p.stats.Accepted++
	return c, nil
}

// Close accepts no more messages, waits until the outcome of all those in flight is known, or until ctx ends, and closes
// the connection. If any are left it returns an *UnconfirmedError that lists them, and their confirmations say so too.
// Close does not report again what has been reported through a confirmation before. Calling it again waits for the
// first call to be done.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	select {
	case <-p.closing:
		p.mu.Unlock()
		select {
		case <-p.stopped:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	default:
	}
	close(p.closing)
	p.mu.Unlock()

	drained := p.window.drain(ctx)

	p.mu.Lock()
	var left []string
	for c := range p.window.all() {
		left = append(left, c.id)
		p.giveUp(c, ErrClosed)
	}
	p.goodbye = ctx
	p.stop()
	p.work.Broadcast()
	p.mu.Unlock()
	<-p.stopped
	p.reaper.Stop()
	if len(left) > 0 {
		return &UnconfirmedError{MessageIDs: left, Cause: drained}
	}
	return nil
}

// Stats returns the counts so far.
func (p *Producer) Stats() ProducerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.InFlight = p.window.length
	return stats
}
