package fault

import (
	"time"

	"warren/verify/checker"
	"warren/verify/fault/balancer"
	"warren/verify/fault/effect"
	"warren/verify/fault/network"
	"warren/verify/fault/resource"
	"warren/verify/history"
)

// Strain returns the faults of machines and networks that are overloaded rather than broken. Nothing dies, or
// it comes back by itself.
func Strain() []Fault {
	// Clients that know the nodes go on without the load balancer.
	directly := checker.Expectation{MaxOutage: map[string]time.Duration{history.AnyNode: 5 * time.Second}}
	return []Fault{
		// Time stands still.
		{
			Name:        "leader-blinks",
			Description: "All processes of the leader freeze for a tenth of a second.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      resource.PauseFor(100*time.Millisecond, effect.Leader),
		},
		{
			Name:        "everyone-blinks",
			Description: "All processes of all nodes freeze for two seconds, as when their machine is moved.",
			Expect:      expectWithin(10*time.Second, 15*time.Second),
			Available:   anyCluster,
			Inject:      resource.PauseFor(2*time.Second, effect.Everyone),
		},
		{
			Name:        "leader-paused-long",
			Description: "All processes of the leader freeze for two minutes: its peers give it up.",
			Hold:        2 * time.Minute,
			Expect:      expectWithin(15*time.Second, 20*time.Second),
			Available:   anyCluster,
			Inject:      resource.Pause(effect.Leader),
		},
		{
			Name:        "minority-paused",
			Description: "All processes of as many nodes freeze as the queue can do without.",
			Hold:        12 * time.Second,
			Expect:      expectWithin(15*time.Second, 20*time.Second),
			Available:   atLeast(5),
			Inject:      resource.Pause(effect.Minority),
		},
		{
			Name:        "majority-paused",
			Description: "All processes of a majority freeze: without a quorum nothing may be confirmed.",
			Hold:        12 * time.Second,
			Expect:      expectNoConfirms,
			Available:   atLeast(3),
			Inject:      resource.Pause(effect.Majority),
		},
		{
			Name:        "majority-paused-long",
			Description: "All processes of a majority freeze for two minutes.",
			Hold:        2 * time.Minute,
			Expect:      expectNoConfirms,
			Available:   atLeast(3),
			Inject:      resource.Pause(effect.Majority),
		},

		// There is too little of it.
		{
			Name:        "leader-starved",
			Description: "The leader's container gets a tenth of one processor.",
			Hold:        20 * time.Second,
			Available:   anyCluster,
			Inject:      resource.Throttle(effect.Leader),
		},
		{
			Name:        "everyone-starved",
			Description: "The container of each node gets a tenth of one processor.",
			Hold:        20 * time.Second,
			Available:   anyCluster,
			Inject:      resource.Throttle(effect.Everyone),
		},
		{
			Name:        "leader-out-of-memory",
			Description: "The leader uses more memory than its container may: the kernel kills it.",
			Expect:      expectWithin(15*time.Second, 20*time.Second), // it fills its memory first
			Available:   resource.Limited,
			Inject:      resource.RunOutOfMemory(effect.Leader),
		},

		// Networks get bad in other ways.
		{
			Name:        "packets-duplicated",
			Description: "One in ten packets between any two nodes arrives twice.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(10*time.Second, 15*time.Second),
			Available:   needsTools(2),
			Inject:      network.DuplicatePackets,
		},
		{
			Name:        "packets-reordered",
			Description: "One in four packets between any two nodes is overtaken by those after it.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(10*time.Second, 15*time.Second),
			Available:   needsTools(2),
			Inject:      network.ReorderPackets,
		},
		{
			Name:        "bandwidth-limited",
			Description: "Only 256 KiB a second get through between any two nodes.",
			Hold:        20 * time.Second,
			Available:   needsTools(2),
			Inject:      network.LimitBandwidth,
		},

		// The load balancer does not die.
		{
			Name:        "load-balancer-paused",
			Description: "HAProxy freezes: its connections stay open and silent.",
			Hold:        12 * time.Second,
			Expect:      directly,
			Available:   anyCluster,
			Inject:      balancer.Pause,
		},
		{
			Name:        "load-balancer-starved",
			Description: "HAProxy gets a tenth of one processor.",
			Hold:        12 * time.Second,
			Expect:      directly,
			Available:   anyCluster,
			Inject:      balancer.Throttle,
		},
		{
			Name:        "load-balancer-reloading",
			Description: "HAProxy reads its configuration again every two seconds.",
			Hold:        20 * time.Second,
			Expect:      directly,
			Available:   anyCluster,
			Inject:      balancer.Reload,
		},
	}
}
