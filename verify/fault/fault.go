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
	"time"

	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/fault/effect"
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
type Target = effect.Target

// Injection is a fault that is in effect.
type Injection = effect.Injection

// Bounds on the parts of injecting and healing. They are for a cluster that is slow, not for one that hangs.
const (
	// stopGrace is how long a node may take to drain and stop by itself.
	stopGrace = 2 * time.Minute
	// bootTimeout is how long a node may take to come back and serve.
	bootTimeout = 5 * time.Minute
)
