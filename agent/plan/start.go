package plan

import (
	"slices"

	"warren/agent/plan/state"
)

// start decides about a node whose container has started and in which RabbitMQ is about to.
func (p *planner) start() {
	self := p.Self()
	if p.unsupported(self) {
		return
	}
	data, known := self.Data.Get()
	switch {
	case !known:
		p.wait(about(DataSeen, self.Name))
	case data:
		p.startWithData(self)
	case p.ClusterID != "":
		p.joinEmpty(self, p.asNew(Action{Verb: StartNode, Node: self.Name}))
	case p.Seed(self.Name):
		p.try(p.found(self.Name))
	default:
		p.wait(about(ClusterServes, ""))
	}
}

// startWithData starts a node on its data, unless they are those of a former member of the cluster that runs,
// on which it could not start. Data of any other cluster may be the only copy of something: the node starts
// on them, and what becomes of it is the membership's to decide.
func (p *planner) startWithData(self Node) {
	aside := p.setDataAside(self.Name)
	switch unmet := p.Unmet(aside); {
	case p.ClusterID == "" || !self.Member.Is(false):
		p.do(Action{Verb: StartNode, Node: self.Name})
	case slices.ContainsFunc(unmet, func(c Condition) bool { return c.Predicate == DataOfCluster }):
		p.do(Action{Verb: StartNode, Node: self.Name})
	default:
		p.try(aside)
	}
}

// joinEmpty makes a node without data a new member, by an action that starts it. A member with its name has
// lost its data and is forgotten before: an empty replica must not vote for what it has forgotten.
func (p *planner) joinEmpty(self Node, join Action) {
	lost := p.ReplicasOn(self.Name)
	remembered := p.Remembered(self.Name)
	if all := state.Union(remembered, lost); len(all) > len(remembered) && p.rules.has(RuleRemembered) {
		p.try(p.remember(self.Name, all))
		return
	}
	if self.Member.Is(true) {
		p.try(p.forgetLost(self.Name))
		return
	}
	// Forgetting a node takes its replicas along, except those of queues that had no leader at that moment.
	for _, id := range lost {
		if q, _ := p.Queue(id); !p.HalfDeleted(&q) {
			p.try(p.removeLost(&q, self.Name))
		}
	}
	if len(p.Actions) == 0 && len(p.Waiting) == 0 {
		p.try(join)
	}
}
