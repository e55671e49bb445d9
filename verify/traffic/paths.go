package traffic

import (
	"warren/topology"
	"warren/verify/history"
)

// Path is one way to the cluster.
type Path struct {
	// Name is as it appears in the history.
	Name string
	// Endpoints are AMQP URIs with credentials: never print them.
	Endpoints []string
}

// Paths are all ways to a stack's cluster: through the load balancers, by the virtual address if there is
// one, straight to the nodes with a choice of all of them, and straight to each node without a choice.
func Paths(outputs topology.Outputs) []Path {
	paths := []Path{
		{Name: history.LoadBalancer, Endpoints: balanced(outputs)},
		{Name: history.AnyNode, Endpoints: outputs.AMQPURLs},
	}
	if outputs.VirtualAddress != "" {
		paths = append(paths, Path{Name: history.VirtualAddress, Endpoints: []string{outputs.AMQPURL}})
	}
	for i, node := range outputs.Nodes {
		paths = append(paths, Path{Name: node.Name, Endpoints: outputs.AMQPURLs[i : i+1]})
	}
	return paths
}

// balanced are the endpoints of all load balancers. Outputs of an older version of Warren name one.
func balanced(outputs topology.Outputs) []string {
	if len(outputs.BalancedAMQPURLs) == 0 {
		return []string{outputs.AMQPURL}
	}
	return outputs.BalancedAMQPURLs
}

// Names are the paths' names, in order.
func Names(paths []Path) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = p.Name
	}
	return names
}
