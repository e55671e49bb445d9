package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// A rollout orders the changes to the nodes of a cluster.
//
//	together:  node 1 ─ join 1      node 2 ─ join 2      node 3 ─ join 3      formation
//
//	rolling:   node 1 ─ join 1 ─▶ node 2 ─ join 2 ─▶ node 3 ─ join 3 ─▶ formation
//
// A cluster that serves is changed rolling: whatever happens to a node waits until the node before it is a member in
// good health again, and does not happen at all if that fails. A cluster that does not serve has nothing to lose, and its
// nodes need one another to start, so that they are changed together. That is so at the first deployment, and after
// most of the containers were removed by hand. The formation comes last, with all nodes in service; at the first deployment it
// starts as soon as their containers are there and waits by itself, which saves the time to start it.
type rollout struct {
	rolling bool
	// last is what the next node waits for.
	last pulumi.Resource
	// nodes are the containers of the nodes so far.
	nodes []pulumi.Resource
}

// standing is how a stack's cluster stands: which nodes it has, and which of them are up. The engine is asked, and not the stack's last
// outputs, which say nothing of what happened since.
type standing struct {
	// members are the nodes that have a volume, by its name: a node whose container is gone is a member still.
	members map[string]bool
	// up are the names of the nodes that are up: the node or its membership is healthy. The latter is so first.
	up map[string]bool
}

func standingOf(ctx context.Context, docker engine, stack string) (standing, error) {
	s := standing{members: map[string]bool{}, up: map[string]bool{}}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{Filters: ofStack(stack)})
	if err != nil {
		return s, fmt.Errorf("listing the volumes of stack %s: %w", stack, err)
	}
	for _, v := range volumes.Volumes {
		s.members[v.Name] = true
	}
	filter := ofStack(stack)
	filter.Add("health", container.Healthy)
	healthy, err := docker.ContainerList(ctx, container.ListOptions{Filters: filter})
	if err != nil {
		return s, fmt.Errorf("listing the containers of stack %s: %w", stack, err)
	}
	for _, c := range healthy {
		if node, ok := c.Labels[labelNode]; ok {
			s.up[node] = true
		}
	}
	return s, nil
}

// serves tells whether the cluster takes clients: most of its members are up, or most of those that the stack keeps; the others
// may have left it already when an earlier deployment was interrupted.
func (s standing) serves(cluster *topology.Cluster) bool {
	kept, up := 0, 0
	for _, n := range cluster.Nodes {
		if s.members[cluster.VolumeName(n)] {
			kept++
			if s.up[n.Name] {
				up++
			}
		}
	}
	return 2*len(s.up) > len(s.members) || 2*up > kept
}

// order is the order in which the nodes of a serving cluster are changed: first the members that are down, because nothing is done to one
// that is up while another is missing.
func (s standing) order(cluster *topology.Cluster) []topology.Node {
	down := func(n topology.Node) bool { return s.members[cluster.VolumeName(n)] && !s.up[n.Name] }
	ordered := slices.Clone(cluster.Nodes)
	slices.SortStableFunc(ordered, func(a, b topology.Node) int {
		switch {
		case down(a) == down(b):
			return 0
		case down(a):
			return -1
		default:
			return 1
		}
	})
	return ordered
}

// next returns what the node whose turn it is waits for.
func (r *rollout) next() []pulumi.Resource {
	if !r.rolling || r.last == nil {
		return nil
	}
	return []pulumi.Resource{r.last}
}

// done says that the node whose turn it was is back in service once its membership exists.
func (r *rollout) done(node *Node) {
	r.last = node.Membership
	r.nodes = append(r.nodes, node.Container)
}

// all is what the formation and the load balancer wait for. Whatever else, it includes all node containers, since these are then deleted
// after them, and know by their absence that the stack is being destroyed.
func (r *rollout) all() []pulumi.Resource { return append(r.next(), r.nodes...) }
