package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/disk/order"
	"warren/verify/fault/swap"
)

// servesOrFails waits until a node that was started serves, and gives up when the engine has started it again
// and again.
func servesOrFails(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	const tries = 2
	return await(ctx, bootTimeout, func(ctx context.Context) error {
		inspected, err := c.Inspect(ctx, node.Container)
		switch {
		case err != nil:
			return err
		case inspected.RestartCount >= tries:
			return wait.Abort(fmt.Errorf("it failed %d times to start", tries))
		case !c.Serves(ctx, node):
			return fmt.Errorf("%s does not serve AMQP clients", node.Name)
		}
		return nil
	})
}

// FlipSegment is FlipBit for the segments of queues. What the queues have is in their node's journal until
// that is full, so it is rolled over first.
func FlipSegment(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
	if err := rollJournals(ctx, c, nodes); err != nil {
		return "", err
	}
	err := awaitFiles(ctx, c, nodes, func(files int) bool { return files > 0 },
		"-path", "*/quorum/*", "-name", "*.segment", "-size", "+1")
	if err != nil {
		return "", err
	}
	return FlipBit(segmentFiles)(ctx, c, nodes)
}

// FlipBit kills nodes, flips a bit in one of the files of each, and starts them again. What comes of that is
// the evidence.
func FlipBit(files string) Damage {
	return func(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
		if err := swap.Kill(ctx, c, nodes); err != nil {
			return "", err
		}
		var evidence []string
		for _, node := range nodes {
			r, err := swap.Tell(ctx, c, node, order.Order{
				Do: order.Flip, Files: files, Seed: uint64(time.Now().UnixNano()),
			})
			if err != nil {
				return "", err
			}
			flipped := r.Flips[len(r.Flips)-1]
			if err := c.Start(ctx, node.Container); err != nil {
				return "", err
			}
			outcome := "serves"
			if err := servesOrFails(ctx, c, node); err != nil {
				outcome = fmt.Sprintf("does not serve (%v)", err)
			}
			if r, err = swap.Tell(ctx, c, node, order.Order{Do: order.Status}); err != nil {
				return "", err
			}
			read := r.Flips[len(r.Flips)-1].Read
			evidence = append(evidence, fmt.Sprintf("byte %d of %s went from %#x to %#x; it was read %d times, "+
				"and %s %s",
				flipped.Offset, flipped.File, flipped.Before, flipped.After, read, node.Name, outcome))
		}
		return strings.Join(evidence, "; "), nil
	}
}
