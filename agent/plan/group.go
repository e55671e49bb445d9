package plan

// majority is the smallest number of voters that is a majority of so many.
func majority(voters int) int { return voters/2 + 1 }

// on returns the replica on a node.
func (g Group) on(node NodeName) (Replica, bool) {
	for _, r := range g.Replicas {
		if r.Node == node {
			return r, true
		}
	}
	return Replica{}, false
}

// has tells whether the group has a replica on a node.
func (g Group) has(node NodeName) bool {
	_, found := g.on(node)
	return found
}

// A count is what is known of the voters of a group. What is unknown of a replica counts against it: it may be a voter, and
// it is not available.
type count struct {
	voters, available int
}

// count counts a group without the replicas on some nodes, which are as good as gone but may be voters.
func (g Group) count(gone func(NodeName) bool) count {
	var c count
	for _, r := range g.Replicas {
		if r.Voter.Is(false) {
			continue
		}
		c.voters++
		if r.available() && !gone(r.Node) {
			c.available++
		}
	}
	return c
}

// hasMajority tells whether what is available is a majority.
func (c count) hasMajority() bool { return c.available >= majority(c.voters) }

// complete tells whether every voter is available, so that no better moment can be waited for.
func (c count) complete() bool { return c.available == c.voters }

// survivesPause tells whether the group may do without one of its available voters for a while.
func (c count) survivesPause() bool {
	left := c.available - 1
	switch {
	case left > majority(c.voters):
		return true
	case left == majority(c.voters):
		return c.complete()
	default:
		return c.voters <= 2 && c.complete()
	}
}
