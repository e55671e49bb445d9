package clients

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"warren/topology"
)

// ProducerOption configures a Producer.
type ProducerOption interface{ applyProducer(*producerConfig) }

// ConsumerOption configures a Consumer.
type ConsumerOption interface{ applyConsumer(*consumerConfig) }

// Option configures the connection of a Producer or a Consumer alike.
type Option interface {
	ProducerOption
	ConsumerOption
}

type (
	connectionOption func(*connectionConfig)
	producerOption   func(*producerConfig)
	consumerOption   func(*consumerConfig)
)

func (o connectionOption) applyProducer(c *producerConfig) { o(&c.connectionConfig) }
func (o connectionOption) applyConsumer(c *consumerConfig) { o(&c.connectionConfig) }
func (o producerOption) applyProducer(c *producerConfig)   { o(c) }
func (o consumerOption) applyConsumer(c *consumerConfig)   { o(c) }

// connectionConfig is what producers and consumers have in common.
type connectionConfig struct {
	name           string
	logger         *slog.Logger
	stateChange    func(StateChange)
	tls            *tls.Config
	heartbeat      time.Duration
	connectTimeout time.Duration
	slowConnect    time.Duration // how long an attempt to connect goes on by itself before another is made beside it
	reconnect      backoff
}

func defaultConnectionConfig(name string) connectionConfig {
	return connectionConfig{
		name:           name,
		logger:         slog.New(slog.DiscardHandler),
		heartbeat:      topology.ClientHeartbeat,
		connectTimeout: topology.ClientConnectTimeout,
		slowConnect:    defaultSlowConnect,
		reconnect:      backoff{base: 20 * time.Millisecond, ceiling: 250 * time.Millisecond},
	}
}

func (c connectionConfig) validate() error {
	return errors.Join(
		atLeast("heartbeat", c.heartbeat, time.Second),
		atLeast("connect timeout", c.connectTimeout, time.Millisecond),
		atLeast("reconnect backoff", c.reconnect.base, time.Millisecond),
		atLeast("reconnect backoff ceiling", c.reconnect.ceiling, c.reconnect.base),
	)
}

// WithStateChange calls f at every change of the connection's state, in order and one at a time. It is called from the
// goroutines that do the work: it must return soon, and must not call Close or wait for a Publish.
func WithStateChange(f func(StateChange)) Option {
	return connectionOption(func(c *connectionConfig) { c.stateChange = f })
}

// WithLogger sends the log to l; by default there is none. No message holds a password.
func WithLogger(l *slog.Logger) Option {
	return connectionOption(func(c *connectionConfig) { c.logger = l })
}

// WithConnectionName sets the name that the management interface shows for the connection.
// Default "warren-producer" and "warren-consumer".
func WithConnectionName(name string) Option {
	return connectionOption(func(c *connectionConfig) { c.name = name })
}

// WithTLSConfig is used for amqps:// endpoints.
func WithTLSConfig(config *tls.Config) Option {
	return connectionOption(func(c *connectionConfig) { c.tls = config })
}

// WithHeartbeat sets the heartbeat, in whole seconds. A connection on which nothing has been heard for one and a half
// heartbeats is given up. Default topology.ClientHeartbeat, 5 s; the broker's own value wins if it is shorter.
func WithHeartbeat(d time.Duration) Option {
	return connectionOption(func(c *connectionConfig) { c.heartbeat = d })
}

// WithConnectTimeout limits one attempt to connect, from the dial to the open channel. It doubles with
// each round of all endpoints, and of three attempts at least, that has failed, up to four times the value. Default
// topology.ClientConnectTimeout, 1.5 s.
func WithConnectTimeout(d time.Duration) Option {
	return connectionOption(func(c *connectionConfig) { c.connectTimeout = d })
}

// WithReconnectBackoff sets the backoff between attempts to connect. After a failure every endpoint is tried once
// without a wait; from then on each wait is drawn evenly from zero to a bound that starts at base and doubles up to
// ceiling. Default 20 ms and 0.25 s: the ceiling is the most that an outage of all endpoints is prolonged by. With thousands of clients, a
// higher one spares the endpoints that come back first.
func WithReconnectBackoff(base, ceiling time.Duration) Option {
	return connectionOption(func(c *connectionConfig) { c.reconnect = backoff{base: base, ceiling: ceiling} })
}

// producerConfig is what the options of a producer set.
type producerConfig struct {
	connectionConfig
	window         int
	confirmTimeout time.Duration
	publishTimeout time.Duration
	nackBackoff    backoff

	locate           Locator // nil for none
	affinityInterval time.Duration
}

func newProducerConfig(opts []ProducerOption) (producerConfig, error) {
	c := producerConfig{
		connectionConfig: defaultConnectionConfig("warren-producer"),
		window:           256,
		confirmTimeout:   topology.ClientConfirmTimeout,
		publishTimeout:   30 * time.Second,
		nackBackoff:      backoff{base: 20 * time.Millisecond, ceiling: time.Second},
		affinityInterval: affinityInterval,
	}
	for _, opt := range opts {
		opt.applyProducer(&c)
	}
	return c, errors.Join(
		c.validate(),
		atLeast("window", c.window, 1),
		atLeast("confirm timeout", c.confirmTimeout, time.Millisecond),
		atLeast("publish timeout", c.publishTimeout, time.Millisecond),
	)
}

// WithWindow sets how many messages may be unconfirmed at once. Publishing more waits; this is what keeps memory
// bounded and slows a caller down to the broker's pace. Default 256.
func WithWindow(messages int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.window = messages })
}

// WithConfirmTimeout sets how long the broker may owe confirms without sending any before the connection is given up
// and the next endpoint tried; a single confirm may be owed four times as long while others arrive. After
// three connections in a row, or as many as there are endpoints, on which no confirm came at all it doubles, and so on up
// to four times the value, so that a broker that is slow rather than gone is not flooded with the same messages over and
// over. It does not run while the connection is blocked. The first confirm over a connection that replaces a lost one is
// waited for only four times as long as confirms usually take, at least 25 ms and twice as long after every fourth attempt; if it does not
// come, up to twelve other channels are tried before the connection is given up, and on the next connection the wait is twice as long. Default
// topology.ClientConfirmTimeout, 2.75 s.
func WithConfirmTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.confirmTimeout = d })
}

// WithPublishTimeout sets how long a message is tried when its context has no earlier deadline. Default 30 s.
func WithPublishTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.publishTimeout = d })
}

// WithAffinity keeps the producer connected to the node that locate names: for all it publishes to go to one queue, that of the queue's
// leader, which spares the cluster a hop. A quorum queue's leader is in what the management API tells of the queue. The producer asks when its
// connection has brought a first confirm, two seconds after it has replaced another, and every half minute. If the connection leads to
// another node it opens up to twelve new ones, over all endpoints in turn, to find one that leads there, and moves to it when all that was published before
// is answered. While it looks, and if it does not find any, the old one serves. It needs endpoints that lead there, such as all nodes or a
// load balancer, and nodes that tell their names, as Warren's do by the server property "node".
func WithAffinity(locate Locator) ProducerOption {
	return producerOption(func(c *producerConfig) { c.locate = locate })
}

// consumerConfig is what the options of a consumer set.
type consumerConfig struct {
	connectionConfig
	prefetch        int
	concurrency     int
	dedupWindow     int
	shutdownTimeout time.Duration
	requireQueue    bool
	probeIdle       time.Duration
}

func newConsumerConfig(opts []ConsumerOption) (consumerConfig, error) {
	c := consumerConfig{
		connectionConfig: defaultConnectionConfig("warren-consumer"),
		prefetch:         32,
		concurrency:      1,
		shutdownTimeout:  30 * time.Second,
		probeIdle:        time.Second,
	}
	for _, opt := range opts {
		opt.applyConsumer(&c)
	}
	return c, errors.Join(
		c.validate(),
		atLeast("prefetch", c.prefetch, 1),
		atMost("prefetch", c.prefetch, 65535),
		atLeast("concurrency", c.concurrency, 1),
		atLeast("deduplication window", c.dedupWindow, 0),
		atLeast("shutdown timeout", c.shutdownTimeout, 0),
		atLeast("probe interval", c.probeIdle, 0),
	)
}

// WithPrefetch sets how many unacknowledged messages the broker may have with this consumer. Fewer than the number of
// concurrent handlers leaves some of them idle. Default 32.
func WithPrefetch(messages int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.prefetch = messages })
}

// WithConcurrency sets how many handlers may run at once. With 1, the default, messages are handled in the order the
// broker delivers them.
func WithConcurrency(handlers int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.concurrency = handlers })
}

// WithDeduplication remembers the ids of the last messages that were handled and acknowledges another delivery of one
// of them without handling it. Messages without an id are always handled. The memory is this consumer's own, so it
// catches what is redelivered or was published twice to this consumer, while it runs and within the window. Choose the
// window larger than a producer's window plus all consumers' prefetch. Default 0: off.
func WithDeduplication(window int) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.dedupWindow = window })
}

// WithShutdownTimeout sets how long handlers may take to finish after Run's context is done; then their contexts are
// cancelled and Run returns without their acknowledgement. Default 30 s.
func WithShutdownTimeout(d time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.shutdownTimeout = d })
}

// WithRequiredQueue makes Run return ErrQueueNotFound when the queue does not exist. By default it is waited for.
func WithRequiredQueue() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.requireQueue = true })
}

// WithProbe sets how long a consumer hears nothing, and has nothing to do, before it asks the queue for a sign of life;
// without one it moves on to the next endpoint. Each probe costs a quorum queue one entry in its log. Default 1 s; 0 turns
// it off.
func WithProbe(idle time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.probeIdle = idle })
}

func atLeast[T int | time.Duration](what string, value, least T) error {
	if value < least {
		return fmt.Errorf("%s is %v, must be at least %v", what, value, least)
	}
	return nil
}

func atMost[T int | time.Duration](what string, value, most T) error {
	if value > most {
		return fmt.Errorf("%s is %v, must be at most %v", what, value, most)
	}
	return nil
}
