package clients

import (
	"errors"
	"maps"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/backoff"
	"warren/clients/internal/consume"
	"warren/clients/internal/field"
)

// consumerConfig is what the options of a consumer set.
type consumerConfig struct {
	connectionConfig
	prefetch        int
	concurrency     int
	dedupWindow     int
	shutdownTimeout time.Duration
	requireQueue    bool
	probeIdle       time.Duration
	retry           backoff.Backoff
	retryByQueue    bool
	handleHook      HandleHook // nil for none

	tag       string // empty for one of its own each time
	exclusive bool
	stream    bool // the queue is a stream: an offset was given
	arguments map[string]any
}

func newConsumerConfig(connection connectionConfig, opts []ConsumerOption) (consumerConfig, error) {
	c := consumerConfig{
		connectionConfig: connection,
		prefetch:         32,
		concurrency:      1,
		shutdownTimeout:  30 * time.Second,
		probeIdle:        time.Second,
		retry:            backoff.Backoff{Base: 100 * time.Millisecond, Ceiling: 10 * time.Second},
		arguments:        make(map[string]any),
	}
	for _, opt := range opts {
		opt.applyConsumer(&c)
	}
	_, _, badArguments := field.Table(c.arguments)
	from, given := c.arguments[consume.StreamOffset]
	if c.stream = given; given && badArguments == nil {
		badArguments = consume.CheckOffset(from)
	}
	return c, errors.Join(
		c.validate(),
		atLeast("prefetch", c.prefetch, 1),
		atMost("prefetch", c.prefetch, 65535),
		atLeast("concurrency", c.concurrency, 1),
		atLeast("deduplication window", c.dedupWindow, 0),
		atLeast("shutdown timeout", c.shutdownTimeout, 0),
		atLeast("probe interval", c.probeIdle, 0),
		atLeast("retry backoff", c.retry.Base, 0),
		atLeast("retry backoff ceiling", c.retry.Ceiling, c.retry.Base),
		atMost("length of the consumer tag", len(c.tag), field.MaxShortString),
		badArguments,
	)
}

// table is the arguments of basic.consume, from the given offset on if the queue is a stream.
func (c consumerConfig) table(offset any) amqp.Table {
	if offset == nil {
		table, _, _ := field.Table(c.arguments) // has been validated
		return table
	}
	arguments := maps.Clone(c.arguments)
	arguments[consume.StreamOffset] = offset
	table, _, _ := field.Table(arguments)
	return table
}

// WithPrefetch sets how many unacknowledged messages the broker may have with this consumer. Fewer than the
// number of concurrent handlers leaves some of them idle. Default 32.
func WithPrefetch(messages int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.prefetch = messages })
}

// WithConcurrency sets how many handlers may run at once. With 1, the default, messages are handled in the
// order the broker delivers them.
func WithConcurrency(handlers int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.concurrency = handlers })
}

// WithDeduplication remembers the ids of the last messages that were handled and acknowledges another
// delivery of one of them without handling it. Messages without an id are always handled. The memory is this
// consumer's own, so it catches what is redelivered or was published twice to this consumer, while it runs
// and within the window. Choose the window larger than a producer's window plus all consumers' prefetch.
// Default 0: off.
func WithDeduplication(window int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.dedupWindow = window })
}

// WithShutdownTimeout sets how long handlers may take to finish after Run's context is done; then their
// contexts are cancelled and Run returns without their acknowledgement. Default 30 s.
func WithShutdownTimeout(d time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.shutdownTimeout = d })
}

// WithRequiredQueue makes Run return ErrQueueNotFound when the queue does not exist, and ErrAccessRefused
// when the user may not read it. By default the consumer waits, and asks again over the same connection, ever
// less often, up to every 5 s.
func WithRequiredQueue() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.requireQueue = true })
}

// WithProbe sets how long a consumer hears nothing, and has nothing to do, before it asks the queue for a
// sign of life; without one it moves on to the next endpoint. As long as nothing happens it asks half as
// often each time, down to a sixteenth. Each probe costs a quorum queue one entry in its log. Streams and
// queues with a single active consumer cannot be asked. Default 1 s; 0 turns it off.
func WithProbe(idle time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.probeIdle = idle })
}

// WithRetryBackoff sets how long a message whose handler has failed stays with the consumer before it goes
// back to the queue: a time between a half and all of a bound that starts at base and doubles with every
// failure of the message up to ceiling. Until then it takes one of the places that WithPrefetch gives. A
// quorum queue counts the failures, also those of other consumers; for other queues the consumer remembers
// some. Default 100 ms and 10 s, with which a message takes more than a minute to reach the delivery limit of
// 20 that quorum queues have by default.
func WithRetryBackoff(base, ceiling time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.retry = backoff.Backoff{Base: base, Ceiling: ceiling} })
}

// WithRetryByQueue leaves the wait before a message is tried again to the queue, and gives it back at once.
// It is for quorum queues with delayed retry (RabbitMQ 4.3; see Queue.DelayedRetry), which keep messages
// waiting without taking anything of the consumer's prefetch. AMQP does not tell whether a queue is one of
// them; a broker tells its version, and with one before 4.3 the wait stays with the consumer, as
// WithRetryBackoff says.
func WithRetryByQueue() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.retryByQueue = true })
}

// WithConsumerTag sets the tag by which the broker knows the consumer. By default it is the connection's name
// with a random UUID, another one for each subscription.
func WithConsumerTag(tag string) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.tag = tag })
}

// WithExclusive asks to be the only consumer of a classic queue. While another one has it, the consumer
// stands by. Quorum queues do not heed it (seen on RabbitMQ 4.3): declare them with the argument
// "x-single-active-consumer" instead, and all their consumers but one stand by.
func WithExclusive() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.exclusive = true })
}

// WithConsumerPriority sets the consumer's priority; while consumers with a higher one have room in their
// prefetch, the others get no messages. Default 0.
func WithConsumerPriority(priority int) ConsumerOption {
	return WithConsumerArgument("x-priority", priority)
}

// WithConsumerArgument sets an argument of basic.consume. Its value may be of the types that Message.Headers
// take.
func WithConsumerArgument(name string, value any) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.arguments[name] = value })
}

// WithStreamOffset consumes a stream, from the given place on: "first", "last" or "next", an offset (any
// integer), a time.Time, or an interval such as "1h". Every consumer of a stream needs it: AMQP does not tell
// that a queue is a stream, and without it what is published while the connection is lost is passed over, and
// so is a message whose handler fails. After a lost connection the consumer goes on behind the
// last message before which all were handled. A stream keeps its messages and takes none back, so that a
// message whose handler fails is tried again by the same handler, with the pauses of WithRetryBackoff, before
// any other is.
func WithStreamOffset(from any) ConsumerOption {
	return WithConsumerArgument(consume.StreamOffset, from)
}
