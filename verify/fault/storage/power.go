// Package storage damages the disks of nodes that are on disks that can be told to lie, and finds the
// evidence that it took effect.
package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/disk/order"
	"warren/verify/fault/swap"
)

// Files of a node, by their paths in its volume.
const (
	// JournalFiles are those of the queues.
	JournalFiles = `.*/quorum/[^/]*/[^/]*\.wal`
	segmentFiles = `.*/quorum/.*\.segment`
	// MetadataFiles are those of the metadata store.
	MetadataFiles = `.*/coordination/.*\.(wal|segment)`
)

// Limits of waiting, for a slow machine.
const (
	effectTimeout = time.Minute
	bootTimeout   = 5 * time.Minute
	pollEvery     = 100 * time.Millisecond
)

// Damage damages the disks of nodes and returns the evidence that it took effect.
type Damage func(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error)

// await polls until check returns nil, for at most limit.
func await(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	return wait.Within(ctx, limit, pollEvery, "the effect", check)
}

// laggingSync delays syncs for so long that there is something to lose when the power fails.
const laggingSync = 300 * time.Millisecond

// LosePower cuts the power of nodes at a moment at which each has something that is not synced.
func LosePower(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
	if err := swap.TellAll(ctx, c, nodes,
		order.Order{Do: order.Slow, Op: "fsync", Delay: laggingSync}); err != nil {
		return "", err
	}
	err := await(ctx, effectTimeout, func(ctx context.Context) error {
		return parallel.Each(nodes, func(node topology.NodeOutput) error {
			r, err := swap.Tell(ctx, c, node, order.Order{Do: order.Status})
			if err == nil && len(r.Unsynced) == 0 {
				err = fmt.Errorf("%s has synced all that it has written", node.Name)
			}
			return err
		})
	})
	if err != nil {
		return "", err
	}
	if err := swap.TellAll(ctx, c, nodes, order.Order{Do: order.Cut}); err != nil {
		return "", err
	}
	return killAndLose(ctx, c, nodes)
}

// rollJournals has nodes write what is in their journals into the segments of the queues, and start new
// journals.
func rollJournals(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) error {
	return parallel.Each(nodes, func(node topology.NodeOutput) error {
		_, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval",
			"#{names := #{wal := Wal}} = ra_system:fetch(quorum_queues), ra_log_wal:force_roll_over(Wal).")
		return err
	})
}

// awaitFiles waits until the files in the data of nodes that find(1) finds are as they should be.
func awaitFiles(
	ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput, enough func(files int) bool,
	options ...string) error {
	return parallel.Each(nodes, func(node topology.NodeOutput) error {
		return await(ctx, effectTimeout, func(ctx context.Context) error {
			found, err := c.Run(ctx, node.Container, append([]string{"find", topology.DataPath}, options...)...)
			if err == nil && !enough(len(strings.Fields(found))) {
				err = fmt.Errorf("%s has %d files with %s", node.Name, len(strings.Fields(found)),
					strings.Join(options, " "))
			}
			return err
		})
	})
}

// killAndLose kills nodes whose power is cut, and loses what they had not synced.
func killAndLose(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
	if err := swap.Kill(ctx, c, nodes); err != nil {
		return "", err
	}
	var mu sync.Mutex
	var evidence []string
	lost := 0
	err := parallel.Each(nodes, func(node topology.NodeOutput) error {
		var r order.Report
		// The kernel closes the files of a process that was killed when it gets to it.
		err := await(ctx, effectTimeout, func(ctx context.Context) (err error) {
			r, err = swap.Tell(ctx, c, node, order.Order{Do: order.Lose})
			return err
		})
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		lost += len(r.Lost.Files) + len(r.Lost.Names)
		text := fmt.Sprintf("%s lost %d bytes of %d files and %d directory entries",
			node.Name, r.Lost.Bytes, len(r.Lost.Files), len(r.Lost.Names))
		if r.Lost.Torn != "" {
			lost++
			text += ", and has half of the last write to " + r.Lost.Torn
		}
		evidence = append(evidence, text)
		return nil
	})
	if err == nil && lost == 0 {
		err = errors.New("nothing was lost: all was synced")
	}
	return strings.Join(evidence, "; "), err
}

// TearWrite cuts the power of a node in the middle of a write to its journal.
func TearWrite(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
	if err := swap.TellAll(ctx, c, nodes, order.Order{Do: order.Tear, Files: JournalFiles}); err != nil {
		return "", err
	}
	err := await(ctx, effectTimeout, func(ctx context.Context) error {
		return parallel.Each(nodes, func(node topology.NodeOutput) error {
			r, err := swap.Tell(ctx, c, node, order.Order{Do: order.Status})
			if err == nil && r.Power {
				err = fmt.Errorf("%s has not written to its journal", node.Name)
			}
			return err
		})
	})
	if err != nil {
		return "", err
	}
	return killAndLose(ctx, c, nodes)
}

// Impair gives the disks of nodes an order that makes them bad, and waits until that has hit an operation.
func Impair(o order.Order) Damage {
	return func(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) (string, error) {
		if err := swap.TellAll(ctx, c, nodes, o); err != nil {
			return "", err
		}
		var hits int64
		err := await(ctx, effectTimeout, func(ctx context.Context) error {
			hits = 0
			for _, node := range nodes {
				r, err := swap.Tell(ctx, c, node, order.Order{Do: order.Status})
				if err != nil {
					return err
				}
				if r.Hit == 0 {
					return fmt.Errorf("nothing on the disk of %s has suffered", node.Name)
				}
				hits += r.Hit
			}
			return nil
		})
		return fmt.Sprintf("%d operations suffered at once", hits), err
	}
}
