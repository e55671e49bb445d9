package component

import (
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"warren/infra/engine"
	"warren/topology"
)

// existing is what the engine has of a cluster before a deployment: which nodes are members, and which of
// them are up. The engine is asked, and not the stack's last outputs, which don't know what happened since.
type existing struct {
	// members are the names of the nodes' volumes. A node whose container is gone is still a member.
	members map[string]bool
	// up are the names of the nodes that are up: the node or its membership is healthy. The latter is so first.
	up map[string]bool
}

// findExisting asks the engine for what it has of a stack's cluster.
func findExisting(ctx context.Context, docker engine.Client, stack string) (existing, error) {
	e := existing{members: map[string]bool{}, up: map[string]bool{}}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{Filters: engine.OfStack(stack)})
	if err != nil {
		return e, fmt.Errorf("list the volumes of stack %s: %w", stack, err)
	}
	for _, v := range volumes.Volumes {
		e.members[v.Name] = true
	}
	filter := engine.OfStack(stack)
	filter.Add("health", container.Healthy)
	healthy, err := docker.ContainerList(ctx, container.ListOptions{Filters: filter})
	if err != nil {
		return e, fmt.Errorf("list the containers of stack %s: %w", stack, err)
	}
	for _, c := range healthy {
		if node, ok := c.Labels[topology.LabelNode]; ok {
			e.up[node] = true
		}
	}
	return e, nil
}

// serves tells whether the cluster takes clients: most of its members are up, or most of those that the stack
// keeps. The others may have left it already when an earlier deployment was interrupted.
func (e existing) serves(cluster *topology.Cluster) bool {
	kept, up := 0, 0
	for _, n := range cluster.Nodes {
		if e.members[cluster.VolumeName(n)] {
			kept++
			if e.up[n.Name] {
				up++
			}
		}
	}
	return 2*len(e.up) > len(e.members) || 2*up > kept
}

// updateOrder is the order in which the nodes of a serving cluster are changed: first the members that are
// down, because a node that is up must not be touched while another is missing.
func (e existing) updateOrder(cluster *topology.Cluster) []topology.Node {
	isDown := func(n topology.Node) bool { return e.members[cluster.VolumeName(n)] && !e.up[n.Name] }
	var down, others []topology.Node
	for _, n := range cluster.Nodes {
		if isDown(n) {
			down = append(down, n)
		} else {
			others = append(others, n)
		}
	}
	return slices.Concat(down, others)
}
