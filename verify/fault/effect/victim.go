package effect

import (
	"context"

	"warren/operate/cluster"
	"warren/topology"
)

// Victims choose the nodes that a fault is for.
type Victims func(context.Context, *cluster.Cluster, Target) ([]topology.NodeOutput, error)

// Leader is the node that leads the target queue.
func Leader(ctx context.Context, c *cluster.Cluster, target Target) ([]topology.NodeOutput, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	return []topology.NodeOutput{leader}, err
}

// Follower is a node that follows in the target queue.
func Follower(ctx context.Context, c *cluster.Cluster, target Target) ([]topology.NodeOutput, error) {
	follower, err := FirstFollower(ctx, c, target)
	return []topology.NodeOutput{follower}, err
}

// Majority is the leader and as many followers as it takes for the target queue to lose its quorum.
func Majority(ctx context.Context, c *cluster.Cluster, target Target) ([]topology.NodeOutput, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	followers, err := c.Followers(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	// A queue of n replicas goes on with n/2+1 of them; leave it one fewer.
	survivors := (len(followers) + 1) / 2
	return append([]topology.NodeOutput{leader}, followers[:len(followers)-survivors]...), nil
}

// Minority is the leader and as many followers as the target queue can do without.
func Minority(ctx context.Context, c *cluster.Cluster, target Target) ([]topology.NodeOutput, error) {
	victims, err := Majority(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return victims[:max(1, len(victims)-1)], nil
}

// These are the nodes given.
func These(nodes ...topology.NodeOutput) Victims {
	return func(context.Context, *cluster.Cluster, Target) ([]topology.NodeOutput, error) { return nodes, nil }
}

// Everyone is all nodes.
func Everyone(_ context.Context, c *cluster.Cluster, _ Target) ([]topology.NodeOutput, error) {
	return c.Nodes(), nil
}
