package watch

import (
	"slices"

	"warren/agent/plan/state"
	"warren/agent/rabbit"
)

// queues counts what is wrong with the queues of a cluster.
type queues struct {
	// withoutLeader are quorum queues and streams of whose replicas no majority takes part.
	withoutLeader int
	// down are classic queues that do not run.
	down int
	// lackReplicas have fewer replicas than they were declared with, as far as the nodes can hold them.
	lackReplicas int
	// replicasOffline have a leader, and replicas that do not take part.
	replicasOffline int
}

// running are the states of a classic queue that can be used.
var running = []string{"running", "idle", "flow", "syncing"}

// of counts what is wrong with one queue in a cluster of so many nodes.
func of(q rabbit.QueueInfo, nodes int) queues {
	switch {
	case q.Exclusive:
		return queues{} // it goes with its client
	case q.Type == "classic" && !slices.Contains(running, q.State):
		return queues{down: 1}
	case q.Type != "quorum" && q.Type != "stream":
		return queues{}
	}
	var c queues
	switch {
	case !slices.Contains(q.Online, q.Leader), 2*len(q.Online) <= len(q.Members):
		c.withoutLeader = 1
	case len(q.Online) < len(q.Members):
		c.replicasOffline = 1
	}
	if len(q.Members) < min(wanted(q), nodes) {
		c.lackReplicas = 1
	}
	return c
}

func (c queues) plus(other queues) queues {
	return queues{
		withoutLeader: c.withoutLeader + other.withoutLeader, down: c.down + other.down,
		lackReplicas:    c.lackReplicas + other.lackReplicas,
		replicasOffline: c.replicasOffline + other.replicasOffline,
	}
}

// count counts what is wrong with all queues.
func count(infos []rabbit.QueueInfo, nodes int) queues {
	var c queues
	for _, q := range infos {
		c = c.plus(of(q, nodes))
	}
	return c
}

// better tells whether a count is that of a node that sees more than the other: one that is cut off takes the
// queues' other replicas for gone.
func (c queues) better(other queues) bool {
	return c.withoutLeader+c.down < other.withoutLeader+other.down
}

// wanted is how many replicas a queue was declared with.
func wanted(q rabbit.QueueInfo) int {
	if asked := q.Asked(); asked > 0 {
		return asked
	}
	return state.DefaultReplicas
}
