// Package fault breaks a running cluster on purpose, in the ways that clusters break: processes die or
// freeze, networks split, lose packets or slow down, memory and disks run full, operators restart and reset
// nodes.
//
// A Fault is a value in a table. Injecting it and healing it both verify, by a measurement of their own, that
// they took effect: a partition that cuts nothing is an error, not a pass. What a killed process left behind
// is found and healed by HealAll.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/checker"
)

// Fault is one way to break a cluster.
type Fault struct {
	// Name is what the user calls it by, such as "leader-killed".
	Name string
	// Description is one sentence that says what is done.
	Description string
	// Hold is the shortest time the fault must stay in for its consequences to show; 0 where they show at once.
	Hold time.Duration
	// Expect is what the cluster owes its clients meanwhile, beyond losing nothing that it confirmed.
	Expect checker.Expectation
	// Available returns nil if the fault can be injected into this cluster, else an error that says why not.
	Available func(*cluster.Cluster) error
	// Inject breaks the cluster and returns when that is seen to have taken effect. On an error it has healed
	// what it did, as far as that was possible. Faults that are an action, such as a rolling restart, happen
	// within Inject.
	Inject func(context.Context, *cluster.Cluster, Target) (Injection, error)
	// LyingDisks says that the nodes must be on disks that can be told to lie: see PutOnLyingDisks.
	LyingDisks bool
}

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

// Bounds on the parts of injecting and healing. They are for a cluster that is slow, not for one that hangs.
const (
	// effectTimeout is how long a fault may take to be seen.
	effectTimeout = 30 * time.Second
	// healTimeout bounds healing what a failed injection had done.
	healTimeout = 5 * time.Minute
	// stopGrace is how long a node may take to drain and stop by itself.
	stopGrace = 2 * time.Minute
	// bootTimeout is how long a node may take to come back and serve.
	bootTimeout = 5 * time.Minute
)

// injection is a fault in effect that a function heals.
type injection struct {
	what string
	heal func(context.Context) error
}

func (i *injection) String() string { return i.what }

func (i *injection) Heal(ctx context.Context) error {
	if err := i.heal(ctx); err != nil {
		return fmt.Errorf("heal (%s): %w", i.what, err)
	}
	return nil
}

// inject runs do, and heals if it fails.
func inject(ctx context.Context, what string, do, heal func(context.Context) error) (Injection, error) {
	injected := &injection{what, heal}
	if err := do(ctx); err != nil {
		healCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("inject (%s): %w", what, err), injected.Heal(healCtx))
	}
	return injected, nil
}

// await polls until check returns nil, for at most timeout.
func await(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	return wait.Within(ctx, timeout, pollEvery, "the effect", check)
}

// pollEvery is short, for the moment at which a fault takes effect is the start of what is measured.
const pollEvery = 100 * time.Millisecond

// nameList lists nodes for people.
func nameList(nodes []topology.NodeOutput) string {
	list := make([]string, len(nodes))
	for i, node := range nodes {
		list[i] = node.Name
	}
	return strings.Join(list, ", ")
}
