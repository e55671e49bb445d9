// Package effect is what all faults have in common: they are injected, seen to be in effect, and healed.
package effect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// Target is the queue that carries the traffic: "the leader" is its leader.
type Target struct {
	VHost, Queue string
}

// Injection is a fault that is in effect.
type Injection interface {
	// String says what was done to whom, such as "killed rabbit2, which led ha_queue".
	String() string
	// Heal undoes the fault and returns when that is seen to have taken effect; whether the cluster has
	// recovered is for health.WaitHealthy to say. It may be called again. Give it a context that outlives an
	// interrupt.
	Heal(context.Context) error
}

// Injected is a fault in effect that a function heals.
type Injected struct {
	// What says what was done to whom.
	What string
	// Undo heals.
	Undo func(context.Context) error
}

// String implements Injection.
func (i *Injected) String() string { return i.What }

// Heal implements Injection.
func (i *Injected) Heal(ctx context.Context) error {
	if err := i.Undo(ctx); err != nil {
		return fmt.Errorf("heal (%s): %w", i.What, err)
	}
	return nil
}

// Bounds on injecting and healing. They are for a cluster that is slow, not for one that hangs.
const (
	// Timeout is how long a fault may take to be seen.
	Timeout = 30 * time.Second
	// healTimeout bounds healing what a failed injection had done.
	healTimeout = 5 * time.Minute
)

// Inject runs do, and heals if it fails.
func Inject(ctx context.Context, what string, do, heal func(context.Context) error) (Injection, error) {
	injected := &Injected{what, heal}
	if err := do(ctx); err != nil {
		healCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("inject (%s): %w", what, err), injected.Heal(healCtx))
	}
	return injected, nil
}

// pollEvery is short, for the moment at which a fault takes effect is the start of what is measured.
const pollEvery = 100 * time.Millisecond

// Await polls until check returns nil, for at most timeout.
func Await(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	return wait.Within(ctx, timeout, pollEvery, "the effect", check)
}

// AwaitState waits until a container is in a state.
func AwaitState(ctx context.Context, c *cluster.Cluster, containerName, want string) error {
	return Await(ctx, Timeout, func(ctx context.Context) error {
		state, err := c.State(ctx, containerName)
		if err == nil && state != want {
			err = fmt.Errorf("container %s is %s and should be %s", containerName, state, want)
		}
		return err
	})
}

// AwaitOtherState waits until a container is not in a state.
func AwaitOtherState(ctx context.Context, c *cluster.Cluster, containerName, unwanted string) error {
	return Await(ctx, Timeout, func(ctx context.Context) error {
		state, err := c.State(ctx, containerName)
		if err == nil && state == unwanted {
			err = fmt.Errorf("container %s is still %s", containerName, state)
		}
		return err
	})
}

// PeersOf returns the stack's nodes but one.
func PeersOf(c *cluster.Cluster, than topology.NodeOutput) []topology.NodeOutput {
	var rest []topology.NodeOutput
	for _, node := range c.Nodes() {
		if node.Name != than.Name {
			rest = append(rest, node)
		}
	}
	return rest
}

// FirstFollower is a node that follows in the target queue.
func FirstFollower(ctx context.Context, c *cluster.Cluster, target Target) (topology.NodeOutput, error) {
	followers, err := c.Followers(ctx, target.VHost, target.Queue)
	if err != nil {
		return topology.NodeOutput{}, err
	}
	if len(followers) == 0 {
		return topology.NodeOutput{}, fmt.Errorf("queue %q has no followers: it is not replicated", target.Queue)
	}
	return followers[0], nil
}

// NameList lists nodes for people.
func NameList(nodes []topology.NodeOutput) string {
	list := make([]string, len(nodes))
	for i, node := range nodes {
		list[i] = node.Name
	}
	return strings.Join(list, ", ")
}

// Containers are the containers of nodes.
func Containers(nodes []topology.NodeOutput) []string {
	list := make([]string, len(nodes))
	for i, node := range nodes {
		list[i] = node.Container
	}
	return list
}

// StartAll starts containers that do not run, all at once: nodes that were killed together may wait for each
// other.
func StartAll(ctx context.Context, c *cluster.Cluster, names []string) error {
	return parallel.Each(names, func(name string) error {
		if err := c.Start(ctx, name); err != nil {
			return err
		}
		return AwaitState(ctx, c, name, "running")
	})
}
