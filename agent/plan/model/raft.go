package model

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

func (q *queue) replicated() bool { return q.typ != plan.Classic }

func (q *queue) on(n *node) *replica {
	for _, r := range q.replicas {
		if r.n == n {
			return r
		}
	}
	return nil
}

// stored tells whether the replica's data are on its node.
func (r *replica) stored(q *queue) bool {
	if r.n.vol == nil {
		return false
	}
	_, is := r.n.vol.logs[q]
	return is
}

// online tells whether the replica takes part in its group.
func (r *replica) online(q *queue) bool { return r.n.up() && r.stored(q) }

func (r *replica) log(q *queue) []entry {
	if r.n.vol == nil {
		return nil
	}
	return r.n.vol.logs[q]
}

func (q *queue) voters() (voters []*replica) {
	for _, r := range q.replicas {
		if r.voter {
			voters = append(voters, r)
		}
	}
	return voters
}

func (q *queue) online(replicas []*replica) (up []*replica) {
	for _, r := range replicas {
		if r.online(q) {
			up = append(up, r)
		}
	}
	return up
}

// works tells whether the queue has a leader that commits.
func (q *queue) works() bool {
	if q.half || q.leader == nil {
		return false
	}
	leader := q.on(q.leader)
	return leader != nil && leader.online(q) && isMajority(len(q.online(q.voters())), len(q.voters()))
}

func isMajority(n, of int) bool { return 2*n > of }

// upToDate compares logs as an election does.
func upToDate(a, b []entry) int {
	last := func(log []entry) entry {
		if len(log) == 0 {
			return entry{}
		}
		return log[len(log)-1]
	}
	return cmp.Or(cmp.Compare(last(a).term, last(b).term), cmp.Compare(len(a), len(b)))
}

// caughtUp tells whether a replica has all that was committed.
func (q *queue) caughtUp(r *replica) bool {
	if !q.works() || !r.online(q) {
		return false
	}
	return slices.Equal(r.log(q), q.on(q.leader).log(q))
}

// available are the voters that make a majority.
func (q *queue) available() (available []*replica) {
	for _, r := range q.voters() {
		if q.caughtUp(r) {
			available = append(available, r)
		}
	}
	return available
}

// candidates are the replicas that could win an election now.
func (q *queue) candidates() (candidates []*replica) {
	voters := q.voters()
	up := q.online(voters)
	if q.half || !isMajority(len(up), len(voters)) {
		return nil
	}
	for _, r := range up {
		votes := 0
		for _, other := range up {
			if upToDate(r.log(q), other.log(q)) >= 0 {
				votes++
			}
		}
		if isMajority(votes, len(voters)) {
			candidates = append(candidates, r)
		}
	}
	return candidates
}

// elect makes one of those leader that could be elected.
func (w *World) elect(q *queue) {
	candidates := q.candidates()
	if len(candidates) == 0 {
		q.leader = nil
		return
	}
	q.term++
	q.leader = candidates[w.pick("leader", len(candidates))].n
	w.checkLog(q)
}

// checkLog finds messages that a leader does not have although they were confirmed.
func (w *World) checkLog(q *queue) {
	if q.half || q.leader == nil {
		return
	}
	has := map[int]bool{}
	for _, e := range q.on(q.leader).log(q) {
		has[e.message] = true
	}
	for _, m := range q.confirmed {
		if !has[m] {
			w.breach(plan.RuleMajority, "%s has lost message %d, which was confirmed: its leader is %s", q.id.Name, m, q.leader.name)
			return
		}
	}
}

// sync gives a replica the leader's log.
func (q *queue) sync(r *replica) { r.n.vol.logs[q] = slices.Clone(q.on(q.leader).log(q)) }

// append writes a message to the leader and to as many followers as it takes, or to all.
func (q *queue) append(message int, all bool) bool {
	if !q.works() {
		return false
	}
	leader := q.on(q.leader)
	leader.n.vol.logs[q] = append(slices.Clone(leader.log(q)), entry{q.term, message})
	have, need := 1, len(q.voters())/2+1
	if !leader.voter {
		have = 0
	}
	followers := q.online(q.replicas)
	if message%2 == 1 {
		slices.Reverse(followers)
	}
	for _, r := range followers {
		if r != leader && (all || r.voter && have < need) {
			q.sync(r)
			if r.voter {
				have++
			}
		}
	}
	return have >= need
}

// add adds a replica.
func (q *queue) add(n *node, voter bool) error {
	switch {
	case q.on(n) != nil:
		return nil
	case !q.works() || !n.up():
		return errUnavailable
	}
	q.replicas = append(q.replicas, &replica{n: n, voter: voter})
	n.vol.logs[q] = nil
	return nil
}

// remove removes a replica. The change is committed by a majority of those that are left.
func (w *World) remove(q *queue, n *node) error {
	r := q.on(n)
	switch {
	case r == nil:
		return nil
	case !q.works():
		return errUnavailable
	}
	rest := slices.DeleteFunc(slices.Clone(q.replicas), func(other *replica) bool { return other == r })
	var voters, up []*replica
	for _, other := range rest {
		if other.voter {
			voters = append(voters, other)
		}
	}
	if up = q.online(voters); !isMajority(len(up), len(voters)) {
		return errUnavailable
	}
	for i, other := range up {
		if i <= len(voters)/2 && other.n != q.leader {
			q.sync(other)
		}
	}
	q.replicas = rest
	if n.vol != nil {
		delete(n.vol.logs, q)
	}
	if q.leader == n {
		w.elect(q)
	}
	return nil
}
