package clients

import (
	"context"
	"errors"
	"net"
	"time"

	"warren/clients/internal/backoff"
)

// networkFunc opens a network connection, as net.Dialer.DialContext does.
type networkFunc func(ctx context.Context, network, address string) (net.Conn, error)

// producerConfig is what the options of a producer set.
type producerConfig struct {
	connectionConfig
	window         int
	confirmTimeout time.Duration
	publishTimeout time.Duration
	nackBackoff    backoff.Backoff
	publishHook    PublishHook // nil for none

	locate           Locator // nil for none
	affinityInterval time.Duration
}

func newProducerConfig(connection connectionConfig, opts []ProducerOption) (producerConfig, error) {
	c := producerConfig{
		connectionConfig: connection,
		window:           256,
		confirmTimeout:   DefaultConfirmTimeout,
		publishTimeout:   30 * time.Second,
		nackBackoff:      backoff.Backoff{Base: 20 * time.Millisecond, Ceiling: time.Second},
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

// WithWindow sets how many messages may be unconfirmed at once. Publishing more waits; this is what keeps
// memory bounded and slows a caller down to the broker's pace. At most 2,048 of them are written and not
// answered. Default 256.
func WithWindow(messages int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.window = messages })
}

// WithConfirmTimeout sets how long the broker may owe confirms without sending any before the connection is
// given up and the next endpoint tried; a single confirm may be owed four times as long while others arrive.
// It does not run while the connection is blocked. After three connections in a row, or as many as there are
// endpoints, on which no confirm came in time it doubles, and so on up to four times the value. Default
// DefaultConfirmTimeout.
//
// The first confirm over a connection that replaces a lost one is waited for less long, four times as long as
// confirms usually take and 25 ms at least, and then the message is sent again over another channel, which
// finds a leader that was elected meanwhile. Each further wait is half as long again as the one before. So a
// broker that takes 2 s to confirm after a failure gets a message 13 times at most, and one that takes 11 s
// 20 times.
func WithConfirmTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.confirmTimeout = d })
}

// WithPublishTimeout sets how long a message is tried when its context has no earlier deadline. Default 30 s.
func WithPublishTimeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.publishTimeout = d })
}

// WithAffinity keeps the producer connected to the node that locate names: for all it publishes to go to one
// queue, that of the queue's leader, which spares the cluster a hop. A quorum queue's leader is in what the
// management API tells of the queue. The producer asks when its connection has brought a first confirm, two
// seconds after it has replaced another, and every half minute. If the connection leads to another node it
// looks for one that leads there: through the endpoint that last did, through each of the others once, or up
// to four times through a load balancer. It moves to it when all that was published before is answered. While
// it looks, and if it does not find any, the old one serves. It needs endpoints that lead there, such as all
// nodes or a load balancer, and nodes that tell their names, as Warren's do by the server property "node".
func WithAffinity(locate Locator) ProducerOption {
	return producerOption(func(c *producerConfig) { c.locate = locate })
}
