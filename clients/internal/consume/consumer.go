// Package consume runs a consumer: it subscribes to a queue again and again, hands messages to a fixed number
// of handlers, and tells the broker what became of each.
package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/backoff"
	"warren/clients/internal/connection"
	"warren/clients/internal/field"
	"warren/clients/internal/ids"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// StreamOffset is the argument that says where in a stream to begin, and the header that says where a message
// is.
const StreamOffset = "x-stream-offset"

// Config is what a consumer is told.
type Config struct {
	Queue           string
	Name            string // the beginning of the consumer's tag
	Tag             string // empty for one of its own each time
	Prefetch        int
	Concurrency     int
	Dedup           int // how many ids to remember; 0 for none
	Exclusive       bool
	Stream          bool // the queue is a stream
	ShutdownTimeout time.Duration
	ConnectTimeout  time.Duration
	ProbeIdle       time.Duration // 0 for no probes
	Retry           backoff.Backoff
	RetryByQueue    bool // the queue makes failed messages wait, if the broker's series can
	Log             *slog.Logger
	// Arguments are those of basic.consume, from the given offset on unless it is nil.
	Arguments func(offset any) amqp.Table
	// Handle handles a message. It does not panic.
	Handle func(context.Context, *amqp.Delivery) error
}

// Consumer consumes a queue over a user's channels.
type Consumer struct {
	Counters Counters

	cfg      Config
	user     *connection.User
	dedup    *dedup // nil for none
	failures *failures
	offsets  *offsets // nil unless the queue is a stream
	running  atomic.Bool

	probeRefused atomic.Bool  // by the broker: not this kind of queue, or no other channel
	silences     atomic.Int32 // probes in a row that were not answered
}

// Counters count what a consumer has done; clients.ConsumerStats tells what they mean.
type Counters struct {
	Delivered, Handled, Failed, DeadLettered, Duplicates, Redelivered, Untold, Reconnects atomic.Int64
}

// New makes a consumer.
func New(user *connection.User, cfg Config) *Consumer {
	c := &Consumer{cfg: cfg, user: user, failures: newFailures()}
	if cfg.Dedup > 0 {
		c.dedup = newDedup(cfg.Dedup)
	}
	if cfg.Stream {
		c.offsets = newOffsets()
	}
	return c
}

// Run consumes until ctx is done and then shuts down, or until there is no use in trying. What it returns is
// documented where package clients exports it.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("run consumer: it is running already")
	}
	defer c.running.Store(false)
	defer c.user.States.Set(connection.Closed, "", nil)

	pool := startPool(ctx, c.cfg.Concurrency, c.process)
	var last *transport.Conn
	for {
		var sub *subscription
		ch, err := c.user.Connect(ctx, func(ctx context.Context, ch *transport.Channel) (err error) {
			sub, err = c.subscribe(ctx, ch)
			return err
		})
		if err != nil {
			return c.endWithout(ctx, err, pool)
		}
		if last != nil && last != ch.Conn {
			c.Counters.Reconnects.Add(1)
		}
		last = ch.Conn
		sub.run = ctx
		sub.prober.Go(func() { c.probe(ctx, sub, pool) })
		c.deliver(ctx, sub, pool)
		if ctx.Err() != nil {
			return c.shutDown(sub, pool)
		}
		sub.hurry() // what waits for its turn cannot be given back any more
		c.user.Owner.CloseChannel(ctx, ch)
		sub.prober.Wait()
		c.abandonProbe(ctx, sub)
		c.user.Lost(ch, sub.served.Load())
	}
}

// endWithout ends Run while there is no subscription: because the application wants it, which is no error, or
// because of err.
func (c *Consumer) endWithout(ctx context.Context, err error, pool *pool) error {
	stopErr := pool.stop(c.cfg.ShutdownTimeout)
	if ctx.Err() == nil {
		stopErr = errors.Join(err, stopErr)
	}
	if c.user.Owner.Private {
		_ = c.user.Owner.HangUp(ctx)
	}
	if stopErr != nil {
		return fmt.Errorf("consume %s: %w", c.cfg.Queue, stopErr)
	}
	return nil
}

// subscribe starts to consume over a new channel.
func (c *Consumer) subscribe(ctx context.Context, ch *transport.Channel) (*subscription, error) {
	tag := c.cfg.Tag
	if tag == "" {
		tag = c.cfg.Name + "-" + ids.New()
	}
	err := ch.Within(ctx, "set the prefetch", func() error { return ch.Qos(c.cfg.Prefetch, 0, false) })
	if err != nil {
		return nil, err
	}
	var from any
	if c.offsets != nil {
		from = c.offsets.next()
	}
	arguments := c.cfg.Arguments(from)
	deliveries, err := transport.Await(ctx, ch, "consume "+c.cfg.Queue, func() (<-chan amqp.Delivery, error) {
		return ch.Consume(c.cfg.Queue, tag, false, c.cfg.Exclusive, false, false, arguments)
	})
	if err != nil {
		return nil, err
	}
	ch.Conn.Prove()
	sub := &subscription{Channel: ch, tag: tag, deliveries: deliveries}
	sub.touch()
	return sub, nil
}

// deliver hands messages to the pool until ctx is done or the subscription is over. What it was about to hand
// over then is given back.
func (c *Consumer) deliver(ctx context.Context, sub *subscription, pool *pool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Over():
			return
		case d, ok := <-sub.deliveries:
			if !ok {
				if !sub.IsClosed() {
					sub.Fail(c.whyCancelled(ctx, sub))
				}
				<-sub.Over()
				return
			}
			sub.served.Store(true)
			sub.Conn.Prove()
			if !c.pass(ctx, sub, d, pool) {
				return
			}
		}
	}
}

// whyCancelled is why the broker has cancelled the consumer: since RabbitMQ 4.3 that is what a quorum queue
// does when a delivery was not acknowledged in time, and then the queue is still there.
func (c *Consumer) whyCancelled(ctx context.Context, sub *subscription) error {
	unsettled := sub.unsettled.Load()
	if unsettled == 0 {
		return reason.ErrCancelled
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	err := sub.Within(ctx, "look at "+c.cfg.Queue, func() error {
		_, err := sub.QueueDeclarePassive(c.cfg.Queue, true, false, false, false, nil)
		return err
	})
	if err != nil {
		return reason.ErrCancelled
	}
	return fmt.Errorf("%w: %w while %d deliveries were not acknowledged",
		reason.ErrDeliveryTimeout, reason.ErrCancelled, unsettled)
}

// pass hands a message to the pool. It says no if ctx is done or the subscription over before the pool takes
// it.
func (c *Consumer) pass(ctx context.Context, sub *subscription, d amqp.Delivery, pool *pool) bool {
	sub.take()
	if c.offsets != nil {
		c.offsets.begin(field.Integer(d.Headers[StreamOffset]))
	}
	select {
	case pool.jobs <- job{sub, d}:
		return true
	case <-sub.Over():
		return false
	case <-ctx.Done():
		c.giveBack(sub, d)
		return false
	}
}

// shutDown ends a subscription in the order that loses nothing: no more deliveries, handlers to their end,
// the acknowledgements all the way to the broker.
func (c *Consumer) shutDown(sub *subscription, pool *pool) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), connection.GoodbyeTimeout,
		transport.Timeout(connection.GoodbyeTimeout))
	defer cancel()
	if sub.Within(ctx, "cancel", func() error { return sub.Cancel(sub.tag, false) }) == nil {
		for d := range sub.deliveries {
			sub.take()
			c.giveBack(sub, d)
		}
	}
	sub.prober.Wait()
	err := pool.stop(c.cfg.ShutdownTimeout)
	closing, cancelClosing := context.WithTimeout(context.Background(), connection.GoodbyeTimeout)
	defer cancelClosing()
	_ = sub.Within(closing, "give back", func() error { sub.hurry(); return nil }) // a write may be stuck
	sub.closeProbe(closing)
	closeErr := sub.Close(closing)
	if c.user.Owner.Private {
		closeErr = errors.Join(closeErr, c.user.Owner.HangUp(closing))
	}
	if closeErr != nil {
		err = errors.Join(err, fmt.Errorf("the last acknowledgements may be lost: %w", closeErr))
	}
	if err != nil {
		return fmt.Errorf("shut down the consumer of %s: %w", c.cfg.Queue, err)
	}
	return nil
}

// process handles one message and tells the broker what became of it.
func (c *Consumer) process(ctx context.Context, j job) {
	d := &j.delivery
	c.Counters.Delivered.Add(1)
	if d.Redelivered {
		c.Counters.Redelivered.Add(1)
	}
	if c.dedup == nil || d.MessageId == "" {
		c.settle(j, d, c.call(ctx, j, d))
		return
	}
	first, err := c.dedup.begin(ctx, d.MessageId)
	switch {
	case err != nil: // the time to shut down is over; the message stays unacknowledged
	case !first:
		c.Counters.Duplicates.Add(1)
		c.tell(j.sub, d, d.Ack(false))
	default:
		err := c.call(ctx, j, d)
		c.dedup.end(d.MessageId, err == nil)
		c.settle(j, d, err)
	}
}

// call calls the handler, and with a message of a stream, which cannot go back, calls it until it succeeds or
// will never.
func (c *Consumer) call(ctx context.Context, j job, d *amqp.Delivery) error {
	for failures := 0; ; failures++ {
		err := c.cfg.Handle(ctx, d)
		if err == nil || c.offsets == nil || errors.Is(err, reason.ErrDeadLetter) || j.sub.IsOver() {
			return err
		}
		c.Counters.Failed.Add(1)
		c.cfg.Log.Warn("handler failed", "queue", c.cfg.Queue, "message", d.MessageId, "error", err)
		if backoff.Sleep(j.sub.run, c.cfg.Retry.GrownWait(failures)) != nil || ctx.Err() != nil {
			return err
		}
	}
}

// settle acknowledges a message whose handler has succeeded, and refuses it otherwise. It does so with
// basic.reject, never basic.nack: since RabbitMQ 4.3 only a reject counts as a failure against the delivery
// limit, while a nack means that the message was not tried. Before, both counted.
func (c *Consumer) settle(j job, d *amqp.Delivery, err error) {
	switch {
	case err == nil:
		c.Counters.Handled.Add(1)
		c.failures.forget(d.MessageId)
		c.tell(j.sub, d, d.Ack(false))
	case errors.Is(err, reason.ErrDeadLetter):
		c.cfg.Log.Warn("message dead-lettered", "queue", c.cfg.Queue, "message", d.MessageId, "error", err)
		c.Counters.DeadLettered.Add(1)
		c.failures.forget(d.MessageId)
		c.tell(j.sub, d, d.Reject(false))
	case c.offsets != nil: // not settled: to be delivered again by the next subscription
		j.sub.settle()
	default:
		c.cfg.Log.Warn("handler failed", "queue", c.cfg.Queue, "message", d.MessageId, "error", err)
		c.Counters.Failed.Add(1)
		failures := c.failures.add(d)
		pause := c.cfg.Retry.GrownWait(failures - 1)
		if c.cfg.RetryByQueue && delaysRetries(j.sub.Conn.Property("version")) {
			pause = 0
		}
		j.sub.later(pause, func() { c.tell(j.sub, d, d.Reject(true)) })
	}
}

// giveBack returns a message that no handler has seen to the queue. It is called when Run is to end, which
// must not wait for a write that is stuck.
func (c *Consumer) giveBack(sub *subscription, d amqp.Delivery) {
	sub.settle()
	if sub.IsOver() {
		c.Counters.Untold.Add(1)
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), connection.GoodbyeTimeout,
		transport.Timeout(connection.GoodbyeTimeout))
	defer cancel()
	c.count(sub, sub.Within(ctx, "give back", func() error { return d.Nack(false, true) }))
}

// tell takes note that the broker was told what became of a message.
func (c *Consumer) tell(sub *subscription, d *amqp.Delivery, err error) {
	sub.settle()
	if c.offsets != nil {
		c.offsets.end(field.Integer(d.Headers[StreamOffset]))
	}
	c.count(sub, err)
}

// count looks at whether the broker was told something about a message. If not, the subscription is over, and
// the broker will deliver the message again.
func (c *Consumer) count(sub *subscription, err error) {
	if err != nil || sub.IsOver() {
		c.Counters.Untold.Add(1)
	}
}
