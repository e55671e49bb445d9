package fault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault/effect"
	"warren/verify/fault/packet"
	"warren/verify/fault/resource"
)

// resetNode makes a follower forget everything and leave the cluster.
func resetNode(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := effect.FirstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("reset %s, which follows in %s", follower.Name, target.Queue)
	return injectMarked(ctx, c, follower, markMember, what,
		func(ctx context.Context) error {
			if err := pauseMembership(ctx, c, follower); err != nil {
				return err
			}
			for _, command := range []string{"stop_app", "reset"} {
				if _, err := c.Run(ctx, follower.Container, "rabbitmqctl", command); err != nil {
					return err
				}
			}
			return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
				in, err := isMember(ctx, c, follower)
				if err == nil && in {
					err = fmt.Errorf("the peers of %s still count it as a member", follower.Name)
				}
				return err
			})
		})
}

// loseVolume kills a follower and empties its volume, as if the disk had been replaced.
func loseVolume(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := effect.FirstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("killed %s, which follows in %s, and emptied its volume", follower.Name, target.Queue)
	return injectMarked(ctx, c, follower, markMember, what,
		func(ctx context.Context) error {
			if err := pauseMembership(ctx, c, follower); err != nil {
				return err
			}
			if err := c.Kill(ctx, follower.Container); err != nil {
				return err
			}
			return emptyVolume(ctx, c, follower)
		})
}

// emptyVolume removes all that is in a stopped node's volume.
func emptyVolume(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (err error) {
	inspected, err := c.Inspect(ctx, node.Container)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(inspected.Mounts, func(m container.MountPoint) bool {
		return m.Destination == topology.DataPath
	}) {
		return fmt.Errorf("container %s has no volume at %s", node.Container, topology.DataPath)
	}
	cleaner, err := packet.OpenVolume(ctx, c, node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleaner.Close(context.WithoutCancel(ctx))) }()
	left, err := cleaner.Run(ctx, `find "$1" -mindepth 1 -delete; find "$1" -mindepth 1`, topology.DataPath)
	if err == nil && left != "" {
		err = fmt.Errorf("these are left in the volume of %s: %s", node.Name, left)
	}
	return err
}

// rejoin brings a node back that was reset or lost its data: it becomes a member again, of the type it should
// be, and its replicas take part again.
func rejoin(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	state, err := c.State(ctx, node.Container)
	if err != nil {
		return err
	}
	if state == "running" {
		err = startApp(ctx, c, node)
	} else if err = effect.StartAll(ctx, c, []string{node.Container}); err == nil {
		err = awaitServing(ctx, c, node)
	}
	if err != nil {
		return err
	}
	err = effect.Await(ctx, bootTimeout, func(ctx context.Context) error {
		in, err := isMember(ctx, c, node)
		if err == nil && !in {
			err = fmt.Errorf("the peers of %s do not count it as a member", node.Name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := restoreType(ctx, c, node); err != nil {
		return err
	}
	if err := restoreReplicas(ctx, c, node); err != nil {
		return err
	}
	return resumeMembership(ctx, c, node)
}

// restoreType makes a node a RAM node again: one that joins by itself becomes a disc node.
func restoreType(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	var actual string
	err := effect.Await(ctx, bootTimeout, func(ctx context.Context) error {
		info, err := c.Management(ctx, node).GetNode(node.NodeName)
		if err != nil { // the management API starts after the AMQP listeners
			return fmt.Errorf("ask %s for its type: %w", node.Name, err)
		}
		actual = info.NodeType
		return nil
	})
	if err != nil || actual == string(node.Type) {
		return err
	}
	for _, command := range [][]string{{"stop_app"}, {"change_cluster_node_type", string(node.Type)}} {
		if _, err := c.Run(ctx, node.Container, append([]string{"rabbitmqctl"}, command...)...); err != nil {
			return err
		}
	}
	return startApp(ctx, c, node)
}

// replicaTimeout is how long replicas may take that come back by themselves, as they do in series 4.3 after a
// reset.
const replicaTimeout = time.Minute

// restoreReplicas waits until the node's replicas take part. Those that do not, because the cluster knows
// them and the node does not, are taken out of their queues; those that queues lack are put back.
func restoreReplicas(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	peer := effect.PeersOf(c, node)[0]
	err := effect.Await(ctx, replicaTimeout, func(ctx context.Context) error {
		return replicasOnline(ctx, c, peer, node)
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	queues, err := c.Queues(ctx, peer)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(queues, func(q cluster.Queue) bool { return offline(q, node) }) {
		if _, err := c.Run(ctx, peer.Container, "rabbitmq-queues", "shrink", node.NodeName,
			"--errors-only"); err != nil {
			return err
		}
		if queues, err = c.Queues(ctx, peer); err != nil {
			return err
		}
	}
	for vhost, names := range lacking(queues, len(c.Nodes())) {
		_, err := c.Run(ctx, peer.Container, "rabbitmq-queues", "grow", node.NodeName, "all", "--errors-only",
			"--vhost-pattern", pattern(vhost), "--queue-pattern", pattern(names...))
		if err != nil {
			return err
		}
	}
	return effect.Await(ctx, bootTimeout, func(ctx context.Context) error {
		return replicasOnline(ctx, c, peer, node)
	})
}

// replicasOnline returns nil if all replicas that a node should have take part.
func replicasOnline(ctx context.Context, c *cluster.Cluster, peer, node topology.NodeOutput) error {
	queues, err := c.Queues(ctx, peer)
	if err != nil {
		return err
	}
	for _, queue := range queues {
		if offline(queue, node) {
			return fmt.Errorf("the replica of %s on %s does not take part", queue, node.Name)
		}
	}
	for vhost, names := range lacking(queues, len(c.Nodes())) {
		return fmt.Errorf("queues in vhost %q lack replicas: %s", vhost, strings.Join(names, ", "))
	}
	return nil
}

// offline tells whether a queue counts on a replica on a node, which does not take part.
func offline(queue cluster.Queue, node topology.NodeOutput) bool {
	return slices.Contains(queue.Members, node.NodeName) && !slices.Contains(queue.Online, node.NodeName)
}

// lacking returns the quorum queues that have fewer replicas than they should, by vhost.
func lacking(queues []cluster.Queue, nodes int) map[string][]string {
	found := map[string][]string{}
	for _, queue := range queues {
		if queue.Type == "quorum" && queue.Lacks(nodes) > 0 {
			found[queue.VHost] = append(found[queue.VHost], queue.Name)
		}
	}
	return found
}

// pattern is a regular expression that matches names and nothing else.
func pattern(names ...string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}

// isMember tells whether the first other node that answers counts a node as a member.
func isMember(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (bool, error) {
	var failures []error
	for _, peer := range effect.PeersOf(c, node) {
		members, _, err := health.View(ctx, c, peer)
		if err == nil {
			return slices.Contains(members, node.NodeName), nil
		}
		failures = append(failures, err)
	}
	return false, fmt.Errorf("no peer of %s answers: %w", node.Name, errors.Join(failures...))
}

// pauseMembership freezes the container that watches a node's membership, for the time that a fault takes the
// node out of the cluster. It would end, and the stack would no longer be as Pulumi left it.
func pauseMembership(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	state, err := c.State(ctx, node.Membership)
	if err != nil || state != "running" {
		return err
	}
	return c.Pause(ctx, node.Membership)
}

func resumeMembership(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	return resource.Thaw(ctx, c, node.Membership)
}
