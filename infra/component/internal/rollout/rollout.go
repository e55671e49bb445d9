// Package rollout orders the changes to the nodes of a cluster.
package rollout

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Rollout orders the changes to the nodes of a cluster: groups of nodes, as the planner has them.
//
//	together:  node 1 ─ join 1      node 2 ─ join 2      node 3 ─ join 3      formation
//
//	rolling:   node 1 ─ join 1 ─▶ node 2 ─ join 2 ─▶ node 3 ─ join 3 ─▶ formation
//
// Whatever happens to a group waits until all nodes of the one before are healthy members again, and does
// not happen if that fails. A cluster that serves is changed node by node. Nodes that are not there, or are
// down, may need each other to start, so they are a group. The formation comes last, with all nodes in
// service. When there is one group only, it starts as soon as the nodes' containers are there and waits by
// itself, which saves the time to start it.
type Rollout struct {
	// before are the memberships that the current group waits for, members those of the group.
	before, members []pulumi.Resource
	// nodes are the containers of the nodes so far.
	nodes []pulumi.Resource
}

// Next returns what the nodes of the current group wait for.
func (r *Rollout) Next() []pulumi.Resource { return r.before }

// Done adds a node of the current group: its container, and its membership, with which it is back in service.
func (r *Rollout) Done(container, membership pulumi.Resource) {
	r.members = append(r.members, membership)
	r.nodes = append(r.nodes, container)
}

// Group ends the current group; another one follows it.
func (r *Rollout) Group() {
	if len(r.members) > 0 {
		r.before, r.members = r.members, nil
	}
}

// All is what the formation and the load balancer wait for. It always includes all node containers, which
// are therefore deleted after them.
func (r *Rollout) All() []pulumi.Resource {
	if len(r.before) == 0 {
		return r.nodes
	}
	return append(append(append([]pulumi.Resource{}, r.members...), r.before...), r.nodes...)
}
