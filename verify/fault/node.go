package fault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
)

// stopApp stops RabbitMQ on the target queue's leader, and leaves the Erlang node up.
func stopApp(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return injectMarked(ctx, c, leader, markApp,
		fmt.Sprintf("stopped RabbitMQ on %s, which led %s", leader.Name, target.Queue),
		func(ctx context.Context) error {
			if _, err := c.Run(ctx, leader.Container, "rabbitmqctl", "stop_app"); err != nil {
				return err
			}
			return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
				if c.Serves(ctx, leader) {
					return fmt.Errorf("%s still serves AMQP clients", leader.Name)
				}
				return nil
			})
		})
}

// startApp starts RabbitMQ on a node whose container runs, and waits until it serves. If the container was
// only just started, its Erlang node may still be on its way up, and start RabbitMQ by itself.
func startApp(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	err := effect.Await(ctx, bootTimeout, func(ctx context.Context) error {
		if c.Serves(ctx, node) {
			return nil
		}
		_, err := c.Run(ctx, node.Container, "rabbitmqctl", "start_app")
		return err
	})
	if err != nil {
		return err
	}
	return awaitServing(ctx, c, node)
}

// awaitServing waits until a node listens for AMQP clients.
func awaitServing(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	return effect.Await(ctx, bootTimeout, func(ctx context.Context) error {
		if !c.Serves(ctx, node) {
			return fmt.Errorf("%s does not serve AMQP clients", node.Name)
		}
		return nil
	})
}

// Limits that every node violates.
const (
	tinyMemory = "1MB"
	hugeDisk   = "1000000GB"
)

// raiseMemoryAlarm lets the target queue's leader run out of the memory it may use.
func raiseMemoryAlarm(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("set the memory limit of %s, which led %s, to %s", leader.Name, target.Queue, tinyMemory)
	return injectMarked(ctx, c, leader, markMemory, what,
		func(ctx context.Context) error {
			_, err := c.Run(ctx, leader.Container, "rabbitmqctl", "set_vm_memory_high_watermark",
				"absolute", tinyMemory)
			if err != nil {
				return err
			}
			return alarm(ctx, c, leader, "memory", true)
		})
}

// restoreMemory gives a node back the memory limit that it is configured with.
func restoreMemory(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	_, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval",
		"{ok, Limit} = application:get_env(rabbit, vm_memory_high_watermark), "+
			"ok = vm_memory_monitor:set_vm_memory_high_watermark(Limit).")
	if err != nil {
		return err
	}
	return alarm(ctx, c, node, "memory", false)
}

// raiseDiskAlarm lets the target queue's leader run out of disk.
func raiseDiskAlarm(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("set the free disk limit of %s, which led %s, to %s", leader.Name,
		target.Queue, hugeDisk)
	return injectMarked(ctx, c, leader, markDisk, what,
		func(ctx context.Context) error {
			if _, err := c.Run(ctx, leader.Container, "rabbitmqctl", "set_disk_free_limit", hugeDisk); err != nil {
				return err
			}
			return alarm(ctx, c, leader, "disk", true)
		})
}

// restoreDisk gives a node back the disk limit that it is configured with.
func restoreDisk(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	_, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval",
		"{ok, Limit} = application:get_env(rabbit, disk_free_limit), ok = "+
			"rabbit_disk_monitor:set_disk_free_limit(Limit).")
	if err != nil {
		return err
	}
	return alarm(ctx, c, node, "disk", false)
}

// alarm waits until a node's own health check shows an alarm, or shows it no more.
func alarm(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, resource string, want bool,
) error {
	return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
		check, err := c.Management(ctx, node).HealthCheckLocalAlarms()
		if err != nil {
			return fmt.Errorf("ask %s for its alarms: %w", node.Name, err)
		}
		shown := slices.ContainsFunc(check.Alarms, func(alarm rabbithole.AlarmInEffect) bool {
			return strings.HasPrefix(alarm.Resource, resource) // "memory", "disk space"
		})
		if shown != want {
			if want {
				return fmt.Errorf("%s: expected a %s alarm, found none", node.Name, resource)
			}
			return fmt.Errorf("%s: expected no %s alarm, found one", node.Name, resource)
		}
		return nil
	})
}
