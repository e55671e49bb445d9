package connection

import (
	"context"
	"fmt"
	"slices"

	"warren/clients/internal/transport"
)

const (
	// MostAttempts is how many connections are opened at most to arrive at a node through one endpoint. A load
	// balancer that sends clients where the fewest are takes one for each node if they are equally busy.
	MostAttempts = 4
	// MostDetours is how many connections to other nodes are kept meanwhile: such a load balancer would choose
	// the same node over and over without them, and holding more would burden a cluster of many clients.
	MostDetours = 2
)

// nodeProperty is the server property by which nodes of Warren's clusters tell clients their names. RabbitMQ
// itself does that in AMQP 1.0 only.
const nodeProperty = "node"

// Node is the name of the node that a connection has led to; empty if it does not tell.
func Node(conn *transport.Conn) string { return conn.Property(nodeProperty) }

// Reach connects to the named node: through the endpoint that last led there, or one after the other.
func (o *Owner) Reach(ctx context.Context, node string) (*transport.Conn, error) {
	var detours []*transport.Conn
	defer func() {
		for _, conn := range detours {
			_ = conn.Close(ctx)
		}
	}()
	route := o.route(node)
	for _, e := range route {
		conn, _, _, err := o.dial(ctx, e, o.cfg.ConnectTimeout, 0)
		if ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close(ctx)
			}
			return nil, ctx.Err()
		}
		if err != nil {
			continue
		}
		led := Node(conn)
		o.mu.Lock()
		o.nodes[e.String()] = led
		o.mu.Unlock()
		if led == node {
			return conn, nil
		}
		detours = append(detours, conn)
		if len(detours) > MostDetours {
			_ = detours[0].Close(ctx)
			detours = detours[1:]
		}
	}
	return nil, fmt.Errorf("%d attempts to connect to %s failed or led to other nodes", len(route), node)
}

// route is the endpoints to try in order to arrive at a node: all once, with the one that last led there
// first, and a single one, which may be a load balancer, several times.
func (o *Owner) route(node string) []transport.Endpoint {
	if len(o.endpoints) == 1 {
		return slices.Repeat(o.endpoints, MostAttempts)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	route := slices.Concat(o.endpoints[o.next:], o.endpoints[:o.next])
	known := func(e transport.Endpoint) int {
		switch o.nodes[e.String()] {
		case node:
			return 0
		case "":
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(route, func(a, b transport.Endpoint) int { return known(a) - known(b) })
	return route
}
