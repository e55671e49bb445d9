package state

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
	// ClusterKeepsMajority: most members but Node run, and one of them leads the metadata store, or there is a
	// majority to elect it, so that the cluster can forget Node.
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
	// QueueKeepsWanted: Queue has as many caught-up voters as wanted without its replica on Node, or that is
	// none.
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

	// NoDataElsewhere: no seed but Node has data or may have some, and no other node is known to have some. The
	// nodes that are no seeds change without the others being told; a deployment asks for the data of all.
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
	// NothingForgotten: Node has back what is remembered of it and is not among the action's queues, or the
	// queue is gone, or the node is not the stack's.
	NothingForgotten Predicate = "NothingForgotten"

	// OneVersion: all members run, and run the same version.
	OneVersion Predicate = "OneVersion"
	// SeriesFits: the image can take over the data of Node, if it is known what wrote them. A container's label
	// tells; where there is none, the node's own agent looks before it starts.
	SeriesFits Predicate = "SeriesFits"
	// Owned: Node's volume was created from this stack's state, or there is none.
	Owned Predicate = "Owned"
	// LetGo: the operator destroys the stack, or Node is none of the stack's and the cluster has let it go.
	LetGo Predicate = "LetGo"
)

// predicates define the predicates. What is unknown makes a predicate false.
var predicates = map[Predicate]func(*Sight, Condition) bool{
	Serves:      func(s *Sight, c Condition) bool { return s.Node(c.Node).State == Serving },
	Runs:        func(s *Sight, c Condition) bool { return s.Node(c.Node).Running() },
	NotRunning:  func(s *Sight, c Condition) bool { return !s.Node(c.Node).Running() },
	Stopped:     stopped,
	Drained:     func(s *Sight, c Condition) bool { return s.Node(c.Node).State == Maintenance },
	NotStopping: func(s *Sight, c Condition) bool { return !s.Node(c.Node).Stopping },
	DataSeen: func(s *Sight, c Condition) bool {
		_, known := s.Node(c.Node).Data.Get()
		return known
	},
	HasNoData:  func(s *Sight, c Condition) bool { return s.Node(c.Node).Data.Is(false) },
	Listed:     func(s *Sight, _ Condition) bool { return s.QueuesKnown && s.LostKnown },
	IsMember:   func(s *Sight, c Condition) bool { return s.Node(c.Node).Member.Is(true) },
	IsNoMember: func(s *Sight, c Condition) bool { return s.Node(c.Node).Member.Is(false) },
	Leaves:     func(s *Sight, c Condition) bool { return !s.Want.Has(c.Node) },

	ClusterServes:        func(s *Sight, _ Condition) bool { return s.ClusterServes("") },
	KeepsMajority:        keepsMajority,
	ClusterKeepsMajority: func(s *Sight, c Condition) bool { return s.ClusterServes(c.Node) },
	QueueKeepsMajority:   ofQueue((*Sight).queueKeepsMajority),
	QueuesKeepMajority:   ofQueuesOn((*Sight).queueKeepsMajority),
	QueueCanGrow:         ofQueue(queueCanGrow),
	NoVoter:              ofQueuesOn(func(s *Sight, q *Queue, _ NodeName) bool { return s.HalfDeleted(q) }),

	NoAlarm:          ofQueue(noAlarm),
	QueueSettled:     ofQueue(queueSettled),
	ReplicaCaughtUp:  ofQueue(replicaCaughtUp),
	ReplicaUnneeded:  ofQueue(replicaUnneeded),
	QueueKeepsWanted: ofQueue((*Sight).queueKeepsWanted),
	QueuesKeepWanted: ofQueuesOn((*Sight).queueKeepsWanted),

	NothingDurable: func(s *Sight, c Condition) bool { return s.QueuesKnown && len(s.DurableOn(c.Node)) == 0 },
	NoReplicas:     ofQueuesOn(func(*Sight, *Queue, NodeName) bool { return false }),
	NothingOwn:     nothingOwn,

	OthersServe: othersServe,
	DownOrOthersServe: func(s *Sight, c Condition) bool {
		n := s.Node(c.Node)
		return n.State != Serving && n.State != StateUnknown || !s.MayBeMember(n) || othersServe(s, c)
	},
	DownOrKeepsMajority: func(s *Sight, c Condition) bool {
		n := s.Node(c.Node)
		return !n.Running() && n.State != StateUnknown || !s.MayBeMember(n) || keepsMajority(s, c)
	},

	NoDataElsewhere: noDataElsewhere,
	FoundingAllowed: func(s *Sight, _ Condition) bool { return !s.Want.HadData },
	DataOfCluster:   dataOfCluster,
	TypeFits:        func(s *Sight, c Condition) bool { return s.TypeFits(c.Node) },
	OtherDiscServes: otherDiscServes,

	ReplicasRemembered: replicasRemembered,
	ReplicaRemembered: func(s *Sight, c Condition) bool {
		return slices.Contains(s.Remembered(c.Node), c.Queue)
	},

	OneVersion: oneVersion,
	SeriesFits: func(s *Sight, c Condition) bool { return s.SeriesFits(s.Node(c.Node)) },
	Owned:      owned,
	LetGo: func(s *Sight, c Condition) bool {
		return s.Want.Destroy || !s.Want.Has(c.Node) && s.Node(c.Node).Member.Is(false)
	},
}

// Holds tells whether a condition holds.
func (s *Sight) Holds(c Condition) bool { return predicates[c.Predicate](s, c) }

// Unmet returns the conditions of the action that do not hold of a view. Ask it of a fresh one right before
// the act. A view with a fresh look at the action's own node and queue does.
func (a Action) Unmet(v View, d Desired) []Condition {
	return NewSight(v, d).Unmet(a)
}

// Unmet are the conditions of an action that do not hold.
func (s *Sight) Unmet(a Action) []Condition {
	var unmet []Condition
	for _, c := range a.Needs {
		if !s.holdsFor(a, c) {
			unmet = append(unmet, c)
		}
	}
	return unmet
}

// ofQueue makes a predicate of one that is about a queue and a node. It is false of a queue that is not
// there.
func ofQueue(f func(*Sight, *Queue, NodeName) bool) func(*Sight, Condition) bool {
	return func(s *Sight, c Condition) bool {
		q, found := s.Queue(c.Queue)
		return found && f(s, &q, c.Node)
	}
}

// ofQueuesOn makes a predicate that is true if all replicated queues with a replica on the node are known and
// fulfil one.
func ofQueuesOn(f func(*Sight, *Queue, NodeName) bool) func(*Sight, Condition) bool {
	return func(s *Sight, c Condition) bool {
		if !s.QueuesKnown {
			return false
		}
		for i := range s.Queues {
			if q := &s.Queues[i]; q.Replicated() && q.Has(c.Node) && !f(s, q, c.Node) {
				return false
			}
		}
		return true
	}
}

func stopped(s *Sight, c Condition) bool {
	state := s.Node(c.Node).State
	return state == AppStopped || state == Down
}

// ClusterServes tells whether most members run without a node, and the metadata store can be changed without
// it.
func (s *Sight) ClusterServes(without NodeName) bool {
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
	if store.Count(func(n NodeName) bool { return n == without }).hasMajority() {
		return true
	}
	// A leader stays one when its last follower stops, and commits by itself that it is alone: so two become
	// one.
	return without != "" && store.Leader != "" && store.Leader != without && s.Node(store.Leader).Running()
}

func keepsMajority(s *Sight, c Condition) bool {
	if !s.QueuesKnown {
		return false
	}
	groups := []Group{s.metadata()}
	for i := range s.Queues {
		if s.Queues[i].Replicated() {
			groups = append(groups, s.Queues[i].Group)
		}
	}
	return !slices.ContainsFunc(groups, func(g Group) bool { return !s.groupSurvives(g, c.Node) })
}

// groupSurvives tells whether a group may do without its replica on a node for a while. What other nodes have
// that are about to stop does not count.
func (s *Sight) groupSurvives(g Group, node NodeName) bool {
	r, found := g.On(node)
	if !found || r.Online.Is(false) || r.Voter.Is(false) {
		return true
	}
	c := g.Count(func(n NodeName) bool { return n != node && s.leaving(n) })
	if !r.Available() {
		// It has not caught up yet: without it the rest is what it is. It must be enough already.
		return c.hasMajority()
	}
	return c.survivesPause()
}

func (s *Sight) queueKeepsMajority(q *Queue, node NodeName) bool {
	r, found := q.On(node)
	if !found {
		return true
	}
	gone := func(n NodeName) bool { return n == node }
	now, then := q.Count(func(NodeName) bool { return false }), q.Count(gone)
	if !r.Voter.Is(false) {
		then.voters--
	}
	return q.Leader != "" && now.hasMajority() && then.voters > 0 && then.hasMajority()
}

func queueCanGrow(_ *Sight, q *Queue, _ NodeName) bool {
	c := q.Count(func(NodeName) bool { return false })
	return q.Leader != "" && c.hasMajority() && (c.Complete() || c.available >= majority(c.voters+1))
}

func noAlarm(s *Sight, q *Queue, _ NodeName) bool {
	return slices.ContainsFunc(s.Want.Nodes, func(n DesiredNode) bool {
		return !q.Has(n.Name) && len(s.Node(n.Name).Alarms) == 0
	})
}

func queueSettled(_ *Sight, q *Queue, _ NodeName) bool {
	return q.Leader != "" && !slices.ContainsFunc(q.Replicas, func(r Replica) bool {
		return !r.Voter.Is(true) && !r.Lost
	})
}

func replicaCaughtUp(_ *Sight, q *Queue, node NodeName) bool {
	r, found := q.On(node)
	return found && r.Available()
}

func replicaUnneeded(s *Sight, q *Queue, node NodeName) bool {
	r, found := q.On(node)
	return found && (r.Lost || !s.Want.Has(node) || s.Node(node).Member.Is(false) || s.Node(node).Data.Is(false))
}

func (s *Sight) queueKeepsWanted(q *Queue, node NodeName) bool {
	r, found := q.On(node)
	return !found || !r.Online.Is(true) || s.ready(q, node) >= s.Wanted(q)
}

// DurableOn are the durable queues that live on a node alone.
func (s *Sight) DurableOn(node NodeName) []QueueID {
	var ids []QueueID
	stays := func(n NodeName) bool { return s.Want.Has(n) }
	for i := range s.Queues {
		if q := &s.Queues[i]; q.keeps() && q.livesOn(node, stays) {
			ids = append(ids, q.QueueID)
		}
	}
	return ids
}

func nothingOwn(s *Sight, c Condition) bool {
	n := s.Node(c.Node)
	return n.Alone.Is(true) && n.OwnQueues.Is(0)
}

func othersServe(s *Sight, c Condition) bool {
	return !slices.ContainsFunc(s.Want.Nodes, func(n DesiredNode) bool {
		return n.Name != c.Node && s.Node(n.Name).missing()
	})
}

// missing tells whether a node that is a member, or may be one, does not serve.
func (n Node) missing() bool { return n.State != Serving && !n.Member.Is(false) && !n.IsNew() }

// IsNew tells whether a node was never there: the cluster does not know it, and it has no data.
func (n Node) IsNew() bool { return !n.Member.Is(true) && n.Data.Is(false) && !n.Running() }

func noDataElsewhere(s *Sight, c Condition) bool {
	for _, n := range s.Want.Nodes {
		if n.Seed && n.Name != c.Node && !s.Node(n.Name).Data.Is(false) {
			return false
		}
	}
	return !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Name != c.Node && n.Data.Is(true) })
}

func dataOfCluster(s *Sight, c Condition) bool {
	id, known := s.Node(c.Node).ClusterID.Get()
	return known && id != "" && id == s.ClusterID
}

func otherDiscServes(s *Sight, c Condition) bool {
	return slices.ContainsFunc(s.Members, func(n Node) bool {
		return n.Name != c.Node && n.State == Serving && n.Type.Is("disc")
	})
}

func replicasRemembered(s *Sight, c Condition) bool {
	if !s.QueuesKnown || !s.LostKnown {
		return false
	}
	remembered := SetOf(s.Remembered(c.Node))
	for i := range s.Queues {
		if q := &s.Queues[i]; q.Replicated() && q.Has(c.Node) && !remembered[q.QueueID] {
			return false
		}
	}
	return true
}

// holdsFor tells whether a condition of an action holds. One is about all that the action does not name, so
// that the condition alone can't tell it.
func (s *Sight) holdsFor(a Action, c Condition) bool {
	if c.Predicate == NothingForgotten {
		return s.nothingForgotten(a)
	}
	return s.Holds(c)
}

// nothingForgotten tells whether a node has back what an action stops to remember of it.
func (s *Sight) nothingForgotten(a Action) bool {
	if !s.QueuesKnown || !s.LostKnown {
		return false
	}
	named := SetOf(a.Queues)
	for _, id := range s.Remembered(a.Node) {
		q, found := s.Queue(id)
		if s.Want.Has(a.Node) && !named[id] && found && !replicaCaughtUp(s, &q, a.Node) {
			return false
		}
	}
	return true
}

func oneVersion(s *Sight, _ Condition) bool {
	for _, n := range s.Members {
		version, known := n.Version.Get()
		if !known || !n.Running() || !s.Members[0].Version.Is(version) {
			return false
		}
	}
	return len(s.Members) > 0
}

func owned(s *Sight, c Condition) bool {
	n := s.Node(c.Node)
	owner, known := n.Owner.Get()
	return known && (owner == s.Want.Owner || owner == "") || !known && n.Data.Is(false)
}

// SetOf makes a set of a list.
func SetOf[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, x := range list {
		set[x] = true
	}
	return set
}
