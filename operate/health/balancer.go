package health

import (
	"maps"
	"slices"

	"warren/operate/cluster"
)

// balancers are all load balancers.
func (s Status) balancers() []LoadBalancerStatus {
	if len(s.LoadBalancers) == 0 {
		return []LoadBalancerStatus{s.LoadBalancer}
	}
	return s.LoadBalancers
}

func (s Status) checkLoadBalancer(problems *problemList, balancer LoadBalancerStatus) {
	if balancer.Error != "" {
		problems.add(LoadBalancerDown, Failure, balancer.Container, "%s", balancer.Error)
		return
	}
	proxies := map[string]bool{}
	for _, server := range balancer.Servers {
		proxies[server.Proxy] = true
	}
	for _, node := range s.Nodes {
		for _, proxy := range slices.Sorted(maps.Keys(proxies)) {
			i := slices.IndexFunc(balancer.Servers, func(server cluster.Server) bool {
				return server.Proxy == proxy && server.Name == node.Name
			})
			if i < 0 {
				problems.add(ServerMissing, Failure, node.Name, "the load balancer's %s does not know it", proxy)
				continue
			}
			server := balancer.Servers[i]
			serves := node.AMQP
			if server.Mode == "http" {
				serves = node.Answers() || node.Refuses // the check has no credentials
			}
			if node.AMQP && !s.inMajority(node) {
				continue // it may be kept from clients for that; the partition is a problem of its own
			}
			switch {
			case serves && !server.Up():
				problems.add(ServerDown, Failure, node.Name, "serves, and the load balancer's %s has it as %s (%s)",
					proxy, server.Status, server.Why())
			case !serves && server.Up():
				problems.add(ServerWronglyUp, Failure, node.Name, "does not serve, and the load balancer's %s has it "+
					"as %s (%s)",
					proxy, server.Status, server.Why())
			}
		}
	}
}

// inMajority tells whether a node is known to see more than half of the nodes running.
func (s Status) inMajority(node NodeStatus) bool { return len(node.Running) > len(s.Nodes)/2 }
