// Package cluster is the handle of a running cluster. It works through the interfaces that operators have:
// the Docker Engine's API, the management API of RabbitMQ, and HAProxy's statistics.
package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/docker/docker/client"

	"warren/topology"
)

// Cluster is a running cluster. It is safe for concurrent use.
type Cluster struct {
	outputs topology.Outputs
	host    string // where the published ports are
	docker  *client.Client
	http    *http.Transport
}

// Open prepares to work with the cluster that the outputs describe. Nothing has to be running yet; that the
// engine answers is checked. The engine is the one DOCKER_HOST names, else the local one.
func Open(outputs topology.Outputs) (*Cluster, error) {
	management, err := url.Parse(outputs.ManagementURL)
	if err != nil || management.Hostname() == "" {
		return nil, fmt.Errorf("stack output managementUrl: %q is not a URL with a host", outputs.ManagementURL)
	}
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("open Docker client: %w", err)
	}
	return &Cluster{
		outputs: outputs,
		host:    management.Hostname(),
		docker:  docker,
		http: &http.Transport{
			DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			// A node may be paused or killed between two requests; an idle connection to it would only mislead.
			DisableKeepAlives: true,
		},
	}, nil
}

// Close releases the connections to the Docker Engine.
func (c *Cluster) Close() error {
	c.http.CloseIdleConnections()
	return c.docker.Close()
}

// Outputs returns the stack outputs that the cluster was opened with.
func (c *Cluster) Outputs() topology.Outputs { return c.outputs }

// Nodes returns the nodes that the stack should have, running or not.
func (c *Cluster) Nodes() []topology.NodeOutput { return c.outputs.Nodes }

// Docker returns the client of the Docker Engine that the cluster runs on.
func (c *Cluster) Docker() *client.Client { return c.docker }

// Stack returns the name of the stack, by which its containers are labelled.
func (c *Cluster) Stack() string { return c.outputs.Stack }

// ErrUnknownNode says that a node is not one of the stack's.
var ErrUnknownNode = errors.New("no such node in the stack")

// Node returns the node with a host name ("rabbit1") or Erlang node name ("rabbit@rabbit1").
func (c *Cluster) Node(name string) (topology.NodeOutput, error) {
	for _, node := range c.outputs.Nodes {
		if node.Name == name || node.NodeName == name {
			return node, nil
		}
	}
	return topology.NodeOutput{}, fmt.Errorf("%w: %q", ErrUnknownNode, name)
}

// amqpAddress returns where a node's AMQP port is published.
func (c *Cluster) amqpAddress(node topology.NodeOutput) string { return c.address(node.AMQPPort) }

// BalancedAMQPAddress returns where the load balancer's AMQP port is published.
func (c *Cluster) BalancedAMQPAddress() string { return c.address(c.outputs.LoadBalancer.AMQPPort) }

func (c *Cluster) address(port int) string { return net.JoinHostPort(c.host, strconv.Itoa(port)) }
