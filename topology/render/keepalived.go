package render

import (
	"net/netip"

	"warren/topology"
)

const (
	// KeepalivedCheckPath is the program by which keepalived asks HAProxy. It is called with an address, a port
	// and what is to be asked.
	KeepalivedCheckPath = topology.UploadPath + "/check-haproxy"
	// KeepalivedInterface stands for the interface that has the host's address, which only the host knows.
	KeepalivedInterface = "@INTERFACE@"
)

// KeepalivedConf renders keepalived.conf of the host of a load balancer, in a stack with a virtual address.
func KeepalivedConf(b topology.Balancer) string {
	return render("keepalived.conf.tmpl", keepalivedData{b})
}

// keepalivedData is what the template of keepalived.conf needs.
type keepalivedData struct{ topology.Balancer }

// CheckPath is the program by which keepalived asks HAProxy.
func (keepalivedData) CheckPath() string { return KeepalivedCheckPath }

// Interface stands for the interface with the host's address.
func (keepalivedData) Interface() string { return KeepalivedInterface }

// Address is the host's own.
func (d keepalivedData) Address() string { return d.Cluster.Host(d.Host).Address }

// MetricsPort is where HAProxy answers.
func (keepalivedData) MetricsPort() int { return topology.BalancerMetricsPort }

// Peers are the addresses of the other hosts with a load balancer.
func (d keepalivedData) Peers() []string {
	var peers []string
	for _, other := range d.Cluster.LoadBalancerHosts {
		if other != d.Host {
			peers = append(peers, d.Cluster.Host(other).Address)
		}
	}
	return peers
}

// RouterID tells virtual addresses on one network apart: from 1 to 255, by the last byte of the address.
func (d keepalivedData) RouterID() int {
	bytes := d.virtual().AsSlice()
	return max(1, int(bytes[len(bytes)-1]))
}

// Bits is the length of the address.
func (d keepalivedData) Bits() int { return d.virtual().BitLen() }

// AdvertisementInterval is how often, in seconds, the owner says that it is there. Another host takes the
// address when it has missed three.
func (d keepalivedData) AdvertisementInterval() string {
	if d.Cluster.FailureDetection == topology.DetectFast {
		return "0.5"
	}
	return "1"
}

// virtual is the virtual address.
func (d keepalivedData) virtual() netip.Addr { return netip.MustParseAddr(d.Cluster.VirtualAddress) }
