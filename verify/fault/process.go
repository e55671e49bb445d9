package fault

import (
	"context"
	"fmt"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault/effect"
)

// killLeader kills the node that leads the target queue.
func killLeader(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return killContainers(ctx, c, fmt.Sprintf("killed %s, which led %s", leader.Name, target.Queue),
		leader.Container)
}

// killFollower kills a node that follows in the target queue.
func killFollower(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := effect.FirstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return killContainers(ctx, c, fmt.Sprintf("killed %s, a follower in %s", follower.Name, target.Queue),
		follower.Container)
}

// killMajority kills the leader and as many followers as it takes for the target queue to lose its quorum.
func killMajority(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	victims, err := effect.Majority(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("killed %s, a majority of the replicas of %s", effect.NameList(victims), target.Queue)
	return killContainers(ctx, c, what, effect.Containers(victims)...)
}

// killAll kills every node at once.
func killAll(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return killContainers(ctx, c, "killed "+effect.NameList(c.Nodes())+" at once",
		effect.Containers(c.Nodes())...)
}

// killLoadBalancer kills HAProxy.
func killLoadBalancer(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return killContainers(ctx, c, "killed the load balancer", c.Outputs().LoadBalancer.Container)
}

// killContainers ends containers as a crash or a power loss would.
func killContainers(
	ctx context.Context, c *cluster.Cluster, what string, victims ...string,
) (Injection, error) {
	return effect.Inject(ctx, what,
		func(ctx context.Context) error {
			return parallel.Each(victims, func(victim string) error {
				if err := c.Kill(ctx, victim); err != nil {
					return err
				}
				return effect.AwaitState(ctx, c, victim, "exited")
			})
		},
		func(ctx context.Context) error { return effect.StartAll(ctx, c, victims) })
}

// stopLeader stops the node that leads the target queue, gracefully.
func stopLeader(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return effect.Inject(ctx, fmt.Sprintf("stopped %s, which led %s, gracefully", leader.Name, target.Queue),
		func(ctx context.Context) error { return stopNode(ctx, c, leader) },
		func(ctx context.Context) error { return effect.StartAll(ctx, c, []string{leader.Container}) })
}

// rollingRestart stops and starts one node after the other, each when the cluster has recovered from the
// last.
func rollingRestart(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return effect.Inject(ctx, "restarted "+effect.NameList(c.Nodes())+", one after the other",
		func(ctx context.Context) error {
			for _, node := range c.Nodes() {
				if err := stopNode(ctx, c, node); err != nil {
					return err
				}
				if err := c.Start(ctx, node.Container); err != nil {
					return err
				}
				if err := recovered(ctx, c); err != nil {
					return fmt.Errorf("after the restart of %s: %w", node.Name, err)
				}
			}
			return nil
		},
		func(ctx context.Context) error { return effect.StartAll(ctx, c, effect.Containers(c.Nodes())) })
}

// recovered waits until the cluster is healthy again.
func recovered(ctx context.Context, c *cluster.Cluster) error {
	return health.WaitRecovered(ctx, c, bootTimeout)
}

// stopNode stops a node and makes sure that it went by itself.
func stopNode(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	if err := c.Stop(ctx, node.Container, stopGrace); err != nil {
		return err
	}
	inspected, err := c.Inspect(ctx, node.Container)
	if err != nil {
		return err
	}
	const sigkilled = 128 + 9
	if inspected.State.ExitCode == sigkilled {
		return fmt.Errorf("%s did not stop within %s and was killed", node.Name, stopGrace)
	}
	return effect.AwaitState(ctx, c, node.Container, "exited")
}
