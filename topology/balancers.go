package topology

import "strings"

// Balancer is one of the load balancers of a stack. All of them balance the same nodes by the same settings.
type Balancer struct {
	// Host is the name of the host that it is on; empty if the stack runs on one engine.
	Host string

	// Cluster is the cluster whose nodes it balances.
	Cluster *Cluster
}

// Balancers are the load balancers of the stack: one, or one on each of several hosts.
func (c *Cluster) Balancers() []Balancer {
	balancers := make([]Balancer, len(c.LoadBalancerHosts))
	for i, host := range c.LoadBalancerHosts {
		balancers[i] = Balancer{host, c}
	}
	return balancers
}

// Name is the load balancer's name within its stack: "haproxy", or "haproxy-h1" on a host.
func (b Balancer) Name() string { return strings.TrimSuffix(LoadBalancerHost+"-"+b.Host, "-") }

// ContainerName is the name of the container that runs HAProxy.
func (b Balancer) ContainerName() string { return b.Cluster.NetworkName() + "-" + b.Name() }

// ConfigContainerName is the name of the container that gives HAProxy its configuration.
func (b Balancer) ConfigContainerName() string { return b.ContainerName() + ConfigSuffix }

// VolumeName is the name of the volume over which HAProxy gets its configuration.
func (b Balancer) VolumeName() string { return b.ContainerName() + ConfigSuffix }
