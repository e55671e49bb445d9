package cluster

import (
	"errors"
	"net"
	"strconv"

	"github.com/docker/docker/client"

	"warren/internal/dockerhost"
	"warren/topology"
)

// connect returns the engines of a stack by the names of their hosts.
func connect(outputs topology.Outputs) (map[string]*client.Client, error) {
	hosts := outputs.Hosts
	if len(hosts) == 0 {
		hosts = []topology.Host{{}}
	}
	engines := map[string]*client.Client{}
	var problems []error
	for _, h := range hosts {
		docker, err := dockerhost.Connect(h)
		problems = append(problems, err)
		engines[h.Name] = docker
	}
	return engines, errors.Join(problems...)
}

// places are the hosts of a stack's containers, by the containers' names.
func places(outputs topology.Outputs) map[string]string {
	places := map[string]string{outputs.Formation: outputs.FormationHost}
	for _, n := range outputs.Nodes {
		places[n.Container], places[n.Membership] = n.Host, n.Host
	}
	for _, b := range outputs.LoadBalancers {
		places[b.Container], places[b.Config] = b.Host, b.Host
		if b.Keepalived != "" {
			places[b.Keepalived] = b.Host
		}
	}
	return places
}

// DockerOf returns the client of the Docker engine that has a container of the stack.
func (c *Cluster) DockerOf(containerName string) *client.Client {
	if docker, known := c.engines[c.places[containerName]]; known {
		return docker
	}
	for _, docker := range c.engines { // outputs that name no such container
		return docker
	}
	return nil
}

// DockerOn returns the client of the Docker engine of a host; nil if the stack has no such host.
func (c *Cluster) DockerOn(host string) *client.Client { return c.engines[host] }

// LoadBalancers are the stack's load balancers. Outputs of an older version of Warren name one.
func (c *Cluster) LoadBalancers() []topology.LoadBalancerOutput {
	if len(c.outputs.LoadBalancers) == 0 {
		return []topology.LoadBalancerOutput{c.outputs.LoadBalancer}
	}
	return c.outputs.LoadBalancers
}

// address is where a port that is published on a host is reached.
func (c *Cluster) address(host string, port int) string {
	address := c.host
	for _, h := range c.outputs.Hosts {
		if h.Name == host {
			address = h.Address
		}
	}
	return net.JoinHostPort(address, strconv.Itoa(port))
}
