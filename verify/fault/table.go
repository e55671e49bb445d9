package fault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/fault/effect"
	"warren/verify/fault/network"
	"warren/verify/fault/packet"
	"warren/verify/fault/resource"
	"warren/verify/history"
)

// expectWithin promises that some path confirms again after anyPath at most, and the load balancer after
// balanced at most. The numbers are for nodes that notice each other's failure fast, as they do by default,
// and leave room for a slow machine.
func expectWithin(anyPath, balanced time.Duration) checker.Expectation {
	return checker.Expectation{MaxOutage: map[string]time.Duration{"": anyPath, history.LoadBalancer: balanced}}
}

// expectNoConfirms promises that nothing is confirmed.
var expectNoConfirms = checker.Expectation{NoConfirms: true}

// All returns every fault there is.
func All() []Fault { return slices.Concat(Usual(), Strain(), Storage(), Quiet()) }

// Usual returns the faults that need no other disks, the simple ones first.
func Usual() []Fault {
	return []Fault{
		// Processes end, freeze, restart.
		{
			Name:        "leader-killed",
			Description: "The node that leads the queue is killed (SIGKILL).",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      killLeader,
		},
		{
			Name:        "follower-killed",
			Description: "A node that follows in the queue is killed (SIGKILL).",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      killFollower,
		},
		{
			Name:        "load-balancer-killed",
			Description: "HAProxy is killed (SIGKILL); clients that know the nodes go on.",
			Expect:      checker.Expectation{MaxOutage: map[string]time.Duration{history.AnyNode: 5 * time.Second}},
			Available:   anyCluster,
			Inject:      killLoadBalancer,
		},
		{
			Name:        "leader-stopped",
			Description: "The leader's container is stopped as an operator would (SIGTERM): it drains and leaves.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      stopLeader,
		},
		{
			Name:        "leader-paused",
			Description: "All processes of the leader freeze; its connections stay open and silent.",
			Hold:        12 * time.Second,
			Expect:      expectWithin(15*time.Second, 20*time.Second),
			Available:   anyCluster,
			Inject:      resource.Pause(effect.Leader),
		},
		{
			Name:        "app-stopped",
			Description: "RabbitMQ is stopped on the leader (rabbitmqctl stop_app); its Erlang node stays.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      stopApp,
		},
		{
			Name:        "two-nodes-killed",
			Description: "A majority of the queue's replicas is killed: without a quorum nothing may be confirmed.",
			Expect:      expectNoConfirms,
			Available:   atLeast(3),
			Inject:      killMajority,
		},
		{
			Name:        "all-nodes-killed",
			Description: "All nodes are killed at once, as by a power loss.",
			Expect:      expectNoConfirms,
			Available:   anyCluster,
			Inject:      killAll,
		},
		{
			Name:        "rolling-restart",
			Description: "Every node is restarted gracefully, one after the other, each when the last is back.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   atLeast(3),
			Inject:      rollingRestart,
		},

		// Networks split.
		{
			Name:        "leader-isolated",
			Description: "The leader is cut off from its peers; clients and load balancer still reach it.",
			Hold:        15 * time.Second,
			Expect:      expectWithin(20*time.Second, 30*time.Second),
			Available:   needsTools(3),
			Inject:      network.IsolateLeader,
		},
		{
			Name:        "follower-isolated",
			Description: "A follower is cut off from its peers; clients and load balancer still reach it.",
			Hold:        15 * time.Second,
			Expect:      expectWithin(20*time.Second, 30*time.Second),
			Available:   needsTools(3),
			Inject:      network.IsolateFollower,
		},
		{
			Name:        "pair-cut",
			Description: "The first two nodes are cut off from each other; the others see both.",
			Hold:        15 * time.Second,
			Expect:      expectWithin(20*time.Second, 30*time.Second),
			Available:   needsTools(3),
			Inject:      network.CutPair,
		},
		{
			Name:        "majorities-ring",
			Description: "Every node sees a majority, and no two see the same one.",
			Hold:        15 * time.Second,
			Expect:      expectWithin(30*time.Second, 45*time.Second),
			Available:   needsTools(network.MinimumRing),
			Inject:      network.CutRing,
		},
		{
			Name:        "one-way-loss",
			Description: "All that the leader sends to its peers is lost; it still hears them.",
			Hold:        15 * time.Second,
			Expect:      expectWithin(20*time.Second, 30*time.Second),
			Available:   needsTools(3),
			Inject:      network.LoseOneWay,
		},
		{
			Name:        "cut-from-load-balancer",
			Description: "The leader and the load balancer are cut off from each other; the nodes see each other.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   needsTools(2),
			Inject:      network.CutFromLoadBalancer,
		},

		// Networks get bad.
		{
			Name:        "slow-network",
			Description: "A round trip between any two nodes takes 200 ms.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(10*time.Second, 15*time.Second),
			Available:   needsTools(2),
			Inject:      network.SlowDown,
		},
		{
			Name:        "packet-loss",
			Description: "One in ten packets between any two nodes is lost.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(15*time.Second, 20*time.Second),
			Available:   needsTools(2),
			Inject:      network.LosePackets,
		},
		{
			Name:        "flapping-link",
			Description: "The leader is cut off from its peers for three seconds of every six.",
			Hold:        18 * time.Second,
			Available:   needsTools(3),
			Inject:      network.FlapLink,
		},

		// Resources run out.
		{
			Name:        "memory-alarm",
			Description: "The leader uses more memory than it may: publishers are blocked in the whole cluster.",
			Hold:        5 * time.Second,
			Expect:      expectNoConfirms,
			Available:   anyCluster,
			Inject:      raiseMemoryAlarm,
		},
		{
			Name:        "disk-alarm",
			Description: "The leader has less disk free than it must: publishers are blocked in the whole cluster.",
			Hold:        5 * time.Second,
			Expect:      expectNoConfirms,
			Available:   anyCluster,
			Inject:      raiseDiskAlarm,
		},

		// Membership gets lost.
		{
			Name: "node-reset",
			Description: "A follower is reset (rabbitmqctl reset): it leaves the cluster with nothing, and " +
				"joins again.",
			Expect:    expectWithin(5*time.Second, 10*time.Second),
			Available: atLeast(3),
			Inject:    resetNode,
		},
		{
			Name:        "volume-lost",
			Description: "A follower is killed and comes back with an empty volume.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   needsTools(3),
			Inject:      loseVolume,
		},
		{
			Name:        "cookie-changed",
			Description: "The Erlang cookie of a follower is changed: its peers refuse it.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(20*time.Second, 30*time.Second),
			Available:   atLeast(3),
			Inject:      changeCookie,
		},
	}
}

// Names are the names of faults.
func Names(faults []Fault) []string {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.Name
	}
	return names
}

// Find returns the fault of a name.
func Find(name string) (Fault, error) {
	all := All()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, fmt.Errorf("there is no fault %q", name)
	}
	return all[i], nil
}

// anyCluster is the Available of faults that need nothing special.
func anyCluster(*cluster.Cluster) error { return nil }

// atLeast returns an Available that asks for a number of nodes.
func atLeast(nodes int) func(*cluster.Cluster) error {
	return func(c *cluster.Cluster) error {
		if len(c.Nodes()) < nodes {
			return fmt.Errorf("needs %d nodes, and the stack has %d", nodes, len(c.Nodes()))
		}
		return nil
	}
}

// needsTools returns an Available that asks for a number of nodes, and the tools for their networks and
// volumes.
func needsTools(nodes int) func(*cluster.Cluster) error {
	return func(c *cluster.Cluster) error {
		if err := atLeast(nodes)(c); err != nil {
			return err
		}
		return packet.HaveTools(context.Background(), c)
	}
}
