// Package cluster is the handle of a running cluster. It works through the interfaces that operators have:
// the Docker Engine's API, the management API of RabbitMQ, and HAProxy's statistics.
package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/docker/docker/client"

	"warren/topology"
)

// Cluster is a running cluster. It is safe for concurrent use.
type Cluster struct {
	outputs topology.Outputs
	host    string // where the published ports are, if there is one engine
	// engines are the Docker engines by the name of their host; of a stack without hosts, one with no name.
	engines map[string]*client.Client
	// places are the names of the hosts that containers are on.
	places map[string]string
	http   *http.Transport
	// tls is how clients recognise the stack; nil if it has no TLS.
	tls *tls.Config
}

// Open prepares to work with the cluster that the outputs describe. Nothing has to be running yet; that the
// engines answer is checked. They are those of the stack's hosts; of a stack without hosts, it is the one
// that DOCKER_HOST names, else the local one. The endpoints of its outputs are the administrator's.
func Open(outputs topology.Outputs) (*Cluster, error) {
	outputs = outputs.AsAdministrator()
	management, err := url.Parse(outputs.ManagementURL)
	if err != nil || management.Hostname() == "" {
		return nil, fmt.Errorf("stack output managementUrl: %q is not a URL with a host", outputs.ManagementURL)
	}
	config, err := outputs.TLSConfig()
	if err != nil {
		return nil, err
	}
	engines, err := connect(outputs)
	if err != nil {
		return nil, fmt.Errorf("open Docker client: %w", err)
	}
	return &Cluster{
		outputs: outputs,
		host:    management.Hostname(),
		engines: engines,
		places:  places(outputs),
		tls:     config,
		http: &http.Transport{
			TLSClientConfig: config,
			DialContext:     (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			// A node may be paused or killed between two requests; an idle connection to it would only mislead.
			DisableKeepAlives: true,
		},
	}, nil
}

// Close releases the connections to the Docker engines.
func (c *Cluster) Close() error {
	c.http.CloseIdleConnections()
	var problems []error
	for _, docker := range c.engines {
		problems = append(problems, docker.Close())
	}
	return errors.Join(problems...)
}

// Outputs returns the stack outputs that the cluster was opened with.
func (c *Cluster) Outputs() topology.Outputs { return c.outputs }

// TLS returns how clients recognise the stack; nil if it has no TLS.
func (c *Cluster) TLS() *tls.Config { return c.tls.Clone() }

// Nodes returns the nodes that the stack should have, running or not.
func (c *Cluster) Nodes() []topology.NodeOutput { return c.outputs.Nodes }

// Docker returns the client of the Docker engine that the cluster runs on; of a cluster on several hosts, the
// engine of the first load balancer's host.
func (c *Cluster) Docker() *client.Client { return c.DockerOf(c.outputs.LoadBalancer.Container) }

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
func (c *Cluster) amqpAddress(node topology.NodeOutput) string {
	return c.address(node.Host, node.AMQPPort)
}

// BalancedAMQPAddress returns where the load balancer's AMQP port is published.
func (c *Cluster) BalancedAMQPAddress() string {
	return c.address(c.outputs.LoadBalancer.Host, c.outputs.LoadBalancer.AMQPPort)
}
