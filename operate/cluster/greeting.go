package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"warren/topology"
)

// greetTimeout is how long a broker may take to answer a greeting.
const greetTimeout = time.Second

// AMQP 0-9-1 specification, 4.2.2 and 4.2.3: a client begins with the protocol's header, the server with
// Connection.Start, in a frame of type method.
const (
	protocolHeader = "AMQP\x00\x00\x09\x01"
	methodFrame    = 1
)

// Greet returns nil if a broker answers at a TCP address: to the protocol's header it sends its
// Connection.Start. Both a port that Docker publishes and a load balancer accept connections with nobody
// behind them. RabbitMQ logs a warning about a client that leaves so early.
func Greet(ctx context.Context, address string) error { return greet(ctx, &net.Dialer{}, address) }

// dialer connects in plain text, or over TLS.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

func greet(ctx context.Context, through dialer, address string) error {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	conn, err := through.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, protocolHeader); err != nil {
		return err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return fmt.Errorf("%s does not greet: %w", address, err)
	}
	if first[0] != methodFrame {
		return fmt.Errorf("%s does not speak AMQP", address)
	}
	return nil
}

// Greet is the function Greet for a node.
func (c *Cluster) Greet(ctx context.Context, node topology.NodeOutput) error {
	if c.tls != nil {
		return greet(ctx, &tls.Dialer{Config: c.TLS()}, c.amqpAddress(node))
	}
	return Greet(ctx, c.amqpAddress(node))
}

// Serves tells whether a node takes AMQP clients.
func (c *Cluster) Serves(ctx context.Context, node topology.NodeOutput) bool {
	return c.Greet(ctx, node) == nil
}
