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
// What Publish reports as confirmed is in the queue: written to disk by a majority of its members, for a
// quorum queue. A message whose connection was lost before its confirm is published again, with the same id,
// so that it may be in the queue more than once, but it is never given up silently. Messages that one
// goroutine publishes reach a queue in that order as long as no connection is lost and none is nacked; after
// that, repetitions and stragglers may come later. Where order matters more than speed, wait for each Publish
// before the next.
type Producer struct {
	cfg       producerConfig
	client    *Client
	connector *connector

	ctx     context.Context // ends when the work is to stop
	stop    context.CancelFunc
	stopped chan struct{} // closed when run has returned
	closing chan struct{} // closed when nothing more is accepted
	work    chan struct{} // has an element when the sender may have something to do
	hooks   callbacks

	window *window // its room can be used without the lock

	mu        sync.Mutex      // guards all that follows; nothing that waits is done while it is held
	goodbye   context.Context // limits closing the connection at the end
	current   *session        // nil while there is none
	queue     list            // what is to be sent, in that order
	suspects  int             // how many are suspected of having closed a channel
	blocked   bool            // by the broker, right now
	progress  time.Time       // when the broker last answered, or began to owe, or was unblocked
	stalls    int             // sessions in a row that were given up because confirms were overdue
	usual     time.Duration   // how long a confirm takes these days, smoothed; 0 before the first
	slowest   time.Duration   // how long the slowest of the last confirms took, fading
	trial     *trial          // of the current session; nil for one that is trusted
	asked     map[destination]int
	successor *session // to go on with when nothing is owed over the current one; nil if there is none
	reaper    *time.Timer
	stats     ProducerStats
}

// NewProducer makes a producer with a connection of its own to a cluster that is reached at any of the
// endpoints, AMQP URIs such as "amqp://user:password@host:5672/vhost". They are tried in the given order, and
// again whenever a connection is lost, until Close. NewProducer itself does not wait for a connection: its
// errors are mistakes in its arguments.
func NewProducer(endpoints []string, opts ...ProducerOption) (*Producer, error) {
	cfg, err := newProducerConfig(defaultConnectionConfig("warren-producer"), opts)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	client, err := newPrivateClient(endpoints, cfg.connectionConfig)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	return startProducer(client, cfg), nil
}

// NewProducer makes a producer that publishes over the client's connection, on a channel of its own.
func (c *Client) NewProducer(opts ...ProducerOption) (*Producer, error) {
	cfg, err := newProducerConfig(c.cfg, opts)
	if err == nil {
		err = cfg.sameConnection(c.cfg)
	}
	if err == nil && cfg.locate != nil {
		err = errors.New("affinity moves the connection, so that it needs one of its own: " +
			"use the function NewProducer")
	}
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	return startProducer(c, cfg), nil
}

func startProducer(client *Client, cfg producerConfig) *Producer {
	p := &Producer{
		cfg:    cfg,
		client: client,
		connector: &connector{
			client:  client,
			states:  &tracker{log: cfg.logger, notify: cfg.stateChange},
			silence: cfg.confirmTimeout,
			pause:   cfg.reconnect,
			explain: func(err error) error { return err },
		},
		stopped: make(chan struct{}),
		closing: make(chan struct{}),
		work:    make(chan struct{}, 1),
		window:  newWindow(cfg.window),
		queue:   list{kind: inStage},
		asked:   make(map[destination]int),
	}
	p.ctx, p.stop = context.WithCancel(client.ctx)
	p.goodbye = p.ctx
	p.reaper = time.AfterFunc(time.Hour, p.reap)
	p.reaper.Stop() // runs only while there is something in the window
	go p.run()
	return p
}

// Publish publishes a message and waits for its outcome: nil when the broker has confirmed it, otherwise a
// *PublishError that matches ErrUnconfirmed, ErrNacked, ErrUnroutable or ErrChannelException, or
// ErrInvalidMessage or ErrClosed.
//
// Until ctx ends, and at most for the time set with WithPublishTimeout, a message is published again when its
// connection is lost or the broker nacks it. Publish returns when ctx ends, whatever the broker does.
func (p *Producer) Publish(ctx context.Context, m Message) error {
	c, err := p.PublishAsync(ctx, m)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		p.mu.Lock()
		p.giveUpLocked(c, ctx.Err())
		p.mu.Unlock()
	}
	return c.err
}

// PublishAsync publishes a message without waiting for its outcome, which the Confirmation will hold. It
// waits only while the window is full, until ctx ends. ctx goes on to govern the message as it does with
// Publish.
func (p *Producer) PublishAsync(ctx context.Context, m Message) (*Confirmation, error) {
	now := time.Now()
	m.complete(now)
	var after func(error)
	if p.cfg.publishHook != nil {
		after = p.cfg.publishHook(ctx, &m)
	}
	c, err := p.accept(ctx, m, now, after)
	if err != nil && after != nil {
		after(err)
	}
	return c, err
}

// accept takes a message into the window.
func (p *Producer) accept(
	ctx context.Context, m Message, now time.Time, after func(error),
) (*Confirmation, error) {
	size, err := m.prepare()
	if err != nil {
		return nil, err
	}
	if err := p.window.acquire(ctx, p.closing); err != nil {
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		reason := p.connector.states.reason()
		return nil, &PublishError{MessageID: m.ID, Err: ErrUnconfirmed, Cause: withReason(err, reason)}
	}
	c := &Confirmation{
		id:       m.ID,
		accepted: now,
		deadline: now.Add(p.cfg.publishTimeout),
		done:     make(chan struct{}),
		message:  m,
		size:     size,
		ctx:      ctx,
		after:    after,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosing() {
		p.window.release()
		return nil, ErrClosed
	}
	if p.window.length == 0 {
		p.reaper.Reset(reapInterval)
	}
	p.window.push(c)
	p.enqueueLocked(c)
	p.stats.Accepted++
	return c, nil
}

func (p *Producer) isClosing() bool {
	select {
	case <-p.closing:
		return true
	default:
		return false
	}
}

// Close accepts no more messages, waits until the outcome of all those in flight is known, or until ctx ends,
// and closes the connection, or its channel on a shared one. If any are left it returns an *UnconfirmedError
// that lists them, and their confirmations say so too. Close does not report again what has been reported
// through a confirmation before. Calling it again waits for the first call to be done.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.isClosing() {
		p.mu.Unlock()
		select {
		case <-p.stopped:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	close(p.closing)
	p.mu.Unlock()

	drained := p.window.drain(ctx)

	// The goodbyes take no longer than ctx, and not long without it either: a write may be stuck.
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	p.mu.Lock()
	var left []string
	for c := range p.window.all() {
		left = append(left, c.id)
		p.giveUpLocked(c, ErrClosed)
	}
	p.goodbye = ctx
	p.stop()
	p.mu.Unlock()
	p.awaitStop(ctx)
	if len(left) > 0 {
		return &UnconfirmedError{MessageIDs: left, Cause: drained}
	}
	return nil
}

// goodbyeTimeout is how long closing the channel and the connection may take together.
const goodbyeTimeout = 3 * time.Second

// awaitStop waits until the work has stopped. When ctx ends it cuts a connection of the producer's own, which
// ends what still waits for the broker; a shared one ends it later.
func (p *Producer) awaitStop(ctx context.Context) {
	select {
	case <-p.stopped:
		return
	case <-ctx.Done():
	}
	if !p.client.private {
		return
	}
	p.mu.Lock()
	current := p.current
	p.mu.Unlock()
	if current != nil {
		current.Conn.Cut(ErrClosed)
	}
	<-p.stopped
}

// Stats returns the counts so far.
func (p *Producer) Stats() ProducerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.InFlight = p.window.length
	return stats
}
