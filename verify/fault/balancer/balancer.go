// Package balancer breaks the load balancer in other ways than by killing it.
package balancer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/verify/fault/effect"
	"warren/verify/fault/resource"
)

// Pause freezes HAProxy: its connections stay open, and nothing comes through.
func Pause(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	return resource.PauseContainers(ctx, c, "froze the load balancer", []string{name(c)})
}

// Throttle leaves HAProxy a tenth of one processor.
func Throttle(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	return resource.ThrottleContainers(ctx, c, "left the load balancer a tenth of one processor",
		[]string{name(c)}, resource.Tenth)
}

func name(c *cluster.Cluster) string { return c.Outputs().LoadBalancer.Container }

// reloadEvery is the time between two reloads.
const reloadEvery = 2 * time.Second

// Reload has HAProxy read its configuration again and again: each time a new process takes the new
// connections, and the old one goes when its connections have ended, or after its hard-stop-after.
func Reload(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	// A fault goes on when Inject has returned, and ends when it is healed.
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loop sync.WaitGroup
	var failure error
	injected, err := effect.Inject(ctx, fmt.Sprintf("reloaded the load balancer every %s", reloadEvery),
		func(ctx context.Context) error {
			if err := reload(ctx, c); err != nil {
				return err
			}
			loop.Go(func() {
				for failure == nil && wait.Sleep(looping, reloadEvery) == nil {
					if err := reload(looping, c); looping.Err() == nil {
						failure = err
					}
				}
			})
			return nil
		},
		func(ctx context.Context) error {
			stop()
			loop.Wait()
			if failure != nil {
				err := failure
				failure = nil // it is told once
				return err
			}
			return effect.StartAll(ctx, c, []string{name(c)})
		})
	return injected, err
}

// reload sends HAProxy's master the signal to reload, and waits until it has a worker that it had not before.
func reload(ctx context.Context, c *cluster.Cluster) error {
	before, err := processes(ctx, c)
	if err != nil {
		return err
	}
	if err := c.DockerOf(name(c)).ContainerKill(ctx, name(c), "SIGUSR2"); err != nil {
		return fmt.Errorf("reload the load balancer: %w", err)
	}
	return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
		now, err := processes(ctx, c)
		if err == nil && !slices.ContainsFunc(now, func(id string) bool { return !slices.Contains(before, id) }) {
			err = fmt.Errorf("the load balancer has no new process (%s)", strings.Join(now, ", "))
		}
		return err
	})
}

// processes are the process IDs in HAProxy's container.
func processes(ctx context.Context, c *cluster.Cluster) ([]string, error) {
	top, err := c.DockerOf(name(c)).ContainerTop(ctx, name(c), []string{"-eo", "pid"})
	if err != nil {
		return nil, fmt.Errorf("list the processes of the load balancer: %w", err)
	}
	var ids []string
	for _, process := range top.Processes {
		ids = append(ids, process[0])
	}
	return ids, nil
}
