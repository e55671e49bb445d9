package model

import (
	"fmt"
	"maps"
	"slices"

	"warren/agent/plan"
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
func (w *World) step() {
	w.steps++
	switch w.pick("step", 12) {
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
func (w *World) progress() {
	var moves []func()
	if w.deploying != nil && w.deploying.state == running && w.deploying.failed == "" {
		moves = append(moves, w.stepDeployment)
	}
	for _, l := range w.loops {
		if l.acts() {
			moves = append(moves, func() { w.advance(l) })
		}
	}
	for _, n := range w.nodes {
		if n.c != nil && n.c.up && n.c.agent != nil && n.c.agent.state == running {
			moves = append(moves, func() { w.stepAgent(n) })
		}
	}
	if len(moves) > 0 {
		moves[w.pick("loop", len(moves))]()
	}
}

// replicate lets the queues do what they do by themselves: one follower catches up, one replica is promoted, a leader is
// elected where there is none.
func (w *World) replicate() {
	for _, c := range w.clusters {
		w.electMetadata(c)
		for _, q := range c.queues {
			if !q.replicated() {
				continue
			}
			if !q.works() {
				if len(q.candidates()) > 0 && (w.calm || w.pick("elect", 4) < 3) {
					w.elect(q)
				} else if q.leader != nil && !q.on(q.leader).online(q) {
					q.leader = nil
				}
				continue
			}
			for _, r := range q.replicas {
				if !r.online(q) || q.caughtUp(r) && r.voter {
					continue
				}
				if w.calm || w.pick("lag", 3) < 2 {
					q.sync(r)
					r.voter = true
					break
				}
			}
		}
	}
}

func (w *World) bootAll() {
	for _, n := range w.nodes {
		if n.c != nil && n.c.booting {
			w.boot(n)
		}
	}
}

// clients publish, consume and declare, whenever they like.
func (w *World) clients() {
	home := w.home()
	if home == nil {
		return
	}
	if len(home.queues) < 3 || w.pick("client", 6) == 5 {
		w.declare(home)
		return
	}
	q := home.queues[w.pick("queue", len(home.queues))]
	w.messages++
	switch {
	case q.replicated():
		if w.pick("confirmed", 4) == 3 && q.works() {
			leader := q.on(q.leader)
			leader.n.vol.logs[q] = append(slices.Clone(leader.log(q)), entry{q.term, w.messages})
		} else if q.append(w.messages, w.pick("lagging", 3) == 0) {
			q.confirmed = append(q.confirmed, w.messages)
		}
	case q.exclusive || !q.replicas[0].online(q):
	case len(q.stored) > 0 && w.pick("consume", 3) > 0:
		q.stored, q.confirmed = nil, nil
	default:
		q.stored = append(q.stored, w.messages)
		q.confirmed = append(q.confirmed, w.messages)
	}
}

// declare declares a queue: a quorum queue, or one that lives on one node.
func (w *World) declare(home *cluster) {
	var places []*node
	for _, n := range w.nodes {
		if n.serving() && n.vol.cluster == home {
			places = append(places, n)
		}
	}
	if len(home.queues) >= 5 || len(places) == 0 || !home.majority(nil) {
		return
	}
	id := plan.QueueID{VHost: "/", Name: fmt.Sprintf("q%d", w.messages)}
	w.messages++
	first := w.pick("place", len(places))
	q := &queue{id: id, typ: plan.Quorum}
	switch w.pick("type", 6) {
	case 4:
		q.typ = plan.Stream
	case 5:
		q.typ = plan.Classic
		q.exclusive = w.pick("exclusive", 3) == 1
		q.replicas = []*replica{{n: places[first], voter: true}}
		places[first].vol.logs[q] = nil
		home.queues = append(home.queues, q)
		w.tell("clients: classic queue %s on %s, exclusive %t", id.Name, short(places[first].name), q.exclusive)
		return
	}
	q.wanted = []int{0, 5, 1, 2}[w.pick("wanted", 4)]
	for i := range min(q.wantedOr3(), len(places)) {
		n := places[(first+i)%len(places)]
		q.replicas = append(q.replicas, &replica{n: n, voter: true})
		n.vol.logs[q] = nil
	}
	q.leader, q.term = q.replicas[0].n, 1
	home.queues = append(home.queues, q)
	w.tell("clients: %s %s on %s", q.typ, id.Name, q.places())
}

func (q *queue) places() string {
	words := ""
	for _, r := range q.replicas {
		words += " " + short(r.n.name)
	}
	return words[1:]
}

// fault breaks something, if that leaves a majority of everything: what Raft does not survive is nobody's fault.
func (w *World) fault() {
	n := w.nodes[w.pick("victim", len(w.nodes))]
	kind := w.pick("fault", 10)
	switch {
	case len(w.hanging) > 0 && kind < 3:
		h := w.hanging[0]
		w.hanging = w.hanging[1:]
		if h.alive() {
			w.tell("what hung takes effect: %s%s", h.what, because(h.do()))
		}
	case kind == 0 && n.c != nil && !n.c.up && !n.c.ordered:
		w.tell("the engine starts %s again", short(n.name))
		w.startAgent(n)
	case kind == 1 && n.isolated:
		n.isolated = false
		w.tell("%s is reachable again", short(n.name))
	case kind == 2 && w.deploying != nil:
		w.tell("up is killed")
		w.deploying = nil
	case kind == 3 && len(w.loops) > 0:
		l := w.loops[w.pick("loop", len(w.loops))]
		l.pending, l.last = nil, plan.Decision{}
	case kind == 4 && n.c != nil && n.c.up:
		w.tell("%s is killed", short(n.name))
		n.c.halt()
	case kind == 5 && n.up() && w.isolatedNodes() == 0:
		n.isolated = true
		w.tell("%s is cut off", short(n.name))
	case kind == 6 && n.up():
		w.tell("operator: stop_app on %s", short(n.name))
		n.c.app, n.c.maintenance = false, false
	case kind == 7:
		w.halfDelete()
	case kind == 8 && n.c != nil:
		w.loseServer(n)
	case kind == 9 && n.c != nil && n.c.up && !n.c.ordered:
		w.tell("operator: docker stop %s", short(n.name))
		w.order(n, false)
	}
}

func (w *World) isolatedNodes() (count int) {
	for _, n := range w.nodes {
		if n.isolated {
			count++
		}
	}
	return count
}

func (w *World) halfDelete() {
	home := w.home()
	if home == nil || len(home.queues) == 0 {
		return
	}
	q := home.queues[w.pick("queue", len(home.queues))]
	if !q.replicated() || q.half {
		return
	}
	q.half, q.leader, q.confirmed = true, nil, nil
	for _, r := range q.replicas {
		if r.n.vol != nil {
			delete(r.n.vol.logs, q)
		}
	}
	w.tell("the deletion of %s is interrupted", q.id.Name)
}

// loseServer takes one replica's data away while its node runs.
func (w *World) loseServer(n *node) {
	home := w.home()
	if home == nil || n.vol == nil {
		return
	}
	for _, q := range home.queues {
		if r := q.on(n); q.replicated() && !q.half && r != nil && r.stored(q) && w.dispensable(q, n) {
			delete(n.vol.logs, q)
			w.tell("%s loses its replica of %s", short(n.name), q.id.Name)
			return
		}
	}
}

// dispensable tells whether a queue has all that was confirmed on most of its voters without a node, on others that are
// well.
func (w *World) dispensable(q *queue, n *node) bool {
	if r := q.on(n); r == nil || q.half || !r.stored(q) {
		return r == nil || q.half
	}
	if !q.replicated() {
		return q.exclusive
	}
	holders := 0
	for _, r := range q.voters() {
		if r.n == n || !r.stored(q) {
			continue
		}
		has := map[int]bool{}
		for _, e := range r.log(q) {
			has[e.message] = true
		}
		if !slices.ContainsFunc(q.confirmed, func(m int) bool { return !has[m] }) {
			holders++
		}
	}
	return isMajority(holders, len(q.voters()))
}

// loseData takes a node's container and volume, if everything on it is elsewhere too.
func (w *World) loseData(n *node) bool {
	if n.vol == nil || len(n.vol.aside) > 0 {
		return false
	}
	if cl := n.vol.cluster; cl != nil && n.vol.data {
		kept := 0
		for m := range cl.members {
			if m != n && m.hasData() && m.vol.cluster == cl {
				kept++
			}
		}
		if cl.has(n) && !isMajority(kept, len(cl.members)) {
			return false
		}
		for _, q := range cl.queues {
			if !w.dispensable(q, n) {
				return false
			}
		}
		for _, q := range slices.Clone(cl.queues) {
			if !q.replicated() && q.replicas[0].n == n {
				cl.queues = slices.DeleteFunc(cl.queues, func(other *queue) bool { return other == q })
			}
		}
	}
	n.vol, n.c = nil, nil
	return true
}

// operator changes a wish, deploys, and does by hand what operators do.
func (w *World) operator() {
	kind := w.pick("operator", 15)
	if w.deploying != nil && w.deploying.state == running && w.deploying.failed == "" && kind < 11 {
		w.stepDeployment()
		return
	}
	next := w.wish
	next.destroy = false
	switch kind {
	case 0, 1, 2:
	case 3, 4, 5:
		size := []int{3, 5, 4, 2, 1}[w.pick("size", 5)]
		next.nodes = slices.Clone(w.nodes[:size])
	case 6:
		drop := w.pick("drop", len(next.nodes))
		if len(next.nodes) > 1 {
			next.nodes = slices.Delete(slices.Clone(next.nodes), drop, drop+1)
		}
	case 7:
		next.rev++
	case 8:
		next.series = w.anotherSeries()
	case 9:
		next.cookie = []string{"c1", "c2"}[w.pick("cookie", 2)]
	case 10:
		next = w.another(next)
	case 11:
		n := w.nodes[w.pick("node", len(w.nodes))]
		if w.loseData(n) {
			w.tell("operator: removes container and volume of %s", short(n.name))
		}
		return
	case 12:
		w.aloneByHand(w.nodes[w.pick("node", len(w.nodes))])
		return
	case 13:
		if n := w.nodes[w.pick("node", len(w.nodes))]; n.c != nil {
			w.tell("operator: docker rm -f %s", short(n.name))
			n.c.halt()
			n.c = nil
		}
		return
	case 14:
		n := w.nodes[w.pick("node", len(w.nodes))]
		if n.c != nil && !n.c.up {
			w.tell("operator: docker start %s", short(n.name))
			w.startAgent(n)
		}
		return
	}
	w.wish = next.valid()
	w.deploy()
}

// valid is a wish that the configuration's own checks let pass: one node at least is a disc node.
func (x wish) valid() wish {
	if !slices.ContainsFunc(x.nodes, func(n *node) bool { return x.types[n] != topology.RAM }) {
		x.types = nil
	}
	return x
}

func (w *World) anotherSeries() topology.Series {
	all := []topology.Series{older, newer, {Major: 4, Minor: 5}}
	if w.mnesia {
		all = []topology.Series{olderMnesia, newerMnesia, {Major: 3, Minor: 13}}
	}
	return all[w.pick("series", len(all))]
}

// another is a wish of another kind: another type of a node, or another clone's.
func (w *World) another(next wish) wish {
	if w.pick("kind", 2) == 1 || !w.mnesia {
		next.owner = []string{"mine", "other"}[w.pick("owner", 2)]
		next.destroy = next.owner == "other" && w.pick("destroy", 2) == 1
		return next
	}
	n := next.nodes[w.pick("node", len(next.nodes))]
	if next.types = maps.Clone(next.types); next.types == nil {
		next.types = map[*node]topology.NodeType{}
	}
	if next.types[n] == topology.RAM {
		delete(next.types, n)
	} else {
		next.types[n] = topology.RAM
	}
	return next
}

// aloneByHand resets a node by hand, which then is a cluster of its own.
func (w *World) aloneByHand(n *node) {
	home := w.home()
	if home == nil || !n.up() || n.vol.cluster != home || len(home.members) < 3 || n.c.ordered {
		return
	}
	kept := n.vol
	for _, q := range home.queues {
		if !w.dispensable(q, n) {
			return
		}
	}
	if !home.majorityWithout(n) || len(kept.aside) > 0 {
		return
	}
	for _, q := range slices.Clone(home.queues) {
		if !q.replicated() && q.replicas[0].n == n {
			home.queues = slices.DeleteFunc(home.queues, func(other *queue) bool { return other == q })
		}
	}
	for m := range home.members {
		if m != n && (m.vol == nil || !m.hasData()) {
			return
		}
	}
	delete(home.members, n)
	n.wipe()
	own := &cluster{
		id: fmt.Sprintf("cluster%d", len(w.clusters)+1), members: map[*node]topology.NodeType{n: topology.Disc},
		lost: map[plan.NodeName][]plan.QueueID{}, flags: n.c.series, mnesia: w.mnesia,
	}
	w.clusters = append(w.clusters, own)
	n.vol.data, n.vol.cluster = true, own
	w.tell("operator: resets %s, which is a cluster of its own now", short(n.name))
	if w.pick("own queue", 3) == 1 {
		q := &queue{id: plan.QueueID{VHost: "/", Name: "own"}, typ: plan.Classic, replicas: []*replica{{n: n, voter: true}}}
		n.vol.logs[q] = nil
		own.queues = append(own.queues, q)
	}
}
