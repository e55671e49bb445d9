package plan

import "slices"

// refuseDeparting refuses what nodes can't leave for when everything is back that will be, and tells whether it did.
func (p *planner) refuseDeparting() bool {
	before := len(p.Refusals)
	leavers := p.leavers()
	if len(leavers) == 0 {
		return false
	}
	p.refuseMinority(leavers)
	q := &planner{sight: newSight(p.brought(true), p.want), rules: p.rules}
	q.departures(q.leavers())
	p.Refusals = append(p.Refusals, q.Refusals...)
	return len(p.Refusals) > before
}

// refuseMinority refuses to let nodes leave a cluster in which nothing can be changed. What leaves is not started before the
// rest is there.
func (p *planner) refuseMinority(leavers []Node) {
	// Of two members, one may have stopped to leave. At the beginning of a deployment it has not.
	oneOfTwo := p.want.Scope == ScopeFormation && slices.ContainsFunc(leavers, func(n Node) bool { return p.clusterServes(n.Name) })
	if s := newSight(p.brought(false), p.want); !oneOfTwo && !s.clusterServes("") {
		p.refuse(Refusal{Kind: ClusterMinority, Rule: RuleMajority, Nodes: s.notRunning()})
	}
}

// brought is the view as it will be: the stack's nodes with data are started before another node leaves, one that is
// starting may only wait for them, and last RabbitMQ is started on nodes that leave, if their Erlang VM runs.
func (p *planner) brought(leavers bool) View {
	v := p.View
	back := map[NodeName]bool{}
	v.Nodes = slices.Clone(v.Nodes)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if p.want.Has(n.Name) && n.State != Serving && !n.Data.Is(false) ||
			n.State == Starting && !n.Data.Is(false) || leavers && n.State == AppStopped {
			n.State = Serving
			back[n.Name] = true
		}
	}
	v.Metadata.Group = v.Metadata.Group.with(back)
	v.Queues = slices.Clone(v.Queues)
	for i := range v.Queues {
		q := &v.Queues[i]
		q.Group = q.with(back)
	}
	return v
}

// with is the group as it is when the replicas of some nodes are back.
func (g Group) with(back map[NodeName]bool) Group {
	replicas := slices.Clone(g.Replicas)
	for i := range replicas {
		if r := &replicas[i]; back[r.Node] && !r.Lost {
			r.Online, r.CaughtUp = Known(true), Known(true)
		}
	}
	return Group{Leader: g.Leader, Replicas: replicas}
}

// refuseRejoining refuses to give a node its place back that has lost its data, while it still votes in a queue that can't
// let it go. The nodes that the queue lacks are not the stack's, so that nothing would start them before.
func (p *planner) refuseRejoining() {
	s := newSight(p.brought(false), p.want)
	for _, want := range p.want.Nodes {
		n := p.node(want.Name)
		if n.Running() || !n.Data.Is(false) {
			continue
		}
		var minority []QueueID
		for i := range s.Queues {
			if q := &s.Queues[i]; q.replicated() && q.has(n.Name) && q.leaderless() && !p.halfDeleted(q) {
				minority = append(minority, q.QueueID)
			}
		}
		others := slices.DeleteFunc(s.offline(minority), func(other NodeName) bool { return other == n.Name })
		p.refuseQueues(QueueMinorityRejoins, RuleMajority, n.Name, minority, others...)
	}
}

// departures refuses what nodes can't leave for without a loss. It is asked before anything is touched, and again with every
// look until the cluster has forgotten the nodes.
func (p *planner) departures(leavers []Node) {
	if p.Metadata.Store == Mnesia && len(p.want.Nodes) == 1 {
		p.refuse(Refusal{Kind: LastOfMnesia, Rule: RuleMajority, Nodes: []NodeName{p.want.Nodes[0].Name}})
	}
	for _, leaver := range leavers {
		var minority, half []QueueID
		for i := range p.Queues {
			q := &p.Queues[i]
			switch {
			case !q.replicated() || !q.has(leaver.Name):
			case p.halfDeleted(q):
				half = append(half, q.QueueID)
			case q.leaderless():
				minority = append(minority, q.QueueID)
			}
		}
		p.refuseQueues(HalfDeletedLeaves, RuleReplicas, leaver.Name, half)
		p.refuseQueues(QueueMinorityLeaves, RuleMajority, leaver.Name, minority, p.offline(minority)...)
		kind := DurableQueues
		if leaver.State == Down {
			kind = DurableQueuesDown
		}
		p.refuseQueues(kind, RuleDurable, leaver.Name, p.durableOn(leaver.Name))
	}
}

func (p *planner) refuseQueues(kind RefusalKind, rule Rule, node NodeName, queues []QueueID, others ...NodeName) {
	if len(queues) > 0 {
		p.refuse(Refusal{Kind: kind, Rule: rule, Nodes: append([]NodeName{node}, others...), Queues: queues})
	}
}

// offline are the nodes on which replicas of some queues are not online.
func (s *sight) offline(queues []QueueID) []NodeName {
	var nodes []NodeName
	for _, id := range queues {
		q, _ := s.queue(id)
		nodes = append(nodes, q.offline()...)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

func (s *sight) notRunning() []NodeName {
	var down []NodeName
	for _, n := range s.members {
		if !n.Running() {
			down = append(down, n.Name)
		}
	}
	return down
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

// offline are the nodes whose replicas are not known to be online.
func (g Group) offline() []NodeName {
	var nodes []NodeName
	for _, r := range g.Replicas {
		if !r.Online.Is(true) {
			nodes = append(nodes, r.Node)
		}
	}
	return nodes
}
