package clients

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/connection"
	"warren/clients/internal/transport"
)

// How long clients wait before they give up on an endpoint and try the next. AMQP 0-9-1 sets no deadlines of
// its own.
const (
	// DefaultConnectTimeout bounds each wait while connecting: TCP, the AMQP handshake and opening a channel.
	// Through a healthy node they take milliseconds; an isolated node accepts and then may not answer.
	DefaultConnectTimeout = 1500 * time.Millisecond
	// DefaultConfirmTimeout bounds the wait for a publisher confirm. It is longer than noticing a cut and an
	// election together take in a cluster of Warren's, 2.2 s and at most 0.5 s: when a leader is cut off,
	// clients of the other nodes must wait for the next leader rather than leave for another node, which may
	// be the one that was cut off.
	DefaultConfirmTimeout = 2750 * time.Millisecond
	// DefaultHeartbeat is the lowest that RabbitMQ's documentation calls free of false alarms.
	DefaultHeartbeat = 5 * time.Second
)

// ProducerOption configures a Producer.
type ProducerOption interface{ applyProducer(*producerConfig) }

// ConsumerOption configures a Consumer.
type ConsumerOption interface{ applyConsumer(*consumerConfig) }

// Option configures a connection: that of a Client, or of a Producer or a Consumer of its own.
type Option interface {
	ProducerOption
	ConsumerOption
	applyConnection(*connectionConfig)
}

type (
	connectionOption func(*connectionConfig)
	producerOption   func(*producerConfig)
	consumerOption   func(*consumerConfig)
)

func (o connectionOption) applyConnection(c *connectionConfig) { o(c) }
func (o connectionOption) applyProducer(c *producerConfig)     { o(&c.connectionConfig) }
func (o connectionOption) applyConsumer(c *consumerConfig)     { o(&c.connectionConfig) }
func (o producerOption) applyProducer(c *producerConfig)       { o(c) }
func (o consumerOption) applyConsumer(c *consumerConfig)       { o(c) }

// connectionConfig is what the options of a connection set.
type connectionConfig struct {
	name           string
	logger         *slog.Logger
	stateChange    func(StateChange)
	tls            *tls.Config
	heartbeat      time.Duration
	connectTimeout time.Duration
	hedgeDelay     time.Duration // see transport.Dial
	reconnect      backoff.Backoff

	// Both are nil but in tests.
	network networkFunc
	gates   *transport.Gates
}

func defaultConnectionConfig(name string) connectionConfig {
	return connectionConfig{
		name:           name,
		logger:         slog.New(slog.DiscardHandler),
		heartbeat:      DefaultHeartbeat,
		connectTimeout: DefaultConnectTimeout,
		hedgeDelay:     transport.DefaultHedgeDelay,
		reconnect:      backoff.Backoff{Base: 20 * time.Millisecond, Ceiling: 250 * time.Millisecond},
	}
}

func (c connectionConfig) validate() error {
	return errors.Join(
		atLeast("heartbeat", c.heartbeat, time.Second),
		atMost("heartbeat", c.heartbeat, math.MaxUint16*time.Second), // AMQP's field has 16 bits
		atLeast("connect timeout", c.connectTimeout, time.Millisecond),
		atLeast("reconnect backoff", c.reconnect.Base, time.Millisecond),
		atLeast("reconnect backoff ceiling", c.reconnect.Ceiling, c.reconnect.Base),
	)
}

// sameConnection says which options cannot differ from those of the client whose connection is shared.
func (c connectionConfig) sameConnection(client connectionConfig) error {
	if c.name != client.name || c.tls != client.tls || c.heartbeat != client.heartbeat ||
		c.connectTimeout != client.connectTimeout || c.reconnect != client.reconnect {
		return errors.New("the connection is shared: give its name, TLS configuration, heartbeat, " +
			"connect timeout and reconnect backoff to NewClient")
	}
	return nil
}

func (c connectionConfig) transport() transport.Config {
	return transport.Config{
		Name: c.name, TLS: c.tls, Heartbeat: c.heartbeat, HedgeDelay: c.hedgeDelay, Network: c.network,
		Gates: c.gates,
	}
}

// states makes a state of a producer's or a consumer's own.
func (c connectionConfig) states() *connection.States {
	states := &connection.States{Log: c.logger}
	if c.stateChange != nil {
		states.Notify = func(change connection.Change) {
			c.stateChange(StateChange{
				From: State(change.From), To: State(change.To),
				Endpoint: change.Endpoint, Err: change.Err, At: change.At,
			})
		}
	}
	return states
}

// WithStateChange calls f at every change of the connection's state, in order and one at a time. f is called
// on a goroutine of its own, without any lock, and may do what it likes; if it falls behind by more than a
// hundred changes, the oldest of them are left out. A producer or a consumer of a Client has its own state.
// For a Client itself this option is the default of its producers and consumers.
func WithStateChange(f func(StateChange)) Option {
	return connectionOption(func(c *connectionConfig) { c.stateChange = f })
}

// WithLogger sends the log to l; by default there is none. No message holds a password.
func WithLogger(l *slog.Logger) Option {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return connectionOption(func(c *connectionConfig) { c.logger = l })
}

// WithConnectionName sets the name that the management interface shows for the connection.
// Default "warren-client", "warren-producer" and "warren-consumer".
func WithConnectionName(name string) Option {
	return connectionOption(func(c *connectionConfig) { c.name = name })
}

// WithTLSConfig is used for amqps:// endpoints. With a client certificate and "?auth_mechanism=external" in
// the URI the broker takes the user's name from the certificate.
func WithTLSConfig(config *tls.Config) Option {
	return connectionOption(func(c *connectionConfig) { c.tls = config })
}

// WithHeartbeat sets the heartbeat, in whole seconds. A connection on which nothing has been heard for one
// and a half heartbeats is given up. Default DefaultHeartbeat; the broker's own value wins if it is shorter.
func WithHeartbeat(d time.Duration) Option {
	return connectionOption(func(c *connectionConfig) { c.heartbeat = d })
}

// WithConnectTimeout limits how long an endpoint may say nothing during an attempt to connect, and how long
// opening a channel may take. It doubles with each round of all endpoints, and of three attempts at least,
// that has failed, up to four times the value. The clients of a process make at most 16 attempts on one
// endpoint at once; the time of each begins with its turn. Default DefaultConnectTimeout.
func WithConnectTimeout(d time.Duration) Option {
	return connectionOption(func(c *connectionConfig) { c.connectTimeout = d })
}

// WithReconnectBackoff sets the backoff between attempts to connect. After a failure every endpoint is tried
// once without a wait; from then on each wait is drawn evenly from zero to a bound that starts at base and
// doubles up to ceiling. Default 20 ms and 0.25 s: the ceiling is the most that an outage of all endpoints is
// prolonged by. With thousands of clients, a higher one spares the endpoints that come back first.
func WithReconnectBackoff(base, ceiling time.Duration) Option {
	return connectionOption(func(c *connectionConfig) {
		c.reconnect = backoff.Backoff{Base: base, Ceiling: ceiling}
	})
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
