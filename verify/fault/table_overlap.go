package fault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/balancer"
	"warren/verify/fault/effect"
	"warren/verify/fault/network"
	"warren/verify/fault/resource"
	"warren/verify/schedule"
)

// Overlapping is a fault that may be in effect at the same time as others.
type Overlapping struct {
	schedule.Kind
	// Available returns nil if the fault can be injected into this cluster, else an error that says why not.
	Available func(*cluster.Cluster) error
	// Inject breaks a node, or what is not a node's, as Fault.Inject does.
	Inject func(context.Context, *cluster.Cluster, topology.NodeOutput) (Injection, error)
}

// injector is the Inject of a Fault.
type injector = func(context.Context, *cluster.Cluster, Target) (Injection, error)

// onNode has a fault of nodes break the one that is drawn.
func onNode(fault func(effect.Victims) injector) func(
	context.Context, *cluster.Cluster, topology.NodeOutput) (Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (Injection, error) {
		return fault(effect.These(node))(ctx, c, Target{})
	}
}

// elsewhere is a fault of no node.
func elsewhere(fault injector) func(
	context.Context, *cluster.Cluster, topology.NodeOutput) (Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, _ topology.NodeOutput) (Injection, error) {
		return fault(ctx, c, Target{})
	}
}

// What faults use for themselves.
const (
	usesNetwork  = "the filters of packets"
	usesBalancer = "the load balancer"
)

// AtOnce returns the faults that may overlap. None of them takes a node's data.
func AtOnce() []Overlapping {
	kind := func(name, group string, shortest, longest time.Duration) schedule.Kind {
		return schedule.Kind{Fault: name, Group: group, Shortest: shortest, Longest: longest}
	}
	node := func(k schedule.Kind) schedule.Kind { k.OnNode = true; return k }
	const s = time.Second
	return []Overlapping{
		{node(kind("node-killed", "", 2*s, 20*s)), anyCluster, killNode},
		{node(kind("node-paused", "", s, 25*s)), anyCluster, onNode(resource.Pause)},
		{node(kind("node-starved", "", 5*s, 20*s)), anyCluster, onNode(resource.Throttle)},
		{node(kind("node-out-of-memory", "", s, 2*s)), resource.Limited, onNode(resource.RunOutOfMemory)},
		{node(kind("node-isolated", usesNetwork, 5*s, 25*s)), needsTools(3), isolateNode},

		{kind("packet-loss", usesNetwork, 5*s, 20*s), needsTools(2), elsewhere(network.LosePackets)},
		{kind("slow-network", usesNetwork, 5*s, 20*s), needsTools(2), elsewhere(network.SlowDown)},
		{kind("packets-reordered", usesNetwork, 5*s, 20*s), needsTools(2), elsewhere(network.ReorderPackets)},
		{kind("packets-duplicated", usesNetwork, 5*s, 20*s), needsTools(2), elsewhere(network.DuplicatePackets)},

		{kind("load-balancer-killed", usesBalancer, s, 10*s), anyCluster, elsewhere(killLoadBalancer)},
		{kind("load-balancer-paused", usesBalancer, s, 10*s), anyCluster, elsewhere(balancer.Pause)},
		{kind("load-balancer-reloading", usesBalancer, 5*s, 15*s), anyCluster, elsewhere(balancer.Reload)},
	}
}

func killNode(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (Injection, error) {
	return killContainers(ctx, c, "killed "+node.Name, node.Container)
}

func isolateNode(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (Injection, error) {
	return network.Isolate(ctx, c, node, "")
}

// FindAtOnce returns the overlapping fault of a name.
func FindAtOnce(name string) (Overlapping, error) {
	all := AtOnce()
	i := slices.IndexFunc(all, func(f Overlapping) bool { return f.Fault == name })
	if i < 0 {
		return Overlapping{}, fmt.Errorf("there is no fault %q that may overlap with others", name)
	}
	return all[i], nil
}
