package resource

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/verify/fault/effect"
)

const (
	// throttlePeriod is the period of the quota, in microseconds. Nobody else uses such a period, so that a
	// quota which a killed run has left behind is told from an operator's.
	throttlePeriod = 99_991
	// usualPeriod is the engine's default, in microseconds.
	usualPeriod = 100_000
	// Tenth is the part of one processor that is left.
	Tenth = 0.1
)

// Throttle leaves nodes a tenth of one processor until it is healed.
func Throttle(who effect.Victims) func(context.Context, *cluster.Cluster, effect.Target) (
	effect.Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
		nodes, err := who(ctx, c, target)
		if err != nil {
			return nil, err
		}
		return ThrottleContainers(ctx, c, fmt.Sprintf("left %s a tenth of one processor", effect.NameList(nodes)),
			effect.Containers(nodes), Tenth)
	}
}

// ThrottleContainers leaves each of some containers a share of one processor until it is healed. It is in
// effect when the kernel has held each of them back.
func ThrottleContainers(ctx context.Context, c *cluster.Cluster, what string, names []string, share float64) (
	effect.Injection, error) {
	return effect.Inject(ctx, what,
		func(ctx context.Context) error {
			return parallel.Each(names, func(name string) error { return throttle(ctx, c, name, share) })
		},
		func(ctx context.Context) error {
			return parallel.Each(names, func(name string) error { return Release(ctx, c, name) })
		})
}

func throttle(ctx context.Context, c *cluster.Cluster, name string, share float64) error {
	inspected, err := c.Inspect(ctx, name)
	if err != nil {
		return err
	}
	if r := inspected.HostConfig.Resources; r.NanoCPUs > 0 || r.CPUQuota > 0 && !throttled(r) {
		return fmt.Errorf("container %s has a limit of processor time already, which would be lost", name)
	}
	before, err := heldBack(ctx, c, name)
	if err != nil {
		return err
	}
	if err := limit(ctx, c, name, throttlePeriod, int64(share*throttlePeriod)); err != nil {
		return err
	}
	return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
		// What is idle is not held back.
		if _, err := c.Exec(ctx, name, "timeout", "0.5", "sh", "-c", "while :; do :; done"); err != nil {
			return err
		}
		now, err := heldBack(ctx, c, name)
		if err == nil && now <= before {
			err = fmt.Errorf("the kernel has not held container %s back", name)
		}
		return err
	})
}

// Throttled tells whether a container has the limit that Throttle sets. One that is not there has none, nor
// has one on a host that does not answer, as far as is known.
func Throttled(ctx context.Context, c *cluster.Cluster, name string) (bool, error) {
	state, err := c.State(ctx, name)
	if err != nil || state == cluster.StateMissing || state == cluster.StateUnreachable {
		return false, err
	}
	inspected, err := c.Inspect(ctx, name)
	if err != nil {
		return false, err
	}
	return throttled(inspected.HostConfig.Resources), nil
}

func throttled(r container.Resources) bool { return r.CPUPeriod == throttlePeriod }

// Release takes the limit that Throttle has set from a container, and is content if there is none.
func Release(ctx context.Context, c *cluster.Cluster, name string) error {
	is, err := Throttled(ctx, c, name)
	if err != nil || !is {
		return err
	}
	if err := limit(ctx, c, name, usualPeriod, -1); err != nil {
		return err
	}
	if is, err = Throttled(ctx, c, name); err == nil && is {
		err = fmt.Errorf("container %s still has its limit of processor time", name)
	}
	return err
}

// limit sets the time that a container may use in each period, in microseconds; -1 for all of it.
func limit(ctx context.Context, c *cluster.Cluster, name string, period, quota int64) error {
	_, err := c.DockerOf(name).ContainerUpdate(ctx, name, container.UpdateConfig{
		Resources: container.Resources{CPUPeriod: period, CPUQuota: quota},
	})
	if err != nil {
		return fmt.Errorf("limit the processor time of container %s: %w", name, err)
	}
	return nil
}

// heldBack is in how many periods the kernel has held a container back.
func heldBack(ctx context.Context, c *cluster.Cluster, name string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	stats, err := Stats(ctx, c, name)
	return stats.CPUStats.ThrottlingData.ThrottledPeriods, err
}

// statsTimeout is how long the engine may take to tell what a container uses.
const statsTimeout = 10 * time.Second
