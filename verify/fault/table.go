package fault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/history"
)

// within promises that some path confirms again after anyPath at most, and the load balancer after balanced at most.
// The numbers are for nodes that notice each other's failure fast, as they do by default, and leave room for a slow
// machine.
func within(anyPath, balanced time.Duration) checker.Expectation {
	return checker.Expectation{MaxOutage: map[string]time.Duration{"": anyPath, history.LoadBalancer: balanced}}
}

// nothing promises that nothing is confirmed.
var nothing = checker.Expectation{NoConfirms: true}

// All returns every fault there is, the simple ones first.
func All() []Fault {
	return []Fault{
		// Processes end, freeze, restart.
		{"leader-killed", "The node that leads the queue is killed (SIGKILL).",
			0, within(5*time.Second, 10*time.Second), always, killLeader},
		{"follower-killed", "A node that follows in the queue is killed (SIGKILL).",
			0, within(5*time.Second, 10*time.Second), always, killFollower},
		{"load-balancer-killed", "HAProxy is killed (SIGKILL); clients that know the nodes go on.",
			0, checker.Expectation{MaxOutage: map[string]time.Duration{history.AnyNode: 5 * time.Second}}, always, killLoadBalancer},
		{"leader-stopped", "The leader's container is stopped as an operator would (SIGTERM): it drains and leaves.",
			0, within(5*time.Second, 10*time.Second), always, stopLeader},
		{"leader-paused", "All processes of the leader freeze; its connections stay open and silent.",
			12 * time.Second, within(15*time.Second, 20*time.Second), always, pauseLeader},
		{"app-stopped", "RabbitMQ is stopped on the leader (rabbitmqctl stop_app); its Erlang node stays.",
			0, within(5*time.Second, 10*time.Second), always, stopApp},
		{"two-nodes-killed", "A majority of the queue's replicas is killed: without a quorum nothing may be confirmed.",
			0, nothing, atLeast(3), killMajority},
		{"all-nodes-killed", "All nodes are killed at once, as by a power loss.",
			0, nothing, always, killAll},
		{"rolling-restart", "Every node is restarted gracefully, one after the other, each when the last is back.",
			0, within(5*time.Second, 10*time.Second), atLeast(3), rollingRestart},

		// Networks split.
		{"leader-isolated", "The leader is cut off from its peers; clients and load balancer still reach it.",
			15 * time.Second, within(20*time.Second, 30*time.Second), needs(3), isolateLeader},
		{"follower-isolated", "A follower is cut off from its peers; clients and load balancer still reach it.",
			15 * time.Second, within(20*time.Second, 30*time.Second), needs(3), isolateFollower},
		{"pair-cut", "The first two nodes are cut off from each other; the others see both.",
			15 * time.Second, within(20*time.Second, 30*time.Second), needs(3), cutPair},
		{"majorities-ring", "Every node sees a majority, and no two see the same one.",
			15 * time.Second, within(30*time.Second, 45*time.Second), needs(minimumRing), cutRing},
		{"one-way-loss", "All that the leader sends to its peers is lost; it still hears them.",
			15 * time.Second, within(20*time.Second, 30*time.Second), needs(3), loseOneWay},
		{"cut-from-load-balancer", "The leader and the load balancer are cut off from each other; the nodes see each other.",
			10 * time.Second, within(5*time.Second, 10*time.Second), needs(2), cutFromLoadBalancer},

		// Networks get bad.
		{"slow-network", "A round trip between any two nodes takes 200 ms.",
			10 * time.Second, within(10*time.Second, 15*time.Second), needs(2), slowDown},
		{"packet-loss", "One in ten packets between any two nodes is lost.",
			10 * time.Second, within(15*time.Second, 20*time.Second), needs(2), losePackets},
		{"flapping-link", "The leader is cut off from its peers for three seconds of every six.",
			18 * time.Second, checker.Expectation{}, needs(3), flapLink},

		// Resources run out.
		{"memory-alarm", "The leader uses more memory than it may: publishers are blocked in the whole cluster.",
			5 * time.Second, nothing, always, raiseMemoryAlarm},
		{"disk-alarm", "The leader has less disk free than it must: publishers are blocked in the whole cluster.",
			5 * time.Second, nothing, always, raiseDiskAlarm},

		// Membership gets lost.
		{"node-reset", "A follower is reset (rabbitmqctl reset): it leaves the cluster with nothing, and joins again.",
			0, within(5*time.Second, 10*time.Second), atLeast(3), resetNode},
		{"volume-lost", "A follower is killed and comes back with an empty volume.",
			0, within(5*time.Second, 10*time.Second), needs(3), loseVolume},
		{"cookie-changed", "The Erlang cookie of a follower is changed: its peers refuse it.",
			10 * time.Second, within(20*time.Second, 30*time.Second), atLeast(3), changeCookie},
	}
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

// always is the Available of faults that need nothing special.
func always(*cluster.Cluster) error { return nil }

// atLeast returns an Available that asks for a number of nodes.
func atLeast(nodes int) func(*cluster.Cluster) error {
	return func(c *cluster.Cluster) error {
		if len(c.Nodes()) < nodes {
			return fmt.Errorf("needs %d nodes, and the stack has %d", nodes, len(c.Nodes()))
		}
		return nil
	}
}

// needs returns an Available that asks for a number of nodes, and the tools for their networks and volumes.
func needs(nodes int) func(*cluster.Cluster) error {
	return func(c *cluster.Cluster) error {
		if err := atLeast(nodes)(c); err != nil {
			return err
		}
		return haveTools(context.Background(), c)
	}
}
