package plan

import (
	"slices"
	"strings"

	"warren/topology"
)

// defaultReplicas is how many replicas a queue or stream gets that asks for no number; it is RabbitMQ's own default.
const defaultReplicas = 3

// sight is a view with what is desired, as the predicates look at it.
type sight struct {
	View
	want Desired
	// members are the nodes that are members; counted are these and the ones that may be, which count for a majority.
	members, counted []Node
	byID             map[QueueID]int
}

func newSight(v View, d Desired) *sight {
	s := &sight{View: v, want: d}
	for _, n := range v.Nodes {
		if n.Member.Is(true) {
			s.members = append(s.members, n)
		}
		if !n.Member.Is(false) {
			s.counted = append(s.counted, n)
		}
	}
	return s
}

// node is what is known of a node. One that is not in the view is no member, if the members are known.
func (s *sight) node(name NodeName) Node {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return s.Nodes[i]
		}
	}
	n := Node{Name: name}
	if len(s.members) > 0 {
		n.Member = Known(false)
	}
	return n
}

// queue finds a queue.
func (s *sight) queue(id QueueID) (Queue, bool) {
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

// leavers are the members that are not the stack's, in the order in which they go: those first that are furthest on their
// way.
func (s *sight) leavers() []Node {
	order := []NodeState{Down, AppStopped, Maintenance}
	rank := func(n Node) int {
		if i := slices.Index(order, n.State); i >= 0 {
			return i
		}
		return len(order)
	}
	leavers := slices.DeleteFunc(slices.Clone(s.members), func(n Node) bool { return s.want.Has(n.Name) })
	slices.SortStableFunc(leavers, func(a, b Node) int { return rank(a) - rank(b) })
	return leavers
}

// isAway tells whether a node is in another cluster than the others, or in none.
func (s *sight) isAway(n Node) bool {
	id, known := n.ClusterID.Get()
	return known && s.ClusterID != "" && id != s.ClusterID
}

// mayBeMember tells whether stopping a node may take a member away from the cluster. One that runs in another cluster takes
// no part in this one, even if this one can't say right now who its members are.
func (s *sight) mayBeMember(n Node) bool {
	return !n.Member.Is(false) && !(n.Running() && s.isAway(n))
}

// metadata is the group of the metadata store. Mnesia has none; there, the members stand for one, since a node pauses
// when it sees no majority of them.
func (s *sight) metadata() Group {
	if s.Metadata.Store == Khepri && len(s.Metadata.Group.Replicas) > 0 {
		return s.Metadata.Group
	}
	var g Group
	for _, n := range s.counted {
		running := Known(n.Running())
		if n.State == StateUnknown {
			running = Maybe[bool]{}
		}
		g.Replicas = append(g.Replicas, Replica{Node: n.Name, Online: running, Voter: Known(true), CaughtUp: running})
	}
	return g
}

// replicated tells whether a queue is a Raft group or like one.
func (q *Queue) replicated() bool { return q.Type == Quorum || q.Type == Stream }

// wanted is how many replicas a queue is to have among the stack's nodes.
func (s *sight) wanted(q *Queue) int {
	n := q.Wanted
	if n <= 0 {
		n = defaultReplicas
	}
	return min(n, len(s.want.Nodes))
}

// ready is how many available voters a queue has on the stack's nodes, one node excepted.
func (s *sight) ready(q *Queue, except NodeName) int {
	n := 0
	for _, r := range q.Replicas {
		if r.available() && r.Node != except && s.want.Has(r.Node) {
			n++
		}
	}
	return n
}

// halfDeleted tells whether a queue is there by name only: all its nodes run, and no replica does. An interrupted deletion
// leaves such a queue. Its replicas can't be changed, because nobody leads it.
func (s *sight) halfDeleted(q *Queue) bool {
	if !q.replicated() || q.Leader != "" {
		return false
	}
	for _, r := range q.Replicas {
		if !r.Online.Is(false) || !s.node(r.Node).Running() {
			return false
		}
	}
	return true
}

// leaderless tells whether a queue has no leader and can't elect one.
func (q *Queue) leaderless() bool { return q.Leader == "" && !q.online().hasMajority() }

// leaving tells whether a node is about to stop: whoever stops one puts it into maintenance first, so that others see it.
func (s *sight) leaving(node NodeName) bool { return s.node(node).State == Maintenance }

// keeps tells whether a queue outlives every node: nobody relies on the messages of others when their connection or
// consumer, or the node, is gone.
func (q *Queue) keeps() bool { return q.Durable && !q.Exclusive && !q.AutoDelete }

// livesOn tells whether nothing but the replica on a node has what is in a queue that is not replicated.
func (q *Queue) livesOn(node NodeName, stays func(NodeName) bool) bool {
	if q.replicated() || !q.has(node) {
		return false
	}
	for _, r := range q.Replicas {
		if r.Node != node && r.available() && stays(r.Node) {
			return false
		}
	}
	return true
}

// remembered are the queues of which the cluster remembers that a node has lost its replica.
func (s *sight) remembered(node NodeName) []QueueID {
	for _, l := range s.Lost {
		if l.Node == node {
			return l.Queues
		}
	}
	return nil
}

// SeriesOf is the series of a version such as "4.3.6".
func SeriesOf(version string) (topology.Series, bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return topology.Series{}, false
	}
	series, err := topology.ParseSeries(parts[0] + "." + parts[1])
	return series, err == nil
}

// replicasOn are the replicated queues with a replica on a node.
func (s *sight) replicasOn(node NodeName) []QueueID {
	var ids []QueueID
	for i := range s.Queues {
		if q := &s.Queues[i]; q.replicated() && q.has(node) {
			ids = append(ids, q.QueueID)
		}
	}
	return ids
}

// seed tells whether a node is a seed.
func (s *sight) seed(node NodeName) bool {
	return slices.ContainsFunc(s.want.Nodes, func(n DesiredNode) bool { return n.Name == node && n.Seed })
}

// union is what is in a or b, in the order of a.
func union(a, b []QueueID) []QueueID {
	has := setOf(a)
	all := slices.Clone(a)
	for _, id := range b {
		if !has[id] {
			all = append(all, id)
		}
	}
	return all
}
