package swap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/disk/order"
)

// PutAll puts all nodes on lying disks that are not on one. They are killed for that, all at once, and
// started again. It tells whether there were any.
func PutAll(ctx context.Context, c *cluster.Cluster) (put bool, err error) {
	on, err := Nodes(ctx, c)
	if err != nil {
		return false, err
	}
	var off []topology.NodeOutput
	for _, node := range c.Nodes() {
		if !slices.ContainsFunc(on, func(n topology.NodeOutput) bool { return n.Name == node.Name }) {
			off = append(off, node)
		}
	}
	if len(off) == 0 {
		return false, nil
	}
	for _, step := range []func(topology.NodeOutput) error{
		func(node topology.NodeOutput) error { return Kill(ctx, c, []topology.NodeOutput{node}) },
		func(node topology.NodeOutput) error { return Put(ctx, c, node) },
		func(node topology.NodeOutput) error { return c.Start(ctx, node.Container) },
		func(node topology.NodeOutput) error { return sees(ctx, c, node) },
	} {
		if err := parallel.Each(off, step); err != nil {
			return false, err
		}
	}
	return true, nil
}

// sees makes sure that a node's data is on its lying disk.
func sees(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	mounted := " " + topology.DataPath + " fuse.lyingdisk "
	if _, err := c.Run(ctx, node.Container, "grep", "-q", mounted, "/proc/mounts"); err != nil {
		return fmt.Errorf("the data of %s is not on the lying disk: %w", node.Name, err)
	}
	return nil
}

// TakeAll takes all nodes off their disks. Those do not run afterwards.
func TakeAll(ctx context.Context, c *cluster.Cluster) error {
	on, err := Nodes(ctx, c)
	if err != nil || len(on) == 0 {
		return err
	}
	return parallel.Each(on, func(node topology.NodeOutput) error {
		// A disk whose process is gone has nothing to clear.
		_, _ = Tell(ctx, c, node, order.Order{Do: order.Clear})
		return errors.Join(Kill(ctx, c, []topology.NodeOutput{node}), Take(ctx, c, node))
	})
}

// Kill kills those of the nodes that run, all at once, and returns when they are gone.
func Kill(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) error {
	return parallel.Each(nodes, func(node topology.NodeOutput) error {
		state, err := c.State(ctx, node.Container)
		if err != nil || (state != "running" && state != "restarting") {
			return err
		}
		return c.Kill(ctx, node.Container)
	})
}

// TellAll gives the disks of nodes an order, all at once.
func TellAll(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput, o order.Order) error {
	return parallel.Each(nodes, func(node topology.NodeOutput) error {
		_, err := Tell(ctx, c, node, o)
		return err
	})
}
