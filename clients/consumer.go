package clients

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Handler handles one message. When it returns nil the message is acknowledged. When it returns an error, or panics, the
// message goes back to the queue, which counts the failure; a quorum queue whose delivery limit is exceeded sends the
// message to its dead-letter exchange. An error that matches ErrReject sends it there at once.
//
// The context is not done when Run's is, so that a handler can finish its work; it ends when the time for that is over.
// If the connection is lost in the meantime, the acknowledgement is lost with it, and the message will be delivered
// again: handlers must bear that, or let WithDeduplication take care of it.
type Handler func(ctx context.Context, d Delivery) error

// ErrReject says, when a Handler returns or wraps it, that the message will never succeed. It is dead-lettered, or
// discarded by a queue that has no dead-letter exchange.
var ErrReject = errors.New("message rejected")

// Consumer consumes a queue. Nothing is acknowledged before its handler has succeeded.
type Consumer struct {
	cfg       consumerConfig
	connector *connector
	queue     string
	handle    Handler
	dedup     *dedup // nil for none
	running   atomic.Bool
	counters  consumerCounters

	probeRefused atomic.Bool  // by the broker: not this kind of queue
	silences     atomic.Int32 // probes in a row that were not answered
}

// NewConsumer makes a consumer of a queue in a cluster that is reached at any of the endpoints, as NewProducer does.
// Its errors are mistakes in its arguments.
func NewConsumer(endpoints []string, queue string, h Handler, opts ...ConsumerOption) (*Consumer, error) {
	cfg, err := newConsumerConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	connector, err := newConnector(endpoints, cfg.connectionConfig)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	if queue == "" || h == nil {
		return nil, errors.New("new consumer: a queue and a handler are needed")
	}
	connector.hopeless = func(err error) bool { return cfg.requireQueue && errors.Is(err, ErrQueueNotFound) }
	c := &Consumer{cfg: cfg, connector: connector, queue: queue, handle: h}
	if cfg.dedupWindow > 0 {
		c.dedup = newDedup(cfg.dedupWindow)
	}
	return c, nil
}

// Stats returns the counts so far.
func (c *Consumer) Stats() ConsumerStats { return c.counters.stats() }

// Run consumes until ctx is done, through any number of lost connections, and then shuts down: it takes no more
// messages, lets the handlers finish and acknowledges their messages, gives back those not begun, and closes the
// connection. It returns nil when all of that was done. Otherwise it returns an error: some messages that were handled
// will be delivered again.
//
// Run gives up early only where waiting cannot help: with ErrAuthentication, ErrVhost or ErrAccessRefused when the
// endpoints refuse the user from the start, and with ErrQueueNotFound if WithRequiredQueue was given. It can be called
// again afterwards, but not twice at once.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("run consumer: it is running already")
	}
	defer c.running.Store(false)
	defer c.connector.states.set(Closed, "", nil)

	pool := startPool(ctx, c.cfg.concurrency, c.process)
	for first := true; ; first = false {
		var sub *subscription
		s, err := c.connector.connect(ctx, func(ctx context.Context, s *session) (err error) {
			sub, err = c.subscribe(ctx, s)
			return err
		})
		if err != nil {
			return c.endWithout(ctx, err, pool)
		}
		if !first {
			c.counters.reconnects.Add(1)
		}
		sub.prober.Go(func() { c.probe(ctx, sub, pool) })
		c.deliver(ctx, sub, pool)
		if ctx.Err() != nil {
			return c.shutDown(sub, pool)
		}
		s.close(ctx)
		sub.prober.Wait()
		c.connector.lost(s)
	}
}

// endWithout ends Run while there is no subscription: because the application wants it, which is no error, or because of
// err.
func (c *Consumer) endWithout(ctx context.Context, err error, pool *pool) error {
	stopErr := pool.stop(c.cfg.shutdownTimeout)
	if ctx.Err() == nil {
		stopErr = errors.Join(err, stopErr)
	}
	if stopErr != nil {
		return fmt.Errorf("consume %s: %w", c.queue, stopErr)
	}
	return nil
}

// subscribe starts to consume over a new session.
func (c *Consumer) subscribe(ctx context.Context, s *session) (*subscription, error) {
	sub := &subscription{session: s, tag: c.cfg.name + "-" + uuid.NewString()}
	err := s.within(ctx, "set the prefetch", func() error { return s.channel.Qos(c.cfg.prefetch, 0, false) })
	if err != nil {
		return nil, err
	}
	err = s.within(ctx, "consume "+c.queue, func() (err error) {
		sub.deliveries, err = s.channel.Consume(c.queue, sub.tag, false, false, false, false, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.prove()
	sub.touch()
	return sub, nil
}

// deliver hands messages to the pool until ctx is done or the session is over. What it was about to hand over then is
// given back.
func (c *Consumer) deliver(ctx context.Context, sub *subscription, pool *pool) {
	for {
		select {
		case <-ctx.Done():
			return
		case d, ok := <-sub.deliveries:
			if !ok {
				if !sub.session.channel.IsClosed() {
					sub.session.fail(ErrCancelled)
				}
				<-sub.session.over
				return
			}
			if !c.pass(ctx, sub, d, pool) {
				return
			}
		}
	}
}

// pass hands a message to the pool. It says no if ctx is done or the session over before the pool takes it.
func (c *Consumer) pass(ctx context.Context, sub *subscription, d amqp.Delivery, pool *pool) bool {
	sub.take()
	select {
	case pool.jobs <- job{sub, d}:
		return true
	case <-sub.session.over:
		return false
	case <-ctx.Done():
		c.giveBack(sub, d)
		return false
	}
}

// shutDown ends a subscription in the order that loses nothing: no more deliveries, handlers to their end, the
// acknowledgements all the way to the broker.
func (c *Consumer) shutDown(sub *subscription, pool *pool) error {
	s := sub.session
	ctx, cancel := context.WithTimeoutCause(context.Background(), closeTimeout, timeoutError(closeTimeout))
	defer cancel()
	if s.within(ctx, "cancel", func() error { return s.channel.Cancel(sub.tag, false) }) == nil {
		for d := range sub.deliveries {
			sub.take()
			c.giveBack(sub, d)
		}
	}
	sub.prober.Wait()
	err := pool.stop(c.cfg.shutdownTimeout)
	if closeErr := s.close(context.Background()); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("the last acknowledgements may be lost: %w", closeErr))
	}
	if err != nil {
		return fmt.Errorf("shut down the consumer of %s: %w", c.queue, err)
	}
	return nil
}

// process handles one message and tells the broker what became of it.
func (c *Consumer) process(ctx context.Context, j job) {
	d := newDelivery(c.queue, &j.delivery)
	c.counters.delivered.Add(1)
	if d.Redelivered {
		c.counters.redelivered.Add(1)
	}
	if c.dedup == nil || d.ID == "" {
		c.settle(j, c.call(ctx, d))
		return
	}
	first, err := c.dedup.begin(ctx, d.ID)
	switch {
	case err != nil: // the time to shut down is over; the message stays unacknowledged
	case !first:
		c.counters.duplicates.Add(1)
		c.tell(j.sub, j.delivery.Ack(false))
	default:
		err := c.call(ctx, d)
		c.dedup.end(d.ID, err == nil)
		c.settle(j, err)
	}
}

// call calls the handler. A panic is an error of this message and of no other.
func (c *Consumer) call(ctx context.Context, d Delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
			c.cfg.logger.Error("handler panicked", "queue", c.queue, "message", d.ID, "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	return c.handle(ctx, d)
}

// settle acknowledges a message whose handler has succeeded, and refuses it otherwise. It does so with basic.reject,
// never basic.nack: since RabbitMQ 4.3 only a reject counts as a failure against the delivery limit, while a nack means
// that the message was not tried. Before, both counted.
func (c *Consumer) settle(j job, err error) {
	switch {
	case err == nil:
		c.counters.handled.Add(1)
		c.tell(j.sub, j.delivery.Ack(false))
	case errors.Is(err, ErrReject):
		c.cfg.logger.Warn("message rejected", "queue", c.queue, "message", j.delivery.MessageId, "error", err)
		c.counters.rejected.Add(1)
		c.tell(j.sub, j.delivery.Reject(false))
	default:
		c.cfg.logger.Warn("handler failed", "queue", c.queue, "message", j.delivery.MessageId, "error", err)
		c.counters.failed.Add(1)
		c.tell(j.sub, j.delivery.Reject(true))
	}
}

// giveBack returns a message that no handler has seen to the queue.
func (c *Consumer) giveBack(sub *subscription, d amqp.Delivery) {
	c.tell(sub, d.Nack(false, true))
}

// tell looks at whether the broker was told something about a message. If not, the session is over, and the broker will
// deliver the message again.
func (c *Consumer) tell(sub *subscription, err error) {
	sub.settle()
	if err != nil || sub.session.isOver() {
		c.counters.untold.Add(1)
	}
}
