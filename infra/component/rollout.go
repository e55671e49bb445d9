package component

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// A rollout orders the changes to the nodes of a cluster.
//
//	together:  node 1 ─ join 1      node 2 ─ join 2      node 3 ─ join 3      formation
//
//	rolling:   node 1 ─ join 1 ─▶ node 2 ─ join 2 ─▶ node 3 ─ join 3 ─▶ formation
//
// A cluster that serves is changed rolling. Whatever happens to a node waits until the node before it is a
// healthy member again, and does not happen if that fails. A cluster that does not serve has nothing to lose,
// and its nodes need each other to start, so they are changed together. That is so at the first deployment,
// and after most containers were removed by hand. The formation comes last, with all nodes in service. At the
// first deployment it starts as soon as the nodes' containers are there and waits by itself, which saves the
// time to start it.
type rollout struct {
	rolling bool
	// last is what the next node waits for.
	last pulumi.Resource
	// nodes are the containers of the nodes so far.
	nodes []pulumi.Resource
}

// next returns what the next node waits for.
func (r *rollout) next() []pulumi.Resource {
	if !r.rolling || r.last == nil {
		return nil
	}
	return []pulumi.Resource{r.last}
}

// done adds a node, which is back in service once its membership exists.
func (r *rollout) done(node *Node) {
	r.last = node.Membership
	r.nodes = append(r.nodes, node.Container)
}

// all is what the formation and the load balancer wait for. It always includes all node containers, which are
// therefore deleted after them: a node that stops takes the absence of both for the end of the stack.
func (r *rollout) all() []pulumi.Resource { return append(r.next(), r.nodes...) }
