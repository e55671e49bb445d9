package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"

	"warren/topology"
	"warren/verify/cluster"
)

// resetNode makes a follower forget everything and leave the cluster.
func resetNode(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := firstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("reset %s, which follows in %s", follower.Name, target.Queue)
	return injectMarked(ctx, c, follower, markMember, what,
		func(ctx context.Context) error {
			if err := holdJoin(ctx, c, follower); err != nil {
				return err
			}
			for _, command := range []string{"stop_app", "reset"} {
				if _, err := c.Run(ctx, follower.Container, "rabbitmqctl", command); err != nil {
					return err
				}
			}
			return await(ctx, effectTimeout, func(ctx context.Context) error {
				in, err := member(ctx, c, follower)
				if err == nil && in {
					err = fmt.Errorf("the peers of %s still count it as a member", follower.Name)
				}
				return err
			})
		})
}

// dataDirectory is where a node keeps all it must not lose.
const dataDirectory = "/var/lib/rabbitmq"

// loseVolume kills a follower and empties its volume, as if the disk had been replaced.
func loseVolume(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := firstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("killed %s, which follows in %s, and emptied its volume", follower.Name, target.Queue)
	return injectMarked(ctx, c, follower, markMember, what,
		func(ctx context.Context) error {
			if err := holdJoin(ctx, c, follower); err != nil {
				return err
			}
			if err := c.Kill(ctx, follower.Container); err != nil {
				return err
			}
			return empty(ctx, c, follower)
		})
}

// empty removes all that is in a stopped node's volume.
func empty(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (err error) {
	inspected, err := c.Inspect(ctx, node.Container)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(inspected.Mounts, func(m container.MountPoint) bool { return m.Destination == dataDirectory }) {
		return fmt.Errorf("container %s has no volume at %s", node.Container, dataDirectory)
	}
	id, err := start(ctx, c, node, &container.HostConfig{
		NetworkMode: "none",
		VolumesFrom: []string{node.Container},
		CapDrop:     []string{"ALL"},
		CapAdd:      []string{"DAC_OVERRIDE", "FOWNER"}, // the files belong to another user
	}, "sleep", "infinity")
	if err != nil {
		return fmt.Errorf("open the volume of %s: %w", node.Name, err)
	}
	cleaner := &sidecar{c, id}
	defer func() { err = errors.Join(err, cleaner.close(context.WithoutCancel(ctx))) }()
	left, err := cleaner.run(ctx, `find "$1" -mindepth 1 -delete; find "$1" -mindepth 1`, dataDirectory)
	if err == nil && left != "" {
		err = fmt.Errorf("these are left in the volume of %s: %s", node.Name, left)
	}
	return err
}

// rejoin brings a node back that was reset or lost its data: it becomes a member again, of the type it should be, and
// its replicas take part again.
func rejoin(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	if err := rejoinCluster(ctx, c, node); err != nil {
		return err
	}
	if err := restoreReplicas(ctx, c, node); err != nil {
		return err
	}
	return releaseJoin(ctx, c, node)
}

func rejoinCluster(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	state, err := c.State(ctx, node.Container)
	if err != nil {
		return err
	}
	if state == "running" {
		return startApp(ctx, c, node)
	}
	if err := startAll(ctx, c, []string{node.Container}); err != nil {
		return err
	}
	return serving(ctx, c, node)
}

// restoreReplicas waits until the cluster counts the node as a member again, with its replicas.
func restoreReplicas(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	return await(ctx, bootTimeout, func(ctx context.Context) error {
		in, err := member(ctx, c, node)
		if err == nil && !in {
			err = fmt.Errorf("the peers of %s do not count it as a member", node.Name)
		}
		return err
	})
}

// member tells whether the first other node that answers counts a node as a member.
func member(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (bool, error) {
	var failures []error
	for _, peer := range others(c, node) {
		members, _, err := c.View(ctx, peer)
		if err == nil {
			return slices.Contains(members, node.NodeName), nil
		}
		failures = append(failures, err)
	}
	return false, fmt.Errorf("no peer of %s answers: %w", node.Name, errors.Join(failures...))
}

// joinContainer is the one that watches over a node's membership. It ends when the node leaves the cluster, so that
// the next `pulumi up` repairs it; while a fault takes the node out, it is held.
func joinContainer(node topology.NodeOutput) string { return node.Container + "-join" }

func holdJoin(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	state, err := c.State(ctx, joinContainer(node))
	if err != nil || state != "running" {
		return err
	}
	return c.Pause(ctx, joinContainer(node))
}

func releaseJoin(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	return thaw(ctx, c, joinContainer(node))
}
