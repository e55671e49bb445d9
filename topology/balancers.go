package topology

import (
	"cmp"
	"net/netip"
	"strings"
)

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

// KeepalivedName is the name within its stack of what gives the load balancer's host the virtual address:
// "keepalived-h1".
func (b Balancer) KeepalivedName() string { return KeepalivedHost + "-" + b.Host }

// KeepalivedContainerName is the name of the container that gives the load balancer's host the virtual
// address.
func (b Balancer) KeepalivedContainerName() string {
	return b.Cluster.NetworkName() + "-" + b.KeepalivedName()
}

// PublishAddress is the address that the ports for clients are published on. With a virtual address, these
// are all of the host's: nothing can be published on an address that the host does not have yet.
func (b Balancer) PublishAddress() string {
	virtual, err := netip.ParseAddr(b.Cluster.VirtualAddress)
	switch {
	case err != nil:
		return b.Cluster.PublishAddress(b.Host)
	case virtual.Is4():
		return netip.IPv4Unspecified().String()
	default:
		return netip.IPv6Unspecified().String()
	}
}

// balancedAddress is where clients that know one address only find a load balancer.
func (c *Cluster) balancedAddress() string {
	return cmp.Or(c.VirtualAddress, c.connectAddress(c.LoadBalancerHosts[0]))
}
