// Package resource takes from nodes what they live on: processor time, memory, and time itself.
package resource

import (
	"context"
	"fmt"
	"time"

	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
)

// Pause freezes all processes of nodes until it is healed: their peers and clients hear nothing, and no
// connection breaks.
func Pause(who effect.Victims) func(context.Context, *cluster.Cluster, effect.Target) (
	effect.Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
		nodes, err := who(ctx, c, target)
		if err != nil {
			return nil, err
		}
		return PauseContainers(ctx, c, "froze "+effect.NameList(nodes), effect.Containers(nodes))
	}
}

// PauseContainers freezes all processes of containers until it is healed.
func PauseContainers(ctx context.Context, c *cluster.Cluster, what string, names []string) (
	effect.Injection, error) {
	return effect.Inject(ctx, what,
		func(ctx context.Context) error {
			return parallel.Each(names, func(name string) error {
				if err := c.Pause(ctx, name); err != nil {
					return err
				}
				return effect.AwaitState(ctx, c, name, "paused")
			})
		},
		func(ctx context.Context) error {
			return parallel.Each(names, func(name string) error { return Thaw(ctx, c, name) })
		})
}

// PauseFor freezes all processes of nodes for some time. The fault is over when it returns, and says how long
// it really took.
func PauseFor(length time.Duration, who effect.Victims) func(
	context.Context, *cluster.Cluster, effect.Target) (effect.Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
		nodes, err := who(ctx, c, target)
		if err != nil {
			return nil, err
		}
		thaw := func(ctx context.Context) error { return thawAll(ctx, c, nodes) }
		injected := &effect.Injected{Undo: thaw}
		began := time.Now()
		_, err = effect.Inject(ctx, "froze "+effect.NameList(nodes), func(ctx context.Context) error {
			if err := parallel.Each(nodes, func(node topology.NodeOutput) error {
				return c.Pause(ctx, node.Container)
			}); err != nil {
				return err
			}
			// Asking the engine for the state would take as long as the shortest pauses. It has said that they
			// are frozen.
			if err := wait.Sleep(ctx, length-time.Since(began)); err != nil {
				return err
			}
			return thaw(context.WithoutCancel(ctx))
		}, thaw)
		injected.What = fmt.Sprintf("froze %s for %s", effect.NameList(nodes),
			time.Since(began).Round(time.Millisecond))
		if err != nil {
			return nil, err
		}
		return injected, nil
	}
}

func thawAll(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) error {
	return parallel.Each(nodes, func(node topology.NodeOutput) error { return Thaw(ctx, c, node.Container) })
}

// Thaw unpauses a container that is paused.
func Thaw(ctx context.Context, c *cluster.Cluster, containerName string) error {
	state, err := c.State(ctx, containerName)
	if err != nil {
		return err
	}
	if state == "paused" {
		if err := c.Unpause(ctx, containerName); err != nil {
			return err
		}
	}
	return effect.AwaitOtherState(ctx, c, containerName, "paused")
}
