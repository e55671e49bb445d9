package health

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Spread is where connections opened through the load balancer landed.
type Spread struct {
	// Opened is how many connections were opened, all at the same time.
	Opened int `json:"opened"`
	// Nodes are the nodes that the load balancer held for up.
	Nodes []NodeSpread `json:"nodes"`
}

// NodeSpread is one node's part of the connections.
type NodeSpread struct {
	Node string `json:"node"`
	// Before is how many sessions the load balancer had with the node already, by its statistics.
	Before int `json:"before"`
	// Landed is how many of the connections the node has, by the management API.
	Landed int `json:"landed"`
}

const (
	// connectionsPerNode is how many connections are opened for each node.
	connectionsPerNode = 2
	// spreadTimeout bounds opening the connections, and then finding them: the management API shows a
	// connection only some seconds after it was opened.
	spreadTimeout = 20 * time.Second
)

// MeasureSpread opens connections through the load balancer, looks where they land, and closes them.
func MeasureSpread(ctx context.Context, c *cluster.Cluster) (*Spread, error) {
	ctx, cancel := context.WithTimeout(ctx, spreadTimeout)
	defer cancel()
	spread, err := measureSpread(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("see where connections through the load balancer land: %w", err)
	}
	return spread, nil
}

func measureSpread(ctx context.Context, c *cluster.Cluster) (*Spread, error) {
	before, err := c.Servers(ctx)
	if err != nil {
		return nil, err
	}
	name := "warren-spread-" + rand.Text()
	opened := connectionsPerNode * len(c.Nodes())
	for range opened {
		connection, err := dial(ctx, c, name)
		if err != nil {
			return nil, err
		}
		defer connection.Close() // all stay open until they have been seen
	}
	var landed map[string]int
	err = wait.Until(ctx, observeEvery, "every connection to be listed", func(ctx context.Context) (err error) {
		landed, err = connectionsNamed(ctx, c, name)
		found := 0
		for _, n := range landed {
			found += n
		}
		if err == nil && found != opened {
			err = fmt.Errorf("the management API shows %d of %d connections", found, opened)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	spread := &Spread{Opened: opened}
	for _, node := range c.Nodes() {
		if sessions, up := sessions(before, node.Name); up {
			spread.Nodes = append(spread.Nodes, NodeSpread{node.Name, sessions, landed[node.NodeName]})
		}
	}
	return spread, nil
}

// sessions returns a server's AMQP sessions, and whether it is up in all proxies that carry AMQP.
func sessions(servers []cluster.Server, name string) (open int, up bool) {
	up = true
	for _, server := range servers {
		if server.Name == name && server.Mode == "tcp" {
			open += server.Sessions
			up = up && server.Up()
		}
	}
	return open, up
}

// connectionsNamed counts the connections of a name per node (Erlang name).
func connectionsNamed(ctx context.Context, c *cluster.Cluster, name string) (map[string]int, error) {
	var failures []error
	for _, node := range c.Nodes() {
		var connections []struct {
			Node string `json:"node"`
			Name string `json:"user_provided_name"`
		}
		if err := c.Get(ctx, node, "connections?columns=node,user_provided_name", &connections); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", node.Name, err))
			continue
		}
		count := map[string]int{}
		for _, connection := range connections {
			if connection.Name == name {
				count[connection.Node]++
			}
		}
		return count, nil
	}
	return nil, errors.Join(append([]error{cluster.ErrNoNodeAnswers}, failures...)...)
}

// dial opens a named AMQP connection through the load balancer. The client library takes no context, and
// waits without end for a server that accepts and says nothing; so the deadline is set on its connection.
func dial(ctx context.Context, c *cluster.Cluster, name string) (*amqp.Connection, error) {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(name)
	connection, err := amqp.DialConfig(c.Outputs().AMQPURL, amqp.Config{
		Properties:      properties,
		TLSClientConfig: c.TLS(),
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			deadline, _ := ctx.Deadline()
			return conn, conn.SetDeadline(deadline)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open an AMQP connection: %w", err)
	}
	return connection, nil
}

// checkConnections finds nodes that the load balancer leaves out, though it holds them for up: they got
// none of the connections, while a node that had as many sessions before did.
func (s Status) checkConnections(problems *problemList) {
	if s.Spread == nil {
		return
	}
	for _, node := range s.Spread.Nodes {
		if node.Landed > 0 {
			continue
		}
		var preferred []string
		for _, other := range s.Spread.Nodes {
			if other.Landed > 0 && other.Before >= node.Before {
				preferred = append(preferred, fmt.Sprintf("%d to %s", other.Landed, other.Node))
			}
		}
		if len(preferred) > 0 {
			problems.add(NotSpread, Failure, node.Node, "the load balancer gave it none of %d connections, but %s",
				s.Spread.Opened, strings.Join(preferred, ", "))
		}
	}
}
