package plan

import (
	"cmp"
	"slices"

	"warren/topology"
)

// formation makes the cluster consist of the stack's nodes and no others, gives queues the replicas they are
// to have, and enables what an upgrade brought. It does one thing after the other, each when the one before
// it is seen to be done.
func (p *planner) formation() {
	gathered := p.gather()
	leavers := p.Leavers()
	if gathered && p.refuseDeparting() {
		p.takeBack(leavers)
		return
	}
	for _, step := range []func(){
		func() { p.waitUnless(Listed) },
		func() { p.wake(leavers) },
		func() { p.leave(leavers, func(n Node) bool { return n.State == Down }) },
		p.remains,
		p.grow,
		func() { p.leave(leavers, func(n Node) bool { return n.State != Down }) },
		p.tidy,
		p.types,
		p.flags,
		p.users,
	} {
		if p.busy() {
			return
		}
		step()
	}
}

// busy tells whether something is to be done or waited for before anything else.
func (p *planner) busy() bool { return len(p.Actions) > 0 || len(p.Waiting) > 0 }

func (p *planner) waitUnless(predicate Predicate) {
	if c := about(predicate, ""); !p.Holds(c) {
		p.wait(c)
	}
}

// gather tells whether all nodes of the stack serve as members of one cluster, and revives one that was about
// to leave when the stack wanted it back.
func (p *planner) gather() bool {
	for _, n := range p.Want.Nodes {
		node := p.Node(n.Name)
		switch {
		case node.State == Maintenance && node.Member.Is(true) && !node.Stopping:
			p.try(p.revive(n.Name))
		case node.State != Serving:
			p.wait(about(Serves, n.Name))
		case !node.Member.Is(true):
			p.wait(about(IsMember, n.Name))
		}
	}
	return !p.busy()
}

// takeBack puts nodes back into service that were about to leave.
func (p *planner) takeBack(leavers []Node) {
	for _, n := range leavers {
		switch n.State {
		case Maintenance:
			p.try(p.revive(n.Name))
		case AppStopped:
			p.try(p.startApp(n.Name))
		}
	}
}

// wake starts RabbitMQ on nodes that are to leave and on which somebody stopped it: their replicas are needed
// until there are others.
func (p *planner) wake(leavers []Node) {
	for _, n := range leavers {
		if n.State == AppStopped && len(p.ReplicasOn(n.Name)) > 0 {
			p.try(p.startApp(n.Name))
		}
	}
}

// grow gives queues and streams the replicas they lack among the stack's nodes, one at a time, and waits
// until each votes. New replicas go where the fewest are.
func (p *planner) grow() {
	load := map[NodeName]int{}
	for i := range p.Queues {
		for _, r := range p.Queues[i].Replicas {
			load[r.Node]++
		}
	}
	for i := range p.Queues {
		q := &p.Queues[i]
		if !q.Replicated() || p.unhealthy(q) {
			continue
		}
		have := 0
		for _, r := range q.Replicas {
			if !p.Want.Has(r.Node) {
				continue
			}
			have++
			if !r.Available() {
				p.wait(p.need(RuleReplicas, ReplicaCaughtUp, r.Node, q.QueueID)...)
			}
		}
		if have < p.Wanted(q) {
			p.growQueue(q, load)
		}
	}
}

func (p *planner) growQueue(q *Queue, load map[NodeName]int) {
	var candidates []NodeName
	for _, n := range p.Want.Nodes {
		if !q.Has(n.Name) && len(p.Node(n.Name).Alarms) == 0 {
			candidates = append(candidates, n.Name)
		}
	}
	if len(candidates) == 0 {
		p.wait(Condition{Predicate: NoAlarm, Queue: q.QueueID})
		return
	}
	to := slices.MinFunc(candidates, func(a, b NodeName) int { return cmp.Compare(load[a], load[b]) })
	if p.try(p.addReplica(q, to)) {
		load[to]++
	}
}

// leave lets the first of some nodes go: it is drained, its replicas are removed, RabbitMQ on it is stopped,
// and what is left is looked at for the last time before the cluster forgets it.
func (p *planner) leave(leavers []Node, which func(Node) bool) {
	i := slices.IndexFunc(leavers, which)
	if i < 0 {
		return
	}
	leaver := leavers[i]
	switch {
	case leaver.Stopping && leaver.Running():
		p.wait(about(Stopped, leaver.Name))
	case leaver.State == Serving:
		p.try(p.drainLeaver(leaver.Name))
	case leaver.State == Maintenance:
		if !p.removeReplicas(leaver.Name) && !p.try(p.stopLeaver(leaver.Name)) &&
			p.Metadata.Group.Leader == leaver.Name {
			p.try(p.revive(leaver.Name)) // to drain it again, which hands the leadership over
		}
	case leaver.State == AppStopped || leaver.State == Down:
		if !p.removeReplicas(leaver.Name) {
			p.try(p.forgetLeaver(leaver.Name))
		}
	default:
		p.wait(about(Serves, leaver.Name))
	}
}

// removeReplicas removes the replicas on a node, and tells whether there are any.
func (p *planner) removeReplicas(node NodeName) (any bool) {
	for i := range p.Queues {
		if q := &p.Queues[i]; q.Replicated() && q.Has(node) {
			any = true
			p.try(p.removeReplica(q, node))
		}
	}
	return any
}

// remains removes replicas on nodes that are not members. They only weaken their queues. A node of the stack
// is to get them back when it is a member again.
func (p *planner) remains() {
	if p.busy() {
		return
	}
	forlorn := map[NodeName][]*Queue{}
	var order []NodeName
	for i := range p.Queues {
		q := &p.Queues[i]
		if !q.Replicated() || p.HalfDeleted(q) || q.Leaderless() {
			continue
		}
		for _, r := range q.Replicas {
			if !p.Node(r.Node).Member.Is(false) {
				continue
			}
			if forlorn[r.Node] == nil {
				order = append(order, r.Node)
			}
			forlorn[r.Node] = append(forlorn[r.Node], q)
		}
	}
	for _, node := range order {
		if p.Want.Has(node) {
			p.replaceLost(node, forlorn[node])
			continue
		}
		for _, q := range forlorn[node] {
			p.try(p.removeReplica(q, node))
		}
	}
}

// tidy drops what is remembered of nodes that have left: their queues have got other replicas.
func (p *planner) tidy() {
	for _, l := range p.Lost {
		if !p.Want.Has(l.Node) && !p.Node(l.Node).Member.Is(true) && len(l.Queues) > 0 {
			p.try(p.remember(l.Node, nil))
		}
	}
}

// types waits for the types of the nodes, to which their memberships see.
func (p *planner) types() {
	for _, n := range p.Want.Nodes {
		if !p.TypeFits(n.Name) {
			p.wait(about(TypeFits, n.Name))
		}
	}
}

// flags enables the stable feature flags that a newer version brought, once all members have it.
func (p *planner) flags() {
	if slices.ContainsFunc(p.Flags, func(f FeatureFlag) bool { return f.Stable && !f.Enabled }) {
		p.try(p.enableFlags())
	}
}

// users deletes the users whom an earlier configuration of the stack named, such as a former administrator.
func (p *planner) users() {
	if len(p.Want.Users) == 0 {
		return
	}
	tags := make(map[string][]string, len(p.Users))
	for _, u := range p.Users {
		tags[u.Name] = u.Tags
	}
	for _, name := range topology.StaleUsers(p.Want.Users, tags) {
		p.try(p.deleteUser(name))
	}
}
