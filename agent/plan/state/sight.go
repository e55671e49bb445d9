package state

import "slices"

// DefaultReplicas is how many replicas a queue or stream gets that asks for no number; it is RabbitMQ's own
// default.
const DefaultReplicas = 3

// Sight is a view with what is desired, as the predicates look at it.
type Sight struct {
	View
	Want Desired
	// Members are the nodes that are members; counted are these and the ones that may be, which count for a
	// majority.
	Members, counted []Node
	byID             map[QueueID]int
}

// NewSight looks at a view with what is desired.
func NewSight(v View, d Desired) *Sight {
	s := &Sight{View: v, Want: d}
	for _, n := range v.Nodes {
		if n.Member.Is(true) {
			s.Members = append(s.Members, n)
		}
		if !n.Member.Is(false) {
			s.counted = append(s.counted, n)
		}
	}
	return s
}

// Node is what is known of a node. One that is not in the view is no member, if the members are known.
func (s *Sight) Node(name NodeName) Node {
	n, seen := s.View.Node(name)
	if !seen && len(s.Members) > 0 {
		n.Member = Known(false)
	}
	return n
}

// Queue finds a queue.
func (s *Sight) Queue(id QueueID) (Queue, bool) {
	if s.byID == nil {
		s.byID = make(map[QueueID]int, len(s.Queues))
		for i := range s.Queues {
			s.byID[s.Queues[i].QueueID] = i
		}
	}
	i, found := s.byID[id]
	if !found {
		return Queue{}, false
	}
	return s.Queues[i], true
}

// Leavers are the members that are not the stack's, in the order in which they go: those first that are
// furthest on their way.
func (s *Sight) Leavers() []Node {
	order := []NodeState{Down, AppStopped, Maintenance}
	rank := func(n Node) int {
		if i := slices.Index(order, n.State); i >= 0 {
			return i
		}
		return len(order)
	}
	leavers := slices.DeleteFunc(slices.Clone(s.Members), func(n Node) bool { return s.Want.Has(n.Name) })
	slices.SortStableFunc(leavers, func(a, b Node) int { return rank(a) - rank(b) })
	return leavers
}

// IsAway tells whether a node is in another cluster than the others, or in none.
func (s *Sight) IsAway(n Node) bool {
	id, known := n.ClusterID.Get()
	return known && s.ClusterID != "" && id != s.ClusterID
}

// MayBeMember tells whether stopping a node may take a member away from the cluster. One that runs in another
// cluster takes no part in this one, even if this one can't say right now who its members are.
func (s *Sight) MayBeMember(n Node) bool {
	return !n.Member.Is(false) && (!n.Running() || !s.IsAway(n))
}

// metadata is the group of the metadata store. Mnesia has none; there, the members stand for one, since a
// node pauses when it sees no majority of them.
func (s *Sight) metadata() Group {
	if s.Metadata.Store == Khepri && len(s.Metadata.Group.Replicas) > 0 {
		return s.Metadata.Group
	}
	var g Group
	for _, n := range s.counted {
		running := Known(n.Running())
		if n.State == StateUnknown {
			running = Maybe[bool]{}
		}
		g.Replicas = append(g.Replicas,
			Replica{Node: n.Name, Online: running, Voter: Known(true), CaughtUp: running})
	}
	return g
}

// Replicated tells whether a queue is a Raft group or like one.
func (q *Queue) Replicated() bool { return q.Type == Quorum || q.Type == Stream }

// Wanted is how many replicas a queue is to have among the stack's nodes.
func (s *Sight) Wanted(q *Queue) int {
	n := q.Wanted
	if n <= 0 {
		n = DefaultReplicas
	}
	return min(n, len(s.Want.Nodes))
}

// ready is how many available voters a queue has on the stack's nodes, one node excepted.
func (s *Sight) ready(q *Queue, except NodeName) int {
	n := 0
	for _, r := range q.Replicas {
		if r.Available() && r.Node != except && s.Want.Has(r.Node) {
			n++
		}
	}
	return n
}

// HalfDeleted tells whether a queue is there by name only: all its nodes run, and no replica does. An
// interrupted deletion leaves such a queue. Its replicas can't be changed, because nobody leads it.
func (s *Sight) HalfDeleted(q *Queue) bool {
	if !q.Replicated() || q.Leader != "" {
		return false
	}
	for _, r := range q.Replicas {
		if !r.Online.Is(false) || !s.Node(r.Node).Running() {
			return false
		}
	}
	return true
}

// Leaderless tells whether a queue has no leader and can't elect one.
func (q *Queue) Leaderless() bool { return q.Leader == "" && !q.online().hasMajority() }

// leaving tells whether a node is about to stop: whoever stops one puts it into maintenance first, so that
// others see it.
func (s *Sight) leaving(node NodeName) bool { return s.Node(node).State == Maintenance }

// keeps tells whether a queue outlives every node: nobody relies on the messages of others when their
// connection or consumer, or the node, is gone.
func (q *Queue) keeps() bool { return q.Durable && !q.Exclusive && !q.AutoDelete }

// livesOn tells whether nothing but the replica on a node has what is in a queue that is not replicated.
func (q *Queue) livesOn(node NodeName, stays func(NodeName) bool) bool {
	if q.Replicated() || !q.Has(node) {
		return false
	}
	for _, r := range q.Replicas {
		if r.Node != node && r.Available() && stays(r.Node) {
			return false
		}
	}
	return true
}

// Remembered are the queues of which the cluster remembers that a node has lost its replica.
func (s *Sight) Remembered(node NodeName) []QueueID {
	for _, l := range s.Lost {
		if l.Node == node {
			return l.Queues
		}
	}
	return nil
}

// ReplicasOn are the replicated queues with a replica on a node.
func (s *Sight) ReplicasOn(node NodeName) []QueueID {
	var ids []QueueID
	for i := range s.Queues {
		if q := &s.Queues[i]; q.Replicated() && q.Has(node) {
			ids = append(ids, q.QueueID)
		}
	}
	return ids
}

// Seed tells whether a node is a seed.
func (s *Sight) Seed(node NodeName) bool {
	return slices.ContainsFunc(s.Want.Nodes, func(n DesiredNode) bool { return n.Name == node && n.Seed })
}

// Union is what is in a or b, in the order of a.
func Union(a, b []QueueID) []QueueID {
	has := SetOf(a)
	all := slices.Clone(a)
	for _, id := range b {
		if !has[id] {
			all = append(all, id)
		}
	}
	return all
}

// Offline are the nodes on which replicas of some queues are not online.
func (s *Sight) Offline(queues []QueueID) []NodeName {
	var nodes []NodeName
	for _, id := range queues {
		q, _ := s.Queue(id)
		nodes = append(nodes, q.Offline()...)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// NotRunning are the members on which RabbitMQ does not run.
func (s *Sight) NotRunning() []NodeName {
	var down []NodeName
	for _, n := range s.Members {
		if !n.Running() {
			down = append(down, n.Name)
		}
	}
	return down
}

// AnyData tells whether a node, of the stack or not, is known to have data.
func (s *Sight) AnyData() bool {
	return slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Running() || n.Data.Is(true) })
}

// TypeFits tells whether a node is of the type that it is to have. Khepri knows no types.
func (s *Sight) TypeFits(node NodeName) bool {
	has, known := s.Node(node).Type.Get()
	return s.Metadata.Store != Mnesia || !known ||
		slices.ContainsFunc(s.Want.Nodes, func(n DesiredNode) bool { return n.Name == node && n.Type == has })
}

// Answering is a node that serves, for the commands that a refusal advises.
func (s *Sight) Answering() NodeName {
	for _, n := range s.Nodes {
		if n.State == Serving && n.Member.Is(true) {
			return n.Name
		}
	}
	return ""
}

// Self is the node that the scope is about.
func (s *Sight) Self() Node { return s.Node(s.Want.Self) }
