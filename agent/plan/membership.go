package plan

import (
	"slices"

	"warren/agent/plan/state"
)

// membership makes a node a member in good order: in service, in the right cluster, of the right type, with
// its replicas back. Nothing is done to a node that was told to stop.
func (p *planner) membership() {
	self := p.Self()
	switch {
	case p.Want.Established && (self.Member.Is(false) || self.Running() && p.IsAway(self)):
		p.wait(about(IsMember, self.Name))
	case p.Want.Established && (self.State != Serving || self.Stopping || !self.Member.Is(true)):
	case self.Stopping:
		p.wait(about(NotStopping, self.Name))
	case self.Running() && p.IsAway(self):
		p.bringHome(self)
	case (self.Running() || self.State == AppStopped && p.ClusterID != "") && p.letGo(self):
		p.try(p.restartLetGo(self.Name))
	case self.State == Maintenance:
		p.try(p.revive(self.Name))
	case self.State == AppStopped:
		p.startStopped(self)
	case self.State != Serving:
		if self.Member.Is(false) && self.Data.Is(true) && !p.Holds(about(DataOfCluster, self.Name)) {
			p.notice(Refusal{Kind: ForeignData, Rule: RuleOnlyCopy, Nodes: []NodeName{self.Name}})
		}
		p.noticeMajorityLost()
		p.wait(about(Serves, self.Name))
	case !self.Member.Is(true):
		p.wait(about(IsMember, self.Name))
	default:
		p.restore(self.Name)
		p.remains()
		p.ensureType(self)
	}
}

// Settles tells whether a membership that is done may only watch from now on. A node that is the only member
// of its cluster may have founded it because it did not reach the other seeds in time, on a busy machine or
// a slow network. Until it has company, it may still have to move to the others.
func Settles(self Node, desired Desired) bool {
	return len(desired.Nodes) == 1 || !self.Alone.Is(true)
}

// noticeMajorityLost gives notice of nodes with data that do not serve while at least as many have none: they
// may wait for members whose data are gone.
func (p *planner) noticeMajorityLost() {
	if p.ClusterID != "" {
		return
	}
	var data []NodeName
	empty := 0
	for _, want := range p.Want.Nodes {
		switch n := p.Node(want.Name); {
		case n.Data.Is(true):
			data = append(data, n.Name)
		case n.Data.Is(false):
			empty++
		}
	}
	if len(data) > 0 && empty >= len(data) {
		p.notice(Refusal{Kind: FoundingOverData, Rule: RuleOnlyCopy, Nodes: data})
	}
}

// letGo tells whether the cluster has let a node go while it was cut off or RabbitMQ was stopped on it. What
// it has is out of date, and it can't start on that: when its container starts again, that is settled.
func (p *planner) letGo(self Node) bool {
	return self.Member.Is(false) && self.Data.Is(true) && p.Holds(about(DataOfCluster, self.Name))
}

// bringHome moves a node from a cluster of its own to that of the others. It is drained before it is looked
// at for the last time, so that nobody gives it a queue between the look and the reset.
func (p *planner) bringHome(self Node) {
	reset := p.resetNode(self.Name)
	if kind := p.attached(self); kind != "" &&
		p.refuse(Refusal{Kind: kind, Rule: RuleOnlyCopy, Nodes: []NodeName{self.Name}}) {
		if self.State == Maintenance {
			p.try(p.revive(self.Name))
		}
		return
	}
	if self.State == Serving && p.rules.has(RuleDurable) {
		p.try(Action{Verb: DrainNode, Node: self.Name, Needs: []Condition{about(NotStopping, self.Name)}})
		return
	}
	p.try(reset)
}

// attached says what keeps a node from being reset.
func (p *planner) attached(self Node) RefusalKind {
	if self.Alone.Is(false) {
		return OtherCluster
	}
	if n, known := self.OwnQueues.Get(); known && n > 0 {
		return OwnQueues
	}
	return ""
}

// startStopped starts RabbitMQ in a node where it was stopped.
func (p *planner) startStopped(self Node) {
	switch data, known := self.Data.Get(); {
	case !known:
		p.wait(about(DataSeen, self.Name))
	case p.ClusterID == "":
		p.try(p.startApp(self.Name))
	case !data:
		p.joinEmpty(self, p.asNew(p.startApp(self.Name)))
	default:
		p.try(p.startApp(self.Name))
	}
}

// ensureType makes the node of the type that it is to have, when all is well and it is its turn: of several
// nodes, the first goes first. Nobody but the formation waits for that.
func (p *planner) ensureType(self Node) {
	if p.busy() {
		return
	}
	i := slices.IndexFunc(p.Want.Nodes, func(n DesiredNode) bool { return !p.TypeFits(n.Name) })
	if i < 0 || p.Want.Nodes[i].Name != self.Name {
		return
	}
	if change := p.changeType(self.Name, p.Want.Nodes[i].Type); len(p.Unmet(change)) == 0 {
		p.do(change)
	}
}

// restore gives a node its replicas back: those that only need time, those that the cluster remembers it has
// lost, and those that the cluster still expects from it.
func (p *planner) restore(self NodeName) {
	if !p.Holds(about(Listed, "")) {
		p.wait(about(Listed, ""))
		return
	}
	lost := state.SetOf(p.Remembered(self))
	there := map[QueueID]bool{}
	var gone []*Queue
	for i := range p.Queues {
		q := &p.Queues[i]
		if !q.Replicated() {
			continue
		}
		there[q.QueueID] = true
		r, member := q.On(self)
		switch {
		case !member && !lost[q.QueueID]:
		case p.unhealthy(q):
		case member && (r.Lost || !p.rules.has(RuleReplicas) && !r.Available()):
			gone = append(gone, q)
		case !member && p.postponed(q, self):
		case !member:
			p.try(p.addReplica(q, self))
		case !r.Available():
			p.wait(Condition{Predicate: ReplicaCaughtUp, Rule: RuleRemembered, Node: self, Queue: q.QueueID})
		}
	}
	p.replaceLost(self, gone)
	p.settle(self, there)
}

// postponed tells whether a replica can't be given back yet because other nodes lack theirs. It stays
// remembered, and what those nodes wait for must not wait for it.
func (p *planner) postponed(q *Queue, self NodeName) bool {
	if q.Count(func(NodeName) bool { return false }).Complete() || len(p.Unmet(p.addReplica(q, self))) == 0 {
		return false
	}
	p.notice(Refusal{Kind: ReplicaPostponed, Rule: RuleRemembered, Nodes: []NodeName{self},
		Queues: []QueueID{q.QueueID}})
	return true
}

// replaceLost removes the replicas of which a node has lost the data, once it is remembered that the node had
// them.
func (p *planner) replaceLost(node NodeName, gone []*Queue) {
	remembered := p.Remembered(node)
	if all := state.Union(remembered, ids(gone)); len(all) > len(remembered) && p.rules.has(RuleRemembered) {
		p.Actions = nil
		p.try(p.remember(node, all))
		return
	}
	for _, q := range gone {
		p.try(p.removeLost(q, node))
	}
}

func ids(queues []*Queue) []QueueID {
	ids := make([]QueueID, len(queues))
	for i, q := range queues {
		ids[i] = q.QueueID
	}
	return ids
}

// settle drops from memory what the node has back, when all that can be restored is. What is in queues that
// are not healthy stays.
func (p *planner) settle(self NodeName, there map[QueueID]bool) {
	remembered := p.Remembered(self)
	if len(remembered) == 0 || p.rules.has(RuleRemembered) && (len(p.Actions) > 0 || len(p.Waiting) > 0) {
		return
	}
	var remaining []QueueID
	for _, id := range remembered {
		back := p.Holds(Condition{Predicate: ReplicaCaughtUp, Node: self, Queue: id})
		if there[id] && p.rules.has(RuleRemembered) && !back {
			remaining = append(remaining, id)
		}
	}
	if len(remaining) < len(remembered) {
		p.try(p.remember(self, remaining))
	}
}

// unhealthy tells whether nothing can be done about the replicas of a queue, and gives notice of it. Waiting
// for it would hold up what it does not concern.
func (p *planner) unhealthy(q *Queue) bool {
	switch {
	case p.HalfDeleted(q):
		p.notice(Refusal{Kind: HalfDeleted, Rule: RuleReplicas, Queues: []QueueID{q.QueueID}})
	case q.Leaderless():
		p.notice(Refusal{Kind: QueueMinority, Rule: RuleReplicas, Queues: []QueueID{q.QueueID}, Nodes: q.Offline()})
	default:
		return false
	}
	return true
}
