package plan

import (
	"slices"

	"warren/agent/plan/state"
)

// stop decides about a node that was told to stop. It waits until the cluster can do without the node, hands
// over what the node leads, and puts it into maintenance, which tells everybody else that it goes. Then it
// looks again: of two nodes that do this at the same time, one goes back into service and lets the other go
// first.
func (p *planner) stop() {
	self := p.Self()
	at := Action{Verb: StopNode, Node: self.Name}
	switch {
	case p.Want.Destroy:
		p.do(at)
	case !self.Running():
		at.Needs = []Condition{about(NotRunning, self.Name)}
		p.do(at)
	case self.State == Serving:
		p.stopServing(self, at)
	case p.Want.OutOfTime || len(p.Unmet(p.stopNode(self.Name))) == 0:
		p.do(p.unlessOutOfTime(p.stopNode(self.Name)))
	case p.yields(self):
		p.do(Action{Verb: ReviveNode, Node: self.Name, Needs: []Condition{about(Drained, self.Name)}})
		p.try(p.stopNode(self.Name))
	default:
		p.try(p.stopNode(self.Name))
	}
}

func (p *planner) stopServing(self Node, at Action) {
	drain := p.drainToStop(self.Name)
	if p.Want.OutOfTime {
		p.do(Action{Verb: DrainNode, Node: self.Name, BestEffort: true})
		p.do(at)
		return
	}
	if unmet := p.Unmet(drain); len(unmet) > 0 {
		p.wait(unmet...)
		return
	}
	for i := range p.Queues {
		q := &p.Queues[i]
		if to := p.heir(q, self.Name); q.Leader == self.Name && to != "" {
			p.do(p.transfer(q, self.Name, to))
		}
	}
	p.do(drain)
	p.do(p.stopNode(self.Name))
}

// unlessOutOfTime drops the conditions of an action that can't wait.
func (p *planner) unlessOutOfTime(a Action) Action {
	if p.Want.OutOfTime {
		a.Needs = nil
	}
	return a
}

// yields tells whether a drained node goes back into service: another one that is drained comes before it, or
// the cluster needs it for another reason. The first of several drained nodes stays, and waits until the
// others have yielded.
func (p *planner) yields(self Node) bool {
	alone := p.View
	alone.Nodes = slices.Clone(alone.Nodes)
	for i := range alone.Nodes {
		n := &alone.Nodes[i]
		if n.State == Maintenance && n.Name != self.Name {
			if n.Name < self.Name {
				return true
			}
			n.State = Serving
		}
	}
	return len(state.NewSight(alone, p.Want).Unmet(p.stopNode(self.Name))) > 0
}

// heir is the node to which a queue's leadership goes: one with a replica that could lead at once.
func (p *planner) heir(q *Queue, from NodeName) NodeName {
	if q.Type != Quorum {
		return ""
	}
	for _, r := range q.Replicas {
		if r.Node != from && r.Available() && p.Node(r.Node).State == Serving {
			return r.Node
		}
	}
	return ""
}
