package clients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warren/clients/internal/connection"
	"warren/clients/internal/flight"
	"warren/clients/internal/publish"
	"warren/clients/internal/reason"
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
	cfg    producerConfig
	engine *publish.Producer
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
	owner, err := cfg.newOwner(endpoints, true)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	return startProducer(owner, cfg), nil
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
	return startProducer(c.owner, cfg), nil
}

func startProducer(owner *connection.Owner, cfg producerConfig) *Producer {
	user := &connection.User{
		Owner:   owner,
		States:  cfg.states(),
		Silence: cfg.confirmTimeout,
		Pause:   cfg.reconnect,
		Explain: func(err error) error { return err },
	}
	return &Producer{cfg: cfg, engine: publish.Start(user, publish.Config{
		Window:         cfg.window,
		ConnectTimeout: cfg.connectTimeout,
		ConfirmTimeout: cfg.confirmTimeout,
		PublishTimeout: cfg.publishTimeout,
		NackBackoff:    cfg.nackBackoff,
		Log:            cfg.logger,
		Locate:         cfg.locate,
		Interval:       cfg.affinityInterval,
		Failure:        failure,
	})}
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
	case <-c.entry.Done:
	case <-ctx.Done():
		p.engine.GiveUp(&c.entry, ctx.Err())
	}
	return c.entry.Err
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
	c := &Confirmation{flight.Entry{Letter: m.letter(), Size: size, Accepted: now, After: after}}
	err = p.engine.Accept(ctx, &c.entry)
	switch {
	case errors.Is(err, ErrClosed):
		return nil, err
	case err != nil:
		cause := reason.With(err, p.engine.Trouble())
		return nil, &PublishError{MessageID: m.ID, Err: ErrUnconfirmed, Cause: cause}
	}
	return c, nil
}

// Close accepts no more messages, waits until the outcome of all those in flight is known, or until ctx ends,
// and closes the connection, or its channel on a shared one. If any are left it returns an *UnconfirmedError
// that lists them, and their confirmations say so too. Close does not report again what has been reported
// through a confirmation before. Calling it again waits for the first call to be done.
func (p *Producer) Close(ctx context.Context) error {
	left, cause := p.engine.Close(ctx)
	if len(left) == 0 {
		return cause
	}
	return &UnconfirmedError{MessageIDs: left, Cause: cause}
}

// Stats returns the counts so far.
func (p *Producer) Stats() ProducerStats {
	s := p.engine.Stats()
	return ProducerStats{
		Accepted:    s.Accepted,
		Confirmed:   s.Confirmed,
		Returned:    s.Returned,
		Nacked:      s.Nacked,
		Rejected:    s.Rejected,
		Unconfirmed: s.Unconfirmed,
		InFlight:    s.InFlight,
		Published:   s.Published,
		Nacks:       s.Nacks,
		Reconnects:  s.Reconnects,
		Moves:       s.Moves,
	}
}
