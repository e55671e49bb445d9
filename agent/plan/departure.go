package plan

import (
	"slices"

	"warren/agent/plan/state"
)

// refuseDeparting refuses what nodes can't leave for when everything is back that will be, and tells whether
// it did.
func (p *planner) refuseDeparting() bool {
	before := len(p.Refusals)
	leavers := p.Leavers()
	if len(leavers) == 0 {
		return false
	}
	p.refuseMinority(leavers)
	q := &planner{Sight: state.NewSight(p.brought(true), p.Want), rules: p.rules}
	q.departures(q.Leavers())
	p.Refusals = append(p.Refusals, q.Refusals...)
	return len(p.Refusals) > before
}

// refuseMinority refuses to let nodes leave a cluster in which nothing can be changed. What leaves is not
// started before the rest is there.
func (p *planner) refuseMinority(leavers []Node) {
	// Of two members, one may have stopped to leave. At the beginning of a deployment it has not.
	oneOfTwo := p.Want.Scope == ScopeFormation && slices.ContainsFunc(leavers, func(n Node) bool {
		return p.ClusterServes(n.Name)
	})
	if s := state.NewSight(p.brought(false), p.Want); !oneOfTwo && !s.ClusterServes("") {
		p.refuse(Refusal{Kind: ClusterMinority, Rule: RuleMajority, Nodes: s.NotRunning()})
	}
}

// brought is the view as it will be: the stack's nodes with data are started before another node leaves, one
// that is starting may only wait for them, and last RabbitMQ is started on nodes that leave, if their Erlang
// VM runs.
func (p *planner) brought(leavers bool) View {
	v := p.View
	back := map[NodeName]bool{}
	v.Nodes = slices.Clone(v.Nodes)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if p.Want.Has(n.Name) && n.State != Serving && !n.Data.Is(false) ||
			n.State == Starting && !n.Data.Is(false) || leavers && n.State == AppStopped {
			n.State = Serving
			back[n.Name] = true
		}
	}
	v.Metadata.Group = v.Metadata.Group.With(back)
	v.Queues = slices.Clone(v.Queues)
	for i := range v.Queues {
		q := &v.Queues[i]
		q.Group = q.With(back)
	}
	return v
}

// refuseRejoining refuses to give a node its place back that has lost its data, while it still votes in a
// queue that can't let it go. The nodes that the queue lacks are not the stack's, so that nothing would start
// them before.
func (p *planner) refuseRejoining() {
	s := state.NewSight(p.brought(false), p.Want)
	for _, want := range p.Want.Nodes {
		n := p.Node(want.Name)
		if n.Running() || !n.Data.Is(false) {
			continue
		}
		var minority []QueueID
		for i := range s.Queues {
			if q := &s.Queues[i]; q.Replicated() && q.Has(n.Name) && q.Leaderless() && !p.HalfDeleted(q) {
				minority = append(minority, q.QueueID)
			}
		}
		others := slices.DeleteFunc(s.Offline(minority), func(other NodeName) bool { return other == n.Name })
		p.refuseQueues(QueueMinorityRejoins, RuleMajority, n.Name, minority, others...)
	}
}

// departures refuses what nodes can't leave for without a loss. It is asked before anything is touched, and
// again with every look until the cluster has forgotten the nodes.
func (p *planner) departures(leavers []Node) {
	if p.Metadata.Store == Mnesia && len(p.Want.Nodes) == 1 {
		p.refuse(Refusal{Kind: LastOfMnesia, Rule: RuleMajority, Nodes: []NodeName{p.Want.Nodes[0].Name}})
	}
	for _, leaver := range leavers {
		var minority, half []QueueID
		for i := range p.Queues {
			q := &p.Queues[i]
			switch {
			case !q.Replicated() || !q.Has(leaver.Name):
			case p.HalfDeleted(q):
				half = append(half, q.QueueID)
			case q.Leaderless():
				minority = append(minority, q.QueueID)
			}
		}
		p.refuseQueues(HalfDeletedLeaves, RuleReplicas, leaver.Name, half)
		p.refuseQueues(QueueMinorityLeaves, RuleMajority, leaver.Name, minority, p.Offline(minority)...)
		kind := DurableQueues
		if leaver.State == Down {
			kind = DurableQueuesDown
		}
		p.refuseQueues(kind, RuleDurable, leaver.Name, p.DurableOn(leaver.Name))
	}
}

func (p *planner) refuseQueues(
	kind RefusalKind, rule Rule, node NodeName, queues []QueueID, others ...NodeName,
) {
	if len(queues) > 0 {
		p.refuse(Refusal{Kind: kind, Rule: rule, Nodes: append([]NodeName{node}, others...), Queues: queues})
	}
}
