package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// reapInterval is how often the messages in flight are looked over for deadlines, contexts and overdue confirms.
const reapInterval = 25 * time.Millisecond

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

// markReturned notes that the broker has returned a message: the first one in flight that fits.
func (p *Producer) markReturned(s *session, r amqp.Return) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.window.all() {
		if c.phase == sent && c.attempt.session == s && c.attempt.returned == nil && c.id == r.MessageId &&
			c.message.Exchange == r.Exchange && c.message.RoutingKey == r.RoutingKey {
			c.attempt.returned = &r
			return
		}
	}
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

// recall takes back what was in flight when a session ended, to be sent again before anything newer.
func (p *Producer) recall(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	blame := blamesMessage(s.cause)
	alone := p.owed == 1
	p.unsent = p.unsent[:0]
	for c := range p.window.all() {
		if c.phase == sent {
			if blame && alone {
				p.settle(c, ErrRejected, s.cause)
				continue
			}
			c.unknown = true
			if blame && !c.suspect {
				c.suspect = true
				p.suspects++
			}
			c.phase = queued
		}
		if c.phase == queued {
			p.unsent = append(p.unsent, c)
		}
	}
	p.owed = 0
	p.trial = nil
}

// reap gives up the messages whose time is over, and the session when its confirms are overdue.
func (p *Producer) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.trial != nil && now.After(p.trial.until) {
		p.endTrial()
	}
	var oldest, first *attempt // of those on their way, and of the first to a destination
	for c := range p.window.all() {
		if err := c.expired(now, p.cfg.publishTimeout); err != nil {
			p.giveUp(c, err)
			continue
		}
		if oldest == nil && c.phase == sent {
			oldest = c.attempt
		}
		if first == nil && p.trial.awaits(c) {
			first = c.attempt
		}
	}
	if oldest != nil && !p.blocked {
		p.checkStall(oldest, first, now)
	}
	switch {
	case p.window.length == 0:
	case first != nil:
		p.reaper.Reset(trialReapInterval)
	default:
		p.reaper.Reset(reapInterval)
	}
}

// checkStall ends the session of the attempts in flight when the broker owes the oldest one's confirm for too long, or that of a first one.
func (p *Producer) checkStall(oldest, first *attempt, now time.Time) {
	s := oldest.session
	if s.isOver() {
		return
	}
	timeout := p.connector.patience(p.cfg.confirmTimeout, p.stalls)
	if first != nil && s.renewals < mostRenewals && now.Sub(first.sentAt) > min(timeout, p.firstConfirmTimeout(s)) {
		s.fail(errNoFirstConfirm)
		return
	}
	if p.unproven(s) {
		timeout = min(timeout, p.firstConfirmTimeout(s))
	}
	owing := now.Sub(p.progress)
	silent := owing > timeout
	overdue := now.Sub(oldest.sentAt) > 4*timeout && owing < timeout
	if silent || overdue {
		p.stalls++
		s.cut(fmt.Errorf("%w: none came %w", ErrConfirmTimeout, timeoutError(timeout)))
	}
}

// fail gives up everything in the window.
func (p *Producer) fail(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.window.all() {
		p.giveUp(c, cause)
	}
}

// giveUp settles a message that has run out of time: as nacked, if that is all that ever happened to it.
func (p *Producer) giveUp(c *Confirmation, cause error) {
	if c.phase == settled {
		return
	}
	if c.nacks > 0 && c.phase != sent && !c.unknown {
		p.settle(c, ErrNacked, cause)
		return
	}
	if c.phase == sent {
		c.unknown = true
		p.waive(c)
	}
	p.settle(c, ErrUnconfirmed, withReason(cause, p.connector.states.reason()))
}

// settle makes the outcome known; nil means confirmed.
func (p *Producer) settle(c *Confirmation, outcome, cause error) {
	if outcome != nil {
		c.err = &PublishError{MessageID: c.id, Attempts: c.attempts, Err: outcome, Cause: cause, Unknown: c.unknown}
	}
	c.latency = time.Since(c.accepted)
	p.stats.count(outcome)
	if c.suspect {
		p.suspects--
		p.work.Signal()
	}
	c.phase = settled
	p.window.remove(c)
	p.window.release()
	c.message, c.ctx, c.attempt = Message{}, nil, nil // the caller may keep the confirmation for long
	close(c.done)
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

// withReason adds why messages do not flow to a cause, if it is known and new.
func withReason(cause, reason error) error {
	if reason == nil || errors.Is(cause, reason) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, reason)
}
