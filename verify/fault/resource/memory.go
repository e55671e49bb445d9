package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
)

// glutton is Erlang that uses memory until the kernel ends it. It returns at once.
const glutton = `spawn(fun() -> F = fun F(L) -> F([binary:copy(<<1>>, 67108864) | L]) end, F([]) end), ok.`

// oomTimeout is how long a node may take to use up its memory.
const oomTimeout = 2 * time.Minute

// RunOutOfMemory lets nodes use more memory than their containers may have, so that the kernel kills them.
// The engine starts them again.
func RunOutOfMemory(who effect.Victims) func(context.Context, *cluster.Cluster, effect.Target) (
	effect.Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
		nodes, err := who(ctx, c, target)
		if err != nil {
			return nil, err
		}
		what := effect.NameList(nodes) + " used more memory than it may, and was killed by the kernel"
		return effect.Inject(ctx, what,
			func(ctx context.Context) error {
				return parallel.Each(nodes, func(node topology.NodeOutput) error { return feed(ctx, c, node) })
			},
			func(ctx context.Context) error { return effect.StartAll(ctx, c, effect.Containers(nodes)) })
	}
}

// Limited returns nil if every node's container has a memory limit: without one it would take the memory of
// the machine.
func Limited(c *cluster.Cluster) error {
	for _, node := range c.Nodes() {
		inspected, err := c.Inspect(context.Background(), node.Container)
		if err != nil {
			return err
		}
		if inspected.HostConfig.Memory == 0 {
			return fmt.Errorf("needs a memory limit (warren:memoryLimit), and %s has none", node.Name)
		}
	}
	return nil
}

// feed fills a node's memory and waits until the engine has seen the kernel kill it.
func feed(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	began := time.Now()
	if _, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval", glutton); err != nil {
		// It may be dead before it has answered.
		if killed, _ := outOfMemory(ctx, c, node, began); !killed {
			return err
		}
	}
	return effect.Await(ctx, oomTimeout, func(ctx context.Context) error {
		killed, err := outOfMemory(ctx, c, node, began)
		if err == nil && !killed {
			err = fmt.Errorf("the kernel has not killed %s", node.Name)
		}
		return err
	})
}

// outOfMemory tells whether a container has ended since a moment because it had no memory left.
func outOfMemory(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, since time.Time) (
	bool, error) {
	docker := c.DockerOf(node.Container)
	now, err := docker.Info(ctx) // the engine's clock counts
	if err != nil {
		return false, err
	}
	until := now.SystemTime
	messages, failed := docker.Events(ctx, events.ListOptions{
		Since: strconv.FormatInt(since.Unix()-1, 10), Until: until,
		Filters: filters.NewArgs(filters.Arg("container", node.Container), filters.Arg("event", "oom"),
			filters.Arg("event", "die")),
	})
	seen := map[events.Action]bool{}
	for {
		select {
		case m := <-messages:
			seen[m.Action] = true
		case err := <-failed:
			if errors.Is(err, io.EOF) || err == nil {
				return seen[events.ActionOOM] && seen[events.ActionDie], nil
			}
			return false, fmt.Errorf("ask the engine what became of %s: %w", node.Name, err)
		}
	}
}
