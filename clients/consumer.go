package clients

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// Handler handles one message. When it returns nil the message is acknowledged. When it returns an error, or
// panics, the message goes back to the queue after a pause, see WithRetryBackoff, and the queue counts the
// failure; a quorum queue whose delivery limit is exceeded sends the message to its dead-letter exchange. An
// error that matches ErrDeadLetter sends it there at once.
//
// The context is not done when Run's is, so that a handler can finish its work; it ends when the time for
// that is over. If the connection is lost in the meantime, the acknowledgement is lost with it, and the
// message will be delivered again: handlers must bear that, or let WithDeduplication take care of it.
type Handler func(ctx context.Context, d Delivery) error

// ErrDeadLetter says, when a Handler returns or wraps it, that the message will never succeed. It is
// dead-lettered, or discarded by a queue that has no dead-letter exchange.
var ErrDeadLetter = errors.New("dead-letter the message")

// Consumer consumes a queue. Nothing is acknowledged before its handler has succeeded.
type Consumer struct {
	cfg       consumerConfig
	client    *Client
	connector *connector
	queue     string
	handle    Handler
	dedup     *dedup // nil for none
	failures  *failures
	offsets   *offsets // nil unless the queue is a stream
	running   atomic.Bool
	counters  consumerCounters

	probeRefused atomic.Bool  // by the broker: not this kind of queue, or no other channel
	silences     atomic.Int32 // probes in a row that were not answered
}

// NewConsumer makes a consumer of a queue, with a connection of its own to a cluster that is reached at any
// of the endpoints, as NewProducer does. Its errors are mistakes in its arguments.
func NewConsumer(endpoints []string, queue string, h Handler, opts ...ConsumerOption) (*Consumer, error) {
	cfg, err := newConsumerConfig(defaultConnectionConfig("warren-consumer"), opts)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	client, err := newPrivateClient(endpoints, cfg.connectionConfig)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	return newConsumer(client, cfg, queue, h)
}

// NewConsumer makes a consumer of a queue that consumes over the client's connection, on a channel of its
// own.
func (c *Client) NewConsumer(queue string, h Handler, opts ...ConsumerOption) (*Consumer, error) {
	cfg, err := newConsumerConfig(c.cfg, opts)
	if err == nil {
		err = cfg.sameConnection(c.cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	return newConsumer(c, cfg, queue, h)
}

func newConsumer(client *Client, cfg consumerConfig, queue string, h Handler) (*Consumer, error) {
	if queue == "" || h == nil {
		return nil, errors.New("new consumer: a queue and a handler are needed")
	}
	if err := shortString("queue", queue); err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	c := &Consumer{
		cfg:    cfg,
		client: client,
		connector: &connector{
			client:  client,
			states:  &tracker{log: cfg.logger, notify: cfg.stateChange},
			silence: DefaultConfirmTimeout,
			pause:   backoff{base: 100 * time.Millisecond, ceiling: 5 * time.Second},
			explain: nameChannelError,
			hopeless: func(err error) bool {
				return cfg.requireQueue && (errors.Is(err, ErrQueueNotFound) || errors.Is(err, ErrAccessRefused))
			},
		},
		queue:    queue,
		handle:   h,
		failures: newFailures(),
	}
	if cfg.dedupWindow > 0 {
		c.dedup = newDedup(cfg.dedupWindow)
	}
	if cfg.stream {
		c.offsets = newOffsets()
	}
	return c, nil
}

// Stats returns the counts so far.
func (c *Consumer) Stats() ConsumerStats { return c.counters.stats() }

// Run consumes until ctx is done, through any number of lost connections, and then shuts down: it takes no
// more messages, lets the handlers finish and acknowledges their messages, gives back those not begun, and
// closes the connection, or its channel on a shared one. It returns nil when all of that was done. Otherwise
// it returns an error: some messages that were handled will be delivered again.
//
// Run gives up early only where waiting cannot help: with ErrAuthentication or ErrVhost when the endpoints
// refuse the user from the start, with ErrQueueNotFound and ErrAccessRefused if WithRequiredQueue was given,
// and with ErrClosed when the Client was closed. It can be called again afterwards, but not twice at once.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("run consumer: it is running already")
	}
	defer c.running.Store(false)
	defer c.connector.states.set(Closed, "", nil)

	pool := startPool(ctx, c.cfg.concurrency, c.process)
	var connection *transport.Conn
	for {
		var sub *subscription
		ch, err := c.connector.connect(ctx, func(ctx context.Context, ch *transport.Channel) (err error) {
			sub, err = c.subscribe(ctx, ch)
			return err
		})
		if err != nil {
			return c.endWithout(ctx, err, pool)
		}
		if connection != nil && connection != ch.Conn {
			c.counters.reconnects.Add(1)
		}
		connection = ch.Conn
		sub.run = ctx
		sub.prober.Go(func() { c.probe(ctx, sub, pool) })
		c.deliver(ctx, sub, pool)
		if ctx.Err() != nil {
			return c.shutDown(sub, pool)
		}
		sub.hurry() // what waits for its turn cannot be given back any more
		c.client.closeChannel(ctx, ch)
		sub.prober.Wait()
		c.connector.lost(ch, sub.served.Load())
	}
}

// endWithout ends Run while there is no subscription: because the application wants it, which is no error, or
// because of err.
func (c *Consumer) endWithout(ctx context.Context, err error, pool *pool) error {
	stopErr := pool.stop(c.cfg.shutdownTimeout)
	if ctx.Err() == nil {
		stopErr = errors.Join(err, stopErr)
	}
	if c.client.private {
		_ = c.client.hangUp(ctx)
	}
	if stopErr != nil {
		return fmt.Errorf("consume %s: %w", c.queue, stopErr)
	}
	return nil
}

// subscribe starts to consume over a new channel.
func (c *Consumer) subscribe(ctx context.Context, ch *transport.Channel) (*subscription, error) {
	tag := c.cfg.tag
	if tag == "" {
		tag = c.cfg.name + "-" + newID()
	}
	err := ch.Within(ctx, "set the prefetch", func() error { return ch.Qos(c.cfg.prefetch, 0, false) })
	if err != nil {
		return nil, err
	}
	var from any
	if c.offsets != nil {
		from = c.offsets.next()
	}
	arguments := c.cfg.table(from)
	deliveries, err := transport.Await(ctx, ch, "consume "+c.queue, func() (<-chan amqp.Delivery, error) {
		return ch.Consume(c.queue, tag, false, c.cfg.exclusive, false, false, arguments)
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
		return ErrCancelled
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.connectTimeout)
	defer cancel()
	err := sub.Within(ctx, "look at "+c.queue, func() error {
		_, err := sub.QueueDeclarePassive(c.queue, true, false, false, false, nil)
		return err
	})
	if err != nil {
		return ErrCancelled
	}
	return fmt.Errorf("%w: %w while %d deliveries were not acknowledged",
		ErrDeliveryTimeout, ErrCancelled, unsettled)
}

// pass hands a message to the pool. It says no if ctx is done or the subscription over before the pool takes
// it.
func (c *Consumer) pass(ctx context.Context, sub *subscription, d amqp.Delivery, pool *pool) bool {
	sub.take()
	if c.offsets != nil {
		c.offsets.begin(integer(d.Headers[streamOffset]))
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
	ctx, cancel := context.WithTimeoutCause(context.Background(), goodbyeTimeout,
		transport.Timeout(goodbyeTimeout))
	defer cancel()
	if sub.Within(ctx, "cancel", func() error { return sub.Cancel(sub.tag, false) }) == nil {
		for d := range sub.deliveries {
			sub.take()
			c.giveBack(sub, d)
		}
	}
	sub.prober.Wait()
	err := pool.stop(c.cfg.shutdownTimeout)
	closing, cancelClosing := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancelClosing()
	_ = sub.Within(closing, "give back", func() error { sub.hurry(); return nil }) // a write may be stuck
	sub.closeProbe(closing)
	closeErr := sub.Close(closing)
	if c.client.private {
		closeErr = errors.Join(closeErr, c.client.hangUp(closing))
	}
	if closeErr != nil {
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
		c.settle(j, d, c.call(ctx, j, d))
		return
	}
	first, err := c.dedup.begin(ctx, d.ID)
	switch {
	case err != nil: // the time to shut down is over; the message stays unacknowledged
	case !first:
		c.counters.duplicates.Add(1)
		c.tell(j.sub, d, j.delivery.Ack(false))
	default:
		err := c.call(ctx, j, d)
		c.dedup.end(d.ID, err == nil)
		c.settle(j, d, err)
	}
}

// call calls the handler, and with a message of a stream, which cannot go back, calls it until it succeeds or
// will never.
func (c *Consumer) call(ctx context.Context, j job, d Delivery) error {
	for failures := 0; ; failures++ {
		err := c.callOnce(ctx, d)
		if err == nil || c.offsets == nil || errors.Is(err, ErrDeadLetter) || j.sub.IsOver() {
			return err
		}
		c.counters.failed.Add(1)
		c.cfg.logger.Warn("handler failed", "queue", c.queue, "message", d.ID, "error", err)
		if sleep(j.sub.run, c.cfg.retry.grownWait(failures)) != nil || ctx.Err() != nil {
			return err
		}
	}
}

// callOnce calls the handler. A panic is an error of this message and of no other.
func (c *Consumer) callOnce(ctx context.Context, d Delivery) (err error) {
	if c.cfg.handleHook != nil {
		handling, done := c.cfg.handleHook(ctx, d)
		ctx = handling
		if done != nil {
			defer func() { done(err) }()
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
			c.cfg.logger.Error("handler panicked", "queue", c.queue, "message", d.ID, "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	return c.handle(ctx, d)
}

// settle acknowledges a message whose handler has succeeded, and refuses it otherwise. It does so with
// basic.reject, never basic.nack: since RabbitMQ 4.3 only a reject counts as a failure against the delivery
// limit, while a nack means that the message was not tried. Before, both counted.
func (c *Consumer) settle(j job, d Delivery, err error) {
	switch {
	case err == nil:
		c.counters.handled.Add(1)
		c.failures.forget(d.ID)
		c.tell(j.sub, d, j.delivery.Ack(false))
	case errors.Is(err, ErrDeadLetter):
		c.cfg.logger.Warn("message dead-lettered", "queue", c.queue, "message", d.ID, "error", err)
		c.counters.deadLettered.Add(1)
		c.failures.forget(d.ID)
		c.tell(j.sub, d, j.delivery.Reject(false))
	case c.offsets != nil: // not settled: to be delivered again by the next subscription
		j.sub.settle()
	default:
		c.cfg.logger.Warn("handler failed", "queue", c.queue, "message", d.ID, "error", err)
		c.counters.failed.Add(1)
		failures := c.failures.add(d)
		j.sub.later(c.cfg.retry.grownWait(failures-1), func() { c.tell(j.sub, d, j.delivery.Reject(true)) })
	}
}

// giveBack returns a message that no handler has seen to the queue.
func (c *Consumer) giveBack(sub *subscription, d amqp.Delivery) {
	sub.settle()
	c.count(sub, d.Nack(false, true))
}

// tell takes note that the broker was told what became of a message.
func (c *Consumer) tell(sub *subscription, d Delivery, err error) {
	sub.settle()
	if c.offsets != nil {
		c.offsets.end(integer(d.Headers[streamOffset]))
	}
	c.count(sub, err)
}

// count looks at whether the broker was told something about a message. If not, the subscription is over, and
// the broker will deliver the message again.
func (c *Consumer) count(sub *subscription, err error) {
	if err != nil || sub.IsOver() {
		c.counters.untold.Add(1)
	}
}
