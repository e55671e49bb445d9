package plan

import "slices"

// The predicates.
const (
	// Serves: Node is in service, by its own word.
	Serves Predicate = "Serves"
	// Runs: RabbitMQ runs on Node.
	Runs Predicate = "Runs"
	// NotRunning: RabbitMQ does not run on Node yet, or any more.
	NotRunning Predicate = "NotRunning"
	// Stopped: RabbitMQ does not run on Node, so that nothing can reach what is on it.
	Stopped Predicate = "Stopped"
	// Drained: Node is in maintenance mode, so that no client is connected to it and no queue is placed there.
	Drained Predicate = "Drained"
	// NotStopping: nobody has told Node to stop.
	NotStopping Predicate = "NotStopping"
	// DataSeen: it is known whether Node has data.
	DataSeen Predicate = "DataSeen"
	// HasNoData: Node has none.
	HasNoData Predicate = "HasNoData"
	// Listed: the cluster's queues and what it remembers could be read in full.
	Listed Predicate = "Listed"
	// IsMember: Node is a member of the cluster.
	IsMember Predicate = "IsMember"
	// IsNoMember: Node is certainly no member of the cluster.
	IsNoMember Predicate = "IsNoMember"
	// Leaves: Node is none of the stack's.
	Leaves Predicate = "Leaves"

	// ClusterServes: a cluster runs, with a majority of its members.
	ClusterServes Predicate = "ClusterServes"
	// KeepsMajority: every group keeps a majority when Node stops; more than that where waiting gives more.
	KeepsMajority Predicate = "KeepsMajority"
	// ClusterKeepsMajority: most members but Node run, and one of them leads the metadata store, or there is a majority to
	// elect it, so that the cluster can forget Node.
	ClusterKeepsMajority Predicate = "ClusterKeepsMajority"
	// QueueKeepsMajority: Queue has a majority now, and keeps one when its replica on Node is removed.
	QueueKeepsMajority Predicate = "QueueKeepsMajority"
	// QueuesKeepMajority: the same for every queue with a replica on Node.
	QueuesKeepMajority Predicate = "QueuesKeepMajority"
	// QueueCanGrow: Queue has a majority, and keeps one when a new replica counts before it has caught up.
	QueueCanGrow Predicate = "QueueCanGrow"
	// NoVoter: no queue has a replica on Node that would count as if it had what it has lost.
	NoVoter Predicate = "NoVoter"

	// NoAlarm: a node that could take a replica of Queue has no resource alarm.
	NoAlarm Predicate = "NoAlarm"
	// QueueSettled: no replica of Queue is still to be promoted, so that its replicas may change.
	QueueSettled Predicate = "QueueSettled"
	// ReplicaCaughtUp: the replica of Queue on Node is a voter and has caught up.
	ReplicaCaughtUp Predicate = "ReplicaCaughtUp"
	// ReplicaUnneeded: the replica of Queue on Node has to go: it is lost, or its node leaves or is no member.
	ReplicaUnneeded Predicate = "ReplicaUnneeded"
	// QueueKeepsWanted: Queue has as many caught-up voters as wanted without its replica on Node, or that is none.
	QueueKeepsWanted Predicate = "QueueKeepsWanted"
	// QueuesKeepWanted: the same for every queue with a replica on Node.
	QueuesKeepWanted Predicate = "QueuesKeepWanted"

	// NothingDurable: no durable queue lives on Node alone.
	NothingDurable Predicate = "NothingDurable"
	// NoReplicas: no queue or stream has a replica on Node.
	NoReplicas Predicate = "NoReplicas"
	// NothingOwn: Node is in a cluster of its own, alone and without queues.
	NothingOwn Predicate = "NothingOwn"

	// OthersServe: all members that the stack keeps serve, Node excepted.
	OthersServe Predicate = "OthersServe"
	// DownOrOthersServe: Node is known not to serve as a member, or all other members do.
	DownOrOthersServe Predicate = "DownOrOthersServe"
	// DownOrKeepsMajority: Node is known not to run as a member, or every group keeps a majority without it.
	DownOrKeepsMajority Predicate = "DownOrKeepsMajority"

	// NoDataElsewhere: no seed but Node has data or may have some, and no other node is known to have some. The nodes that
	// are no seeds change without the others being told; a deployment asks for the data of all.
	NoDataElsewhere Predicate = "NoDataElsewhere"
	// FoundingAllowed: the stack had no data when Node's container was created.
	FoundingAllowed Predicate = "FoundingAllowed"
	// DataOfCluster: the data of Node are those of a former member of this cluster, which let it go.
	DataOfCluster Predicate = "DataOfCluster"
	// TypeFits: Node is of the type that it is to have.
	TypeFits Predicate = "TypeFits"
	// OtherDiscServes: a disc node other than Node serves.
	OtherDiscServes Predicate = "OtherDiscServes"

	// ReplicasRemembered: the cluster remembers every queue of which Node has a replica.
	ReplicasRemembered Predicate = "ReplicasRemembered"
	// ReplicaRemembered: the cluster remembers that Node has had a replica of Queue.
	ReplicaRemembered Predicate = "ReplicaRemembered"
	// ReplicaRestored: Node has its replica of Queue back, or the queue is gone.
	ReplicaRestored Predicate = "ReplicaRestored"

	// OneVersion: all members run, and run the same version.
	OneVersion Predicate = "OneVersion"
	// SeriesFits: the image can take over the data of Node, if it is known what wrote them. A container's label tells; where
	// there is none, the node's own agent looks before it starts.
	SeriesFits Predicate = "SeriesFits"
	// Owned: Node's volume was created from this stack's state, or there is none.
	Owned Predicate = "Owned"
	// LetGo: the operator destroys the stack, or Node is none of the stack's and the cluster has let it go.
	LetGo Predicate = "LetGo"
)

// predicates define the predicates. What is unknown makes a predicate false.
var predicates = map[Predicate]func(*sight, Condition) bool{
	Serves:      func(s *sight, c Condition) bool { return s.node(c.Node).State == Serving },
	Runs:        func(s *sight, c Condition) bool { return s.node(c.Node).Running() },
	NotRunning:  func(s *sight, c Condition) bool { return !s.node(c.Node).Running() },
	Stopped:     stopped,
	Drained:     func(s *sight, c Condition) bool { return s.node(c.Node).State == Maintenance },
	NotStopping: func(s *sight, c Condition) bool { return !s.node(c.Node).Stopping },
	DataSeen: func(s *sight, c Condition) bool {
		_, known := s.node(c.Node).Data.Get()
		return known
	},
	HasNoData:  func(s *sight, c Condition) bool { return s.node(c.Node).Data.Is(false) },
	Listed:     func(s *sight, _ Condition) bool { return s.QueuesKnown && s.LostKnown },
	IsMember:   func(s *sight, c Condition) bool { return s.node(c.Node).Member.Is(true) },
	IsNoMember: func(s *sight, c Condition) bool { return s.node(c.Node).Member.Is(false) },
	Leaves:     func(s *sight, c Condition) bool { return !s.want.Has(c.Node) },

	ClusterServes:        func(s *sight, _ Condition) bool { return s.clusterServes("") },
	KeepsMajority:        keepsMajority,
	ClusterKeepsMajority: func(s *sight, c Condition) bool { return s.clusterServes(c.Node) },
	QueueKeepsMajority:   ofQueue((*sight).queueKeepsMajority),
	QueuesKeepMajority:   ofQueuesOn((*sight).queueKeepsMajority),
	QueueCanGrow:         ofQueue(queueCanGrow),
	NoVoter:              ofQueuesOn(func(s *sight, q *Queue, _ NodeName) bool { return s.halfDeleted(q) }),

	NoAlarm:          ofQueue(noAlarm),
	QueueSettled:     ofQueue(queueSettled),
	ReplicaCaughtUp:  ofQueue(replicaCaughtUp),
	ReplicaUnneeded:  ofQueue(replicaUnneeded),
	QueueKeepsWanted: ofQueue((*sight).queueKeepsWanted),
	QueuesKeepWanted: ofQueuesOn((*sight).queueKeepsWanted),

	NothingDurable: func(s *sight, c Condition) bool { return s.QueuesKnown && len(s.durableOn(c.Node)) == 0 },
	NoReplicas:     ofQueuesOn(func(*sight, *Queue, NodeName) bool { return false }),
	NothingOwn:     nothingOwn,

	OthersServe: othersServe,
	DownOrOthersServe: func(s *sight, c Condition) bool {
		n := s.node(c.Node)
		return n.State != Serving && n.State != StateUnknown || !s.mayBeMember(n) || othersServe(s, c)
	},
	DownOrKeepsMajority: func(s *sight, c Condition) bool {
		n := s.node(c.Node)
		return !n.Running() && n.State != StateUnknown || !s.mayBeMember(n) || keepsMajority(s, c)
	},

	NoDataElsewhere: noDataElsewhere,
	FoundingAllowed: func(s *sight, _ Condition) bool { return !s.want.HadData },
	DataOfCluster:   dataOfCluster,
	TypeFits:        func(s *sight, c Condition) bool { return s.typeFits(c.Node) },
	OtherDiscServes: otherDiscServes,

	ReplicasRemembered: replicasRemembered,
	ReplicaRemembered:  func(s *sight, c Condition) bool { return slices.Contains(s.remembered(c.Node), c.Queue) },
	ReplicaRestored:    replicaRestored,

	OneVersion: oneVersion,
	SeriesFits: func(s *sight, c Condition) bool { return s.seriesFits(s.node(c.Node)) },
	Owned:      owned,
	LetGo: func(s *sight, c Condition) bool {
		return s.want.Destroy || !s.want.Has(c.Node) && s.node(c.Node).Member.Is(false)
	},
}

func (s *sight) holds(c Condition) bool { return predicates[c.Predicate](s, c) }

// Unmet returns the conditions of the action that do not hold of a view. Ask it of a fresh one right before the act. A view
// with a fresh look at the action's own node and queue does.
func (a Action) Unmet(v View, d Desired) []Condition {
	return newSight(v, d).unmet(a)
}

func (s *sight) unmet(a Action) []Condition {
	var unmet []Condition
	for _, c := range a.Needs {
		if !s.holds(c) {
			unmet = append(unmet, c)
		}
	}
	return unmet
}

// ofQueue makes a predicate of one that is about a queue and a node. It is false of a queue that is not there.
func ofQueue(f func(*sight, *Queue, NodeName) bool) func(*sight, Condition) bool {
	return func(s *sight, c Condition) bool {
		q, found := s.queue(c.Queue)
		return found && f(s, &q, c.Node)
	}
}

// ofQueuesOn makes a predicate that is true if all replicated queues with a replica on the node are known and fulfil one.
func ofQueuesOn(f func(*sight, *Queue, NodeName) bool) func(*sight, Condition) bool {
	return func(s *sight, c Condition) bool {
		if !s.QueuesKnown {
			return false
		}
		for i := range s.Queues {
			if q := &s.Queues[i]; q.replicated() && q.has(c.Node) && !f(s, q, c.Node) {
				return false
			}
		}
		return true
	}
}

func stopped(s *sight, c Condition) bool {
	state := s.node(c.Node).State
	return state == AppStopped || state == Down
}

// clusterServes tells whether most members run without a node, and the metadata store can be changed without it.
func (s *sight) clusterServes(without NodeName) bool {
	running, members := 0, 0
	for _, n := range s.counted {
		if n.Name == without {
			continue
		}
		members++
		if n.Running() {
			running++
		}
	}
	if s.ClusterID == "" || running < majority(members) {
		return false
	}
	store := s.metadata()
	if store.count(func(n NodeName) bool { return n == without }).hasMajority() {
		return true
	}
	// A leader stays one when its last follower stops, and commits by itself that it is alone: so two become one.
	return without != "" && store.Leader != "" && store.Leader != without && s.node(store.Leader).Running()
}

func keepsMajority(s *sight, c Condition) bool {
	if !s.QueuesKnown {
		return false
	}
	groups := []Group{s.metadata()}
	for i := range s.Queues {
		if s.Queues[i].replicated() {
			groups = append(groups, s.Queues[i].Group)
		}
	}
	return !slices.ContainsFunc(groups, func(g Group) bool { return !s.groupSurvives(g, c.Node) })
}

// groupSurvives tells whether a group may do without its replica on a node for a while. What other nodes have that are about
// to stop does not count.
func (s *sight) groupSurvives(g Group, node NodeName) bool {
	r, found := g.on(node)
	if !found || r.Online.Is(false) || r.Voter.Is(false) {
		return true
	}
	c := g.count(func(n NodeName) bool { return n != node && s.leaving(n) })
	if !r.available() {
		// It has not caught up yet: without it the rest is what it is. It must be enough already.
		return c.hasMajority()
	}
	return c.survivesPause()
}

func (s *sight) queueKeepsMajority(q *Queue, node NodeName) bool {
	r, found := q.on(node)
	if !found {
		return true
	}
	gone := func(n NodeName) bool { return n == node }
	now, then := q.count(func(NodeName) bool { return false }), q.count(gone)
	if !r.Voter.Is(false) {
		then.voters--
	}
	return q.Leader != "" && now.hasMajority() && then.voters > 0 && then.hasMajority()
}

func queueCanGrow(_ *sight, q *Queue, _ NodeName) bool {
	c := q.count(func(NodeName) bool { return false })
	return q.Leader != "" && c.hasMajority() && (c.complete() || c.available >= majority(c.voters+1))
}

func noAlarm(s *sight, q *Queue, _ NodeName) bool {
	return slices.ContainsFunc(s.want.Nodes, func(n DesiredNode) bool {
		return !q.has(n.Name) && len(s.node(n.Name).Alarms) == 0
	})
}

func queueSettled(_ *sight, q *Queue, _ NodeName) bool {
	return q.Leader != "" && !slices.ContainsFunc(q.Replicas, func(r Replica) bool { return !r.Voter.Is(true) && !r.Lost })
}

func replicaCaughtUp(_ *sight, q *Queue, node NodeName) bool {
	r, found := q.on(node)
	return found && r.available()
}

func replicaUnneeded(s *sight, q *Queue, node NodeName) bool {
	r, found := q.on(node)
	return found && (r.Lost || !s.want.Has(node) || s.node(node).Member.Is(false) || s.node(node).Data.Is(false))
}

func (s *sight) queueKeepsWanted(q *Queue, node NodeName) bool {
	r, found := q.on(node)
	return !found || !r.Online.Is(true) || s.ready(q, node) >= s.wanted(q)
}

// durableOn are the durable queues that live on a node alone.
func (s *sight) durableOn(node NodeName) []QueueID {
	var ids []QueueID
	stays := func(n NodeName) bool { return s.want.Has(n) }
	for i := range s.Queues {
		if q := &s.Queues[i]; q.keeps() && q.livesOn(node, stays) {
			ids = append(ids, q.QueueID)
		}
	}
	return ids
}

func nothingOwn(s *sight, c Condition) bool {
	n := s.node(c.Node)
	return n.Alone.Is(true) && n.OwnQueues.Is(0)
}

func othersServe(s *sight, c Condition) bool {
	return !slices.ContainsFunc(s.want.Nodes, func(n DesiredNode) bool {
		return n.Name != c.Node && s.node(n.Name).missing()
	})
}

// missing tells whether a node that is a member, or may be one, does not serve.
func (n Node) missing() bool { return n.State != Serving && !n.Member.Is(false) && !n.isNew() }

// isNew tells whether a node was never there: the cluster does not know it, and it has no data.
func (n Node) isNew() bool { return !n.Member.Is(true) && n.Data.Is(false) && !n.Running() }

func noDataElsewhere(s *sight, c Condition) bool {
	for _, n := range s.want.Nodes {
		if n.Seed && n.Name != c.Node && !s.node(n.Name).Data.Is(false) {
			return false
		}
	}
	return !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Name != c.Node && n.Data.Is(true) })
}

func dataOfCluster(s *sight, c Condition) bool {
	id, known := s.node(c.Node).ClusterID.Get()
	return known && id != "" && id == s.ClusterID
}

func otherDiscServes(s *sight, c Condition) bool {
	return slices.ContainsFunc(s.members, func(n Node) bool {
		return n.Name != c.Node && n.State == Serving && n.Type.Is("disc")
	})
}

func replicasRemembered(s *sight, c Condition) bool {
	if !s.QueuesKnown || !s.LostKnown {
		return false
	}
	remembered := setOf(s.remembered(c.Node))
	for i := range s.Queues {
		if q := &s.Queues[i]; q.replicated() && q.has(c.Node) && !remembered[q.QueueID] {
			return false
		}
	}
	return true
}

func replicaRestored(s *sight, c Condition) bool {
	q, found := s.queue(c.Queue)
	return s.QueuesKnown && (!found || replicaCaughtUp(s, &q, c.Node))
}

func oneVersion(s *sight, _ Condition) bool {
	for _, n := range s.members {
		version, known := n.Version.Get()
		if !known || !n.Running() || !s.members[0].Version.Is(version) {
			return false
		}
	}
	return len(s.members) > 0
}

func owned(s *sight, c Condition) bool {
	n := s.node(c.Node)
	owner, known := n.Owner.Get()
	return known && (owner == s.want.Owner || owner == "") || !known && n.Data.Is(false)
}

func setOf[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, x := range list {
		set[x] = true
	}
	return set
}
