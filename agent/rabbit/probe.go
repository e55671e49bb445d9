package rabbit

import (
	"context"
	"time"
)

// probeTimeout bounds a probe. What is there answers at once, unless its machine is very busy.
const probeTimeout = 5 * time.Second

// Listens tells whether something listens on a port of a node.
func (c *Client) Listens(ctx context.Context, node string, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", address(node, port))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// greeting is the header by which an AMQP 0-9-1 client begins.
const greeting = "AMQP\x00\x00\x09\x01"

// Greets tells whether a node answers an AMQP client's first bytes with anything but its own header, by
// which it refuses. A node with settings that break every connection listens, and does not greet. The node
// logs a warning about the client that leaves so early.
func (c *Client) Greets(ctx context.Context, node string, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", address(node, port))
	if err != nil {
		return false
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok && conn.SetDeadline(end) != nil {
		return false
	}
	if _, err := conn.Write([]byte(greeting)); err != nil {
		return false
	}
	first := make([]byte, 1)
	n, _ := conn.Read(first)
	return n == 1 && first[0] != greeting[0]
}
