package state

import "slices"

// majority is the smallest number of voters that is a majority of so many.
func majority(voters int) int { return voters/2 + 1 }

// On returns the replica on a node.
func (g Group) On(node NodeName) (Replica, bool) {
	for _, r := range g.Replicas {
		if r.Node == node {
			return r, true
		}
	}
	return Replica{}, false
}

// Has tells whether the group has a replica on a node.
func (g Group) Has(node NodeName) bool {
	_, found := g.On(node)
	return found
}

// A count is what is known of the voters of a group. What is unknown of a replica counts against it: it may
// be a voter, and it is not available.
type count struct {
	voters, available int
}

// Count counts a group without the replicas on some nodes, which are as good as gone but may be voters.
func (g Group) Count(gone func(NodeName) bool) count {
	var c count
	for _, r := range g.Replicas {
		if r.Voter.Is(false) {
			continue
		}
		c.voters++
		if r.Available() && !gone(r.Node) {
			c.available++
		}
	}
	return c
}

// hasMajority tells whether what is available is a majority.
func (c count) hasMajority() bool { return c.available >= majority(c.voters) }

// Complete tells whether every voter is available, so that no better moment can be waited for.
func (c count) Complete() bool { return c.available == c.voters }

// survivesPause tells whether the group may do without one of its available voters for a while.
func (c count) survivesPause() bool {
	left := c.available - 1
	switch {
	case left > majority(c.voters):
		return true
	case left == majority(c.voters):
		return c.Complete()
	default:
		return c.voters <= 2 && c.Complete()
	}
}

// With is the group as it is when the replicas of some nodes are back.
func (g Group) With(back map[NodeName]bool) Group {
	replicas := slices.Clone(g.Replicas)
	for i := range replicas {
		if r := &replicas[i]; back[r.Node] && !r.Lost {
			r.Online, r.CaughtUp = Known(true), Known(true)
		}
	}
	return Group{Leader: g.Leader, Replicas: replicas}
}

// online counts a group by what is online, caught up or not.
func (g Group) online() count {
	var c count
	for _, r := range g.Replicas {
		if r.Voter.Is(false) {
			continue
		}
		c.voters++
		if r.Online.Is(true) {
			c.available++
		}
	}
	return c
}

// Offline are the nodes whose replicas are not known to be online.
func (g Group) Offline() []NodeName {
	var nodes []NodeName
	for _, r := range g.Replicas {
		if !r.Online.Is(true) {
			nodes = append(nodes, r.Node)
		}
	}
	return nodes
}
