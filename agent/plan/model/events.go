package model

import (
	"fmt"
	"maps"
	"slices"

	"warren/agent/plan"
	"warren/agent/plan/model/world"
	"warren/topology"
)

// steps bounds a schedule; settling bounds what comes after it, when nothing goes wrong any more.
const (
	scheduleSteps = 160
	quietSteps    = 6
	restingSteps  = 60
	settlingSteps = 800
)

// step does one thing, whichever is chosen. The smaller choices are the duller ones.
func (w *run) step() {
	w.Steps++
	switch w.Pick("step", 12) {
	case 8, 9:
		w.clients()
	case 10:
		w.fault()
	case 11:
		w.operator()
	default:
		w.progress()
	}
	w.replicate()
	w.bootAll()
}

// progress advances one of the loops.
func (w *run) progress() {
	var moves []func()
	if w.deploying != nil && w.deploying.State == world.Running && w.deploying.failed == "" {
		moves = append(moves, w.stepDeployment)
	}
	for _, l := range w.loops {
		if l.Acts() {
			moves = append(moves, func() { w.advance(l) })
		}
	}
	for _, n := range w.Nodes {
		if n.Container != nil && n.Container.Up && n.Container.Agent != nil &&
			n.Container.Agent.State == world.Running {
			moves = append(moves, func() { w.stepAgent(n) })
		}
	}
	if len(moves) > 0 {
		moves[w.Pick("loop", len(moves))]()
	}
}

// replicate lets the queues do what they do by themselves: one follower catches up, one replica is promoted,
// a leader is elected where there is none.
func (w *run) replicate() {
	for _, c := range w.Clusters {
		w.ElectMetadata(c)
		for _, q := range c.Queues {
			if !q.Replicated() {
				continue
			}
			if !q.Works() {
				if len(q.Candidates()) > 0 && (w.Calm || w.Pick("elect", 4) < 3) {
					w.Elect(q)
				} else if q.Leader != nil && !q.On(q.Leader).Online(q) {
					q.Leader = nil
				}
				continue
			}
			for _, r := range q.Replicas {
				if !r.Online(q) || q.CaughtUp(r) && r.Voter {
					continue
				}
				if w.Calm || w.Pick("lag", 3) < 2 {
					q.Sync(r)
					r.Voter = true
					break
				}
			}
		}
	}
}

func (w *run) bootAll() {
	for _, n := range w.Nodes {
		if n.Container != nil && n.Container.Booting {
			w.Boot(n)
		}
	}
}

// clients publish, consume and declare, whenever they like.
func (w *run) clients() {
	home := w.Home()
	if home == nil {
		return
	}
	if len(home.Queues) < 3 || w.Pick("client", 6) == 5 {
		w.declare(home)
		return
	}
	q := home.Queues[w.Pick("queue", len(home.Queues))]
	w.Messages++
	switch {
	case q.Replicated():
		if w.Pick("confirmed", 4) == 3 && q.Works() {
			leader := q.On(q.Leader)
			leader.Node.Volume.Logs[q] = append(slices.Clone(leader.Log(q)),
				world.Entry{Term: q.Term, Message: w.Messages})
		} else if q.Append(w.Messages, w.Pick("lagging", 3) == 0) {
			q.Confirmed = append(q.Confirmed, w.Messages)
		}
	case q.Exclusive || !q.Replicas[0].Online(q):
	case len(q.Stored) > 0 && w.Pick("consume", 3) > 0:
		q.Stored, q.Confirmed = nil, nil
	default:
		q.Stored = append(q.Stored, w.Messages)
		q.Confirmed = append(q.Confirmed, w.Messages)
	}
}

// declare declares a queue: a quorum queue, or one that lives on one node.
func (w *run) declare(home *world.Cluster) {
	var places []*world.Node
	for _, n := range w.Nodes {
		if n.Serving() && n.Volume.Cluster == home {
			places = append(places, n)
		}
	}
	if len(home.Queues) >= 5 || len(places) == 0 || !home.Majority(nil) {
		return
	}
	id := plan.QueueID{VHost: "/", Name: fmt.Sprintf("q%d", w.Messages)}
	w.Messages++
	first := w.Pick("place", len(places))
	q := &world.Queue{ID: id, Type: plan.Quorum}
	switch w.Pick("type", 6) {
	case 4:
		q.Type = plan.Stream
	case 5:
		q.Type = plan.Classic
		q.Exclusive = w.Pick("exclusive", 3) == 1
		q.Replicas = []*world.Replica{{Node: places[first], Voter: true}}
		places[first].Volume.Logs[q] = nil
		home.Queues = append(home.Queues, q)
		w.Tell("clients: classic queue %s on %s, exclusive %t", id.Name, world.Short(places[first].Name),
			q.Exclusive)
		return
	}
	q.Wanted = []int{0, 5, 1, 2}[w.Pick("wanted", 4)]
	for i := range min(q.WantedOr3(), len(places)) {
		n := places[(first+i)%len(places)]
		q.Replicas = append(q.Replicas, &world.Replica{Node: n, Voter: true})
		n.Volume.Logs[q] = nil
	}
	q.Leader, q.Term = q.Replicas[0].Node, 1
	home.Queues = append(home.Queues, q)
	w.Tell("clients: %s %s on %s", q.Type, id.Name, q.Places())
}

// fault breaks something, if that leaves a majority of everything: what Raft does not survive is nobody's
// fault.
func (w *run) fault() {
	n := w.Nodes[w.Pick("victim", len(w.Nodes))]
	kind := w.Pick("fault", 10)
	switch {
	case len(w.hanging) > 0 && kind < 3:
		h := w.hanging[0]
		w.hanging = w.hanging[1:]
		if h.alive() {
			w.Tell("what hung takes effect: %s%s", h.what, because(h.do()))
		}
	case kind == 0 && n.Container != nil && !n.Container.Up && !n.Container.Ordered:
		w.Tell("the engine starts %s again", world.Short(n.Name))
		w.startAgent(n)
	case kind == 1 && n.Isolated:
		n.Isolated = false
		w.Tell("%s is reachable again", world.Short(n.Name))
	case kind == 2 && w.deploying != nil:
		w.Tell("up is killed")
		w.deploying = nil
	case kind == 3 && len(w.loops) > 0:
		l := w.loops[w.Pick("loop", len(w.loops))]
		l.Pending, l.Last = nil, plan.Decision{}
	case kind == 4 && n.Container != nil && n.Container.Up:
		w.Tell("%s is killed", world.Short(n.Name))
		n.Container.Halt()
	case kind == 5 && n.Up() && w.isolatedNodes() == 0:
		n.Isolated = true
		w.Tell("%s is cut off", world.Short(n.Name))
	case kind == 6 && n.Up():
		w.Tell("operator: stop_app on %s", world.Short(n.Name))
		n.Container.App, n.Container.Maintenance = false, false
	case kind == 7:
		w.halfDelete()
	case kind == 8 && n.Container != nil:
		w.loseServer(n)
	case kind == 9 && n.Container != nil && n.Container.Up && !n.Container.Ordered:
		w.Tell("operator: docker stop %s", world.Short(n.Name))
		w.order(n, false)
	}
}

func (w *run) isolatedNodes() (count int) {
	for _, n := range w.Nodes {
		if n.Isolated {
			count++
		}
	}
	return count
}

func (w *run) halfDelete() {
	home := w.Home()
	if home == nil || len(home.Queues) == 0 {
		return
	}
	q := home.Queues[w.Pick("queue", len(home.Queues))]
	if !q.Replicated() || q.Half {
		return
	}
	q.Half, q.Leader, q.Confirmed = true, nil, nil
	for _, r := range q.Replicas {
		if r.Node.Volume != nil {
			delete(r.Node.Volume.Logs, q)
		}
	}
	w.Tell("the deletion of %s is interrupted", q.ID.Name)
}

// loseServer takes one replica's data away while its node runs.
func (w *run) loseServer(n *world.Node) {
	home := w.Home()
	if home == nil || n.Volume == nil {
		return
	}
	for _, q := range home.Queues {
		if r := q.On(n); q.Replicated() && !q.Half && r != nil && r.Stored(q) && w.dispensable(q, n) {
			delete(n.Volume.Logs, q)
			w.Tell("%s loses its replica of %s", world.Short(n.Name), q.ID.Name)
			return
		}
	}
}

// dispensable tells whether a queue has all that was confirmed on most of its voters without a node, on
// others that are well.
func (w *run) dispensable(q *world.Queue, n *world.Node) bool {
	if r := q.On(n); r == nil || q.Half || !r.Stored(q) {
		return r == nil || q.Half
	}
	if !q.Replicated() {
		return q.Exclusive
	}
	holders := 0
	for _, r := range q.Voters() {
		if r.Node == n || !r.Stored(q) {
			continue
		}
		has := map[int]bool{}
		for _, e := range r.Log(q) {
			has[e.Message] = true
		}
		if !slices.ContainsFunc(q.Confirmed, func(m int) bool { return !has[m] }) {
			holders++
		}
	}
	return world.IsMajority(holders, len(q.Voters()))
}

// loseData takes a node's container and volume, if everything on it is elsewhere too.
func (w *run) loseData(n *world.Node) bool {
	if n.Volume == nil || len(n.Volume.Aside) > 0 {
		return false
	}
	if cl := n.Volume.Cluster; cl != nil && n.Volume.Data {
		kept := 0
		for m := range cl.Members {
			if m != n && m.HasData() && m.Volume.Cluster == cl {
				kept++
			}
		}
		if cl.Has(n) && !world.IsMajority(kept, len(cl.Members)) {
			return false
		}
		for _, q := range cl.Queues {
			if !w.dispensable(q, n) {
				return false
			}
		}
		for _, q := range slices.Clone(cl.Queues) {
			if !q.Replicated() && q.Replicas[0].Node == n {
				cl.Queues = slices.DeleteFunc(cl.Queues, func(other *world.Queue) bool { return other == q })
			}
		}
	}
	n.Volume, n.Container = nil, nil
	return true
}

// operator changes a wish, deploys, and does by hand what operators do.
func (w *run) operator() {
	kind := w.Pick("operator", 15)
	if w.deploying != nil && w.deploying.State == world.Running && w.deploying.failed == "" && kind < 11 {
		w.stepDeployment()
		return
	}
	next := w.Wish
	next.Destroy = false
	switch kind {
	case 0, 1, 2:
	case 3, 4, 5:
		size := []int{3, 5, 4, 2, 1}[w.Pick("size", 5)]
		next.Nodes = slices.Clone(w.Nodes[:size])
	case 6:
		drop := w.Pick("drop", len(next.Nodes))
		if len(next.Nodes) > 1 {
			next.Nodes = slices.Delete(slices.Clone(next.Nodes), drop, drop+1)
		}
	case 7:
		next.Revision++
	case 8:
		next.Series = w.anotherSeries()
	case 9:
		next.Cookie = []string{"c1", "c2"}[w.Pick("cookie", 2)]
	case 10:
		next = w.another(next)
	case 11:
		n := w.Nodes[w.Pick("node", len(w.Nodes))]
		if w.loseData(n) {
			w.Tell("operator: removes container and volume of %s", world.Short(n.Name))
		}
		return
	case 12:
		w.aloneByHand(w.Nodes[w.Pick("node", len(w.Nodes))])
		return
	case 13:
		if n := w.Nodes[w.Pick("node", len(w.Nodes))]; n.Container != nil {
			w.Tell("operator: docker rm -f %s", world.Short(n.Name))
			n.Container.Halt()
			n.Container = nil
		}
		return
	case 14:
		n := w.Nodes[w.Pick("node", len(w.Nodes))]
		if n.Container != nil && !n.Container.Up {
			w.Tell("operator: docker start %s", world.Short(n.Name))
			w.startAgent(n)
		}
		return
	}
	w.Wish = next.Valid()
	w.deploy()
}

func (w *run) anotherSeries() topology.Series {
	all := []topology.Series{world.Older, world.Newer, {Major: 4, Minor: 5}}
	if w.Mnesia {
		all = []topology.Series{world.OlderMnesia, world.NewerMnesia, {Major: 3, Minor: 13}}
	}
	return all[w.Pick("series", len(all))]
}

// another is a wish of another kind: another type of a node, or another clone's.
func (w *run) another(next world.Wish) world.Wish {
	if w.Pick("kind", 2) == 1 || !w.Mnesia {
		next.Owner = []string{"mine", "other"}[w.Pick("owner", 2)]
		next.Destroy = next.Owner == "other" && w.Pick("destroy", 2) == 1
		return next
	}
	n := next.Nodes[w.Pick("node", len(next.Nodes))]
	if next.Types = maps.Clone(next.Types); next.Types == nil {
		next.Types = map[*world.Node]topology.NodeType{}
	}
	if next.Types[n] == topology.RAM {
		delete(next.Types, n)
	} else {
		next.Types[n] = topology.RAM
	}
	return next
}

// aloneByHand resets a node by hand, which then is a cluster of its own.
func (w *run) aloneByHand(n *world.Node) {
	home := w.Home()
	if home == nil || !n.Up() || n.Volume.Cluster != home || len(home.Members) < 3 || n.Container.Ordered {
		return
	}
	kept := n.Volume
	for _, q := range home.Queues {
		if !w.dispensable(q, n) {
			return
		}
	}
	if !home.MajorityWithout(n) || len(kept.Aside) > 0 {
		return
	}
	for _, q := range slices.Clone(home.Queues) {
		if !q.Replicated() && q.Replicas[0].Node == n {
			home.Queues = slices.DeleteFunc(home.Queues, func(other *world.Queue) bool { return other == q })
		}
	}
	for m := range home.Members {
		if m != n && (m.Volume == nil || !m.HasData()) {
			return
		}
	}
	delete(home.Members, n)
	n.Wipe()
	own := &world.Cluster{
		ID:      fmt.Sprintf("cluster%d", len(w.Clusters)+1),
		Members: map[*world.Node]topology.NodeType{n: topology.Disc},
		Lost:    map[plan.NodeName][]plan.QueueID{}, Flags: n.Container.Series, Mnesia: w.Mnesia,
	}
	w.Clusters = append(w.Clusters, own)
	n.Volume.Data, n.Volume.Cluster = true, own
	w.Tell("operator: resets %s, which is a cluster of its own now", world.Short(n.Name))
	if w.Pick("own queue", 3) == 1 {
		q := &world.Queue{ID: plan.QueueID{VHost: "/", Name: "own"}, Type: plan.Classic,
			Replicas: []*world.Replica{{Node: n, Voter: true}}}
		n.Volume.Logs[q] = nil
		own.Queues = append(own.Queues, q)
	}
}
