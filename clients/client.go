package clients

import (
	"context"
	"fmt"

	"warren/clients/internal/connection"
)

// Client is one connection to a cluster, for any number of producers, consumers and requesters. It connects
// when the first of them needs it, and again, at the next endpoint, when the connection is lost.
//
// Sharing a connection spares the broker a process, a socket and memory for each of them. Publish and consume
// over different Clients: a broker that is short of memory or disk space stops reading from connections that
// publish, and the acknowledgements of a consumer on the same connection wait with the messages. Where
// throughput matters give each busy producer a connection of its own, as NewProducer does: RabbitMQ handles a
// connection with one process, and a process uses one core at most.
//
// A user of the connection that waits in vain for an answer leaves it to the others as long as it serves
// them. If it serves nobody it is cut for all.
type Client struct {
	cfg   connectionConfig
	owner *connection.Owner
}

// NewClient makes a client for a cluster that is reached at any of the endpoints, AMQP URIs such as
// "amqp://user:password@host:5672/vhost". They are tried in the given order, and again whenever the
// connection is lost, until Close. NewClient itself does not connect: its errors are mistakes in its
// arguments.
func NewClient(endpoints []string, opts ...Option) (*Client, error) {
	cfg := defaultConnectionConfig("warren-client")
	for _, opt := range opts {
		opt.applyConnection(&cfg)
	}
	owner, err := cfg.newOwner(endpoints, false)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	return &Client{cfg, owner}, nil
}

// newOwner makes an owner of connections; one that is private belongs to one producer or consumer.
func (c connectionConfig) newOwner(endpoints []string, private bool) (*connection.Owner, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return connection.New(endpoints, connection.Config{
		Config:         c.transport(),
		ConnectTimeout: c.connectTimeout,
		Reconnect:      c.reconnect,
	}, private)
}

// Close closes the connection. Producers and consumers that still use it end as if they had been closed,
// without waiting for what is in flight: close them first.
func (c *Client) Close(ctx context.Context) error { return c.owner.Close(ctx) }
