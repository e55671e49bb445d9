package clients

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/backoff"
	"warren/clients/internal/connection"
	"warren/clients/internal/consume"
	"warren/clients/internal/reason"
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
var ErrDeadLetter = reason.ErrDeadLetter

// Consumer consumes a queue. Nothing is acknowledged before its handler has succeeded.
type Consumer struct {
	cfg    consumerConfig
	queue  string
	handle Handler
	engine *consume.Consumer
}

// NewConsumer makes a consumer of a queue, with a connection of its own to a cluster that is reached at any
// of the endpoints, as NewProducer does. Its errors are mistakes in its arguments.
func NewConsumer(endpoints []string, queue string, h Handler, opts ...ConsumerOption) (*Consumer, error) {
	cfg, err := newConsumerConfig(defaultConnectionConfig("warren-consumer"), opts)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	owner, err := cfg.newOwner(endpoints, true)
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	return newConsumer(owner, cfg, queue, h)
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
	return newConsumer(c.owner, cfg, queue, h)
}

func newConsumer(owner *connection.Owner, cfg consumerConfig, queue string, h Handler) (*Consumer, error) {
	if queue == "" || h == nil {
		return nil, errors.New("new consumer: a queue and a handler are needed")
	}
	if err := shortString("queue", queue); err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	c := &Consumer{cfg: cfg, queue: queue, handle: h}
	c.engine = consume.New(&connection.User{
		Owner:   owner,
		States:  cfg.states(),
		Silence: DefaultConfirmTimeout,
		Pause:   backoff.Backoff{Base: 100 * time.Millisecond, Ceiling: 5 * time.Second},
		Explain: reason.Channel,
		Hopeless: func(err error) bool {
			return cfg.requireQueue && (errors.Is(err, ErrQueueNotFound) || errors.Is(err, ErrAccessRefused))
		},
	}, consume.Config{
		Queue:           queue,
		Name:            cfg.name,
		Tag:             cfg.tag,
		Prefetch:        cfg.prefetch,
		Concurrency:     cfg.concurrency,
		Dedup:           cfg.dedupWindow,
		Exclusive:       cfg.exclusive,
		Stream:          cfg.stream,
		ShutdownTimeout: cfg.shutdownTimeout,
		ConnectTimeout:  cfg.connectTimeout,
		ProbeIdle:       cfg.probeIdle,
		Retry:           cfg.retry,
		RetryByQueue:    cfg.retryByQueue,
		Log:             cfg.logger,
		Arguments:       cfg.table,
		Handle:          c.call,
	})
	return c, nil
}

// Run consumes until ctx is done, through any number of lost connections, and then shuts down: it takes no
// more messages, lets the handlers finish and acknowledges their messages, gives back those not begun, and
// closes the connection, or its channel on a shared one. It returns nil when all of that was done. Otherwise
// it returns an error: some messages that were handled will be delivered again.
//
// Run gives up early only where waiting cannot help: with ErrAuthentication or ErrVhost when the endpoints
// refuse the user from the start, with ErrQueueNotFound and ErrAccessRefused if WithRequiredQueue was given,
// and with ErrClosed when the Client was closed. It can be called again afterwards, but not twice at once.
func (c *Consumer) Run(ctx context.Context) error { return c.engine.Run(ctx) }

// Stats returns the counts so far.
func (c *Consumer) Stats() ConsumerStats {
	n := &c.engine.Counters
	return ConsumerStats{
		Delivered:    n.Delivered.Load(),
		Handled:      n.Handled.Load(),
		Failed:       n.Failed.Load(),
		DeadLettered: n.DeadLettered.Load(),
		Duplicates:   n.Duplicates.Load(),
		Redelivered:  n.Redelivered.Load(),
		Untold:       n.Untold.Load(),
		Reconnects:   n.Reconnects.Load(),
	}
}

// call calls the handler. A panic is an error of this message and of no other.
func (c *Consumer) call(ctx context.Context, delivery *amqp.Delivery) (err error) {
	d := newDelivery(c.queue, delivery)
	var done func(error)
	defer func() {
		if done != nil {
			done(err)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
			c.cfg.logger.Error("handler panicked", "queue", c.queue, "message", d.ID, "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	if c.cfg.handleHook != nil {
		ctx, done = c.cfg.handleHook(ctx, d)
	}
	return c.handle(ctx, d)
}
