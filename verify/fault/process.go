package fault

import (
	"context"
	"fmt"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
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
	follower, err := firstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return killContainers(ctx, c, fmt.Sprintf("killed %s, a follower in %s", follower.Name, target.Queue),
		follower.Container)
}

// killMajority kills the leader and as many followers as it takes for the target queue to lose its quorum.
func killMajority(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	followers, err := c.Followers(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	replicas := len(followers) + 1
	// A queue of n replicas goes on with n/2+1 of them; leave it one fewer.
	survivors := replicas / 2
	victims := append([]topology.NodeOutput{leader}, followers[:len(followers)-survivors]...)
	what := fmt.Sprintf("killed %s, which leaves %d of %d replicas of %s", nameList(victims), survivors,
		replicas, target.Queue)
	return killContainers(ctx, c, what, containers(victims)...)
}

// killAll kills every node at once.
func killAll(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return killContainers(ctx, c, "killed "+nameList(c.Nodes())+" at once", containers(c.Nodes())...)
}

// killLoadBalancer kills HAProxy.
func killLoadBalancer(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return killContainers(ctx, c, "killed the load balancer", c.Outputs().LoadBalancer.Container)
}

// killContainers ends containers as a crash or a power loss would.
func killContainers(
	ctx context.Context, c *cluster.Cluster, what string, victims ...string,
) (Injection, error) {
	return inject(ctx, what,
		func(ctx context.Context) error {
			return parallel.Each(victims, func(victim string) error {
				if err := c.Kill(ctx, victim); err != nil {
					return err
				}
				return awaitState(ctx, c, victim, "exited")
			})
		},
		func(ctx context.Context) error { return startAll(ctx, c, victims) })
}

// stopLeader stops the node that leads the target queue, gracefully.
func stopLeader(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return inject(ctx, fmt.Sprintf("stopped %s, which led %s, gracefully", leader.Name, target.Queue),
		func(ctx context.Context) error { return stopNode(ctx, c, leader) },
		func(ctx context.Context) error { return startAll(ctx, c, []string{leader.Container}) })
}

// rollingRestart stops and starts one node after the other, each when the cluster has recovered from the
// last.
func rollingRestart(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	return inject(ctx, "restarted "+nameList(c.Nodes())+", one after the other",
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
		func(ctx context.Context) error { return startAll(ctx, c, containers(c.Nodes())) })
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
	return awaitState(ctx, c, node.Container, "exited")
}

// pauseLeader freezes the node that leads the target queue: its peers and clients hear nothing, and no
// connection breaks.
func pauseLeader(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return inject(ctx, fmt.Sprintf("froze %s, which led %s", leader.Name, target.Queue),
		func(ctx context.Context) error {
			if err := c.Pause(ctx, leader.Container); err != nil {
				return err
			}
			return awaitState(ctx, c, leader.Container, "paused")
		},
		func(ctx context.Context) error { return thaw(ctx, c, leader.Container) })
}

// thaw unpauses a container that is paused.
func thaw(ctx context.Context, c *cluster.Cluster, containerName string) error {
	state, err := c.State(ctx, containerName)
	if err != nil {
		return err
	}
	if state == "paused" {
		if err := c.Unpause(ctx, containerName); err != nil {
			return err
		}
	}
	return awaitOtherState(ctx, c, containerName, "paused")
}

// startAll starts containers that do not run, all at once: nodes that were killed together may wait for each
// other.
func startAll(ctx context.Context, c *cluster.Cluster, names []string) error {
	return parallel.Each(names, func(name string) error {
		if err := c.Start(ctx, name); err != nil {
			return err
		}
		return awaitState(ctx, c, name, "running")
	})
}

// awaitState waits until a container is in a state.
func awaitState(ctx context.Context, c *cluster.Cluster, containerName, want string) error {
	return await(ctx, effectTimeout, func(ctx context.Context) error {
		state, err := c.State(ctx, containerName)
		if err == nil && state != want {
			err = fmt.Errorf("container %s is %s and should be %s", containerName, state, want)
		}
		return err
	})
}

// awaitOtherState waits until a container is not in a state.
func awaitOtherState(ctx context.Context, c *cluster.Cluster, containerName, unwanted string) error {
	return await(ctx, effectTimeout, func(ctx context.Context) error {
		state, err := c.State(ctx, containerName)
		if err == nil && state == unwanted {
			err = fmt.Errorf("container %s is still %s", containerName, state)
		}
		return err
	})
}

func firstFollower(ctx context.Context, c *cluster.Cluster, target Target) (topology.NodeOutput, error) {
	followers, err := c.Followers(ctx, target.VHost, target.Queue)
	if err != nil {
		return topology.NodeOutput{}, err
	}
	if len(followers) == 0 {
		return topology.NodeOutput{}, fmt.Errorf("queue %q has no followers: it is not replicated", target.Queue)
	}
	return followers[0], nil
}

func containers(nodes []topology.NodeOutput) []string {
	list := make([]string, len(nodes))
	for i, node := range nodes {
		list[i] = node.Container
	}
	return list
}
