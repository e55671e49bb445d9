package stackconfig

import (
	"fmt"
	"net/netip"

	"warren/topology"
)

// validateVirtualAddress checks the address that one of the hosts has at any time.
func validateVirtualAddress(problems *problemList, cluster *topology.Cluster) {
	const key = "virtualAddress"
	if cluster.VirtualAddress == "" {
		return
	}
	address, err := netip.ParseAddr(cluster.VirtualAddress)
	switch {
	case !cluster.HasHosts():
		problems.add(key, "is "+quoted(cluster.VirtualAddress)+", and there is no warren:hosts",
			"describe the hosts that share it, or leave it out")
		return
	case err != nil || address.Zone() != "":
		problems.add(key, "is "+quoted(cluster.VirtualAddress), "write a free IP address of the hosts' network")
		return
	case address.IsLoopback() || address.IsUnspecified() || address.IsMulticast():
		problems.add(key, "is "+cluster.VirtualAddress+", which hosts can't share",
			"write a free IP address of the hosts' network")
	}
	if len(cluster.LoadBalancerHosts) < 2 {
		problems.add(key, fmt.Sprintf("is set, and there is %s", plural(len(cluster.LoadBalancerHosts),
			"load balancer")), "set warren:loadBalancers to 2 or more, or leave it out")
	}
	for i, h := range cluster.Hosts {
		other, err := netip.ParseAddr(h.Address)
		switch {
		case err != nil: // told elsewhere
		case other == address:
			problems.add(key, fmt.Sprintf("is %s, which is the address of hosts[%d]", address, i),
				"write a free IP address of the hosts' network")
		case other.Is4() != address.Is4():
			problems.add(key, fmt.Sprintf("is %s, and hosts[%d] has the address %s", address, i, other),
				"write an address of the same kind, IPv4 or IPv6")
		}
	}
}
