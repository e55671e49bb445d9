package world

import (
	"cmp"
	"errors"
	"slices"

	"warren/agent/plan"
)

var (
	errUnavailable = errors.New("not available")
	errNotFound    = errors.New("not found")
)

// Replicated tells whether the queue is a Raft group.
func (q *Queue) Replicated() bool { return q.Type != plan.Classic }

// On finds the replica on a node; nil if there is none.
func (q *Queue) On(n *Node) *Replica {
	for _, r := range q.Replicas {
		if r.Node == n {
			return r
		}
	}
	return nil
}

// Stored tells whether the replica's data are on its node.
func (r *Replica) Stored(q *Queue) bool {
	if r.Node.Volume == nil {
		return false
	}
	_, is := r.Node.Volume.Logs[q]
	return is
}

// Online tells whether the replica takes part in its group.
func (r *Replica) Online(q *Queue) bool { return r.Node.Up() && r.Stored(q) }

// Log is what a replica has on its node's disk.
func (r *Replica) Log(q *Queue) []Entry {
	if r.Node.Volume == nil {
		return nil
	}
	return r.Node.Volume.Logs[q]
}

// Voters are the replicas that count for a majority.
func (q *Queue) Voters() (voters []*Replica) {
	for _, r := range q.Replicas {
		if r.Voter {
			voters = append(voters, r)
		}
	}
	return voters
}

func (q *Queue) online(replicas []*Replica) (up []*Replica) {
	for _, r := range replicas {
		if r.Online(q) {
			up = append(up, r)
		}
	}
	return up
}

// Works tells whether the queue has a leader that commits.
func (q *Queue) Works() bool {
	if q.Half || q.Leader == nil {
		return false
	}
	leader := q.On(q.Leader)
	return leader != nil && leader.Online(q) && IsMajority(len(q.online(q.Voters())), len(q.Voters()))
}

// IsMajority tells whether n are most of so many.
func IsMajority(n, of int) bool { return 2*n > of }

// upToDate compares logs as an election does.
func upToDate(a, b []Entry) int {
	last := func(log []Entry) Entry {
		if len(log) == 0 {
			return Entry{}
		}
		return log[len(log)-1]
	}
	return cmp.Or(cmp.Compare(last(a).Term, last(b).Term), cmp.Compare(len(a), len(b)))
}

// CaughtUp tells whether a replica has all that was committed.
func (q *Queue) CaughtUp(r *Replica) bool {
	if !q.Works() || !r.Online(q) {
		return false
	}
	return slices.Equal(r.Log(q), q.On(q.Leader).Log(q))
}

// Available are the voters that make a majority.
func (q *Queue) Available() (available []*Replica) {
	for _, r := range q.Voters() {
		if q.CaughtUp(r) {
			available = append(available, r)
		}
	}
	return available
}

// Candidates are the replicas that could win an election now.
func (q *Queue) Candidates() (candidates []*Replica) {
	voters := q.Voters()
	up := q.online(voters)
	if q.Half || !IsMajority(len(up), len(voters)) {
		return nil
	}
	for _, r := range up {
		votes := 0
		for _, other := range up {
			if upToDate(r.Log(q), other.Log(q)) >= 0 {
				votes++
			}
		}
		if IsMajority(votes, len(voters)) {
			candidates = append(candidates, r)
		}
	}
	return candidates
}

// Elect makes one of those leader that could be elected.
func (w *World) Elect(q *Queue) {
	candidates := q.Candidates()
	if len(candidates) == 0 {
		q.Leader = nil
		return
	}
	q.Term++
	q.Leader = candidates[w.Pick("leader", len(candidates))].Node
	w.CheckLog(q)
}

// CheckLog finds messages that a leader does not have although they were confirmed.
func (w *World) CheckLog(q *Queue) {
	if q.Half || q.Leader == nil {
		return
	}
	has := map[int]bool{}
	for _, e := range q.On(q.Leader).Log(q) {
		has[e.Message] = true
	}
	for _, m := range q.Confirmed {
		if !has[m] {
			w.Breach(plan.RuleMajority, "%s has lost message %d, which was confirmed: its leader is %s", q.ID.Name, m,
				q.Leader.Name)
			return
		}
	}
}

// Sync gives a replica the leader's log.
func (q *Queue) Sync(r *Replica) { r.Node.Volume.Logs[q] = slices.Clone(q.On(q.Leader).Log(q)) }

// Append writes a message to the leader and to as many followers as it takes, or to all.
func (q *Queue) Append(message int, all bool) bool {
	if !q.Works() {
		return false
	}
	leader := q.On(q.Leader)
	leader.Node.Volume.Logs[q] = append(slices.Clone(leader.Log(q)), Entry{q.Term, message})
	have, need := 1, len(q.Voters())/2+1
	if !leader.Voter {
		have = 0
	}
	followers := q.online(q.Replicas)
	if message%2 == 1 {
		slices.Reverse(followers)
	}
	for _, r := range followers {
		if r != leader && (all || r.Voter && have < need) {
			q.Sync(r)
			if r.Voter {
				have++
			}
		}
	}
	return have >= need
}

// add adds a replica.
func (q *Queue) add(n *Node, voter bool) error {
	switch {
	case q.On(n) != nil:
		return nil
	case !q.Works() || !n.Up():
		return errUnavailable
	}
	q.Replicas = append(q.Replicas, &Replica{Node: n, Voter: voter})
	n.Volume.Logs[q] = nil
	return nil
}

// remove removes a replica. The change is committed by a majority of those that are left.
func (w *World) remove(q *Queue, n *Node) error {
	r := q.On(n)
	switch {
	case r == nil:
		return nil
	case !q.Works():
		return errUnavailable
	}
	rest := slices.DeleteFunc(slices.Clone(q.Replicas), func(other *Replica) bool { return other == r })
	var voters, up []*Replica
	for _, other := range rest {
		if other.Voter {
			voters = append(voters, other)
		}
	}
	if up = q.online(voters); !IsMajority(len(up), len(voters)) {
		return errUnavailable
	}
	for i, other := range up {
		if i <= len(voters)/2 && other.Node != q.Leader {
			q.Sync(other)
		}
	}
	q.Replicas = rest
	if n.Volume != nil {
		delete(n.Volume.Logs, q)
	}
	if q.Leader == n {
		w.Elect(q)
	}
	return nil
}

// Places are the nodes with replicas, in words.
func (q *Queue) Places() string {
	words := ""
	for _, r := range q.Replicas {
		words += " " + Short(r.Node.Name)
	}
	return words[1:]
}

// WantedOr3 is how many replicas the queue is to have.
func (q *Queue) WantedOr3() int {
	if q.Wanted > 0 {
		return q.Wanted
	}
	return 3
}
