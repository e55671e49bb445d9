package plan

import (
	"slices"

	"warren/topology"
)

// The actions with what they need. Every rule that an action could break is here, so that no scope can leave
// one out.

// remember writes what a node has lost instead of what was remembered of it. Somebody else may have
// remembered more since this was decided.
func (p *planner) remember(node NodeName, queues []QueueID) Action {
	return Action{Verb: RememberReplicas, Node: node, Queues: queues, Needs: slices.Concat(
		[]Condition{about(Listed, "")}, p.need(RuleRemembered, NothingForgotten, node, QueueID{}),
	)}
}

// forgetLost makes the cluster forget a node whose data are gone.
func (p *planner) forgetLost(node NodeName) Action {
	return Action{Verb: ForgetNode, Node: node, Needs: slices.Concat(
		[]Condition{about(IsMember, node), about(Stopped, node), about(HasNoData, node)},
		p.need(RuleMajority, ClusterKeepsMajority, node, QueueID{}),
		p.need(RuleMajority, QueuesKeepMajority, node, QueueID{}),
		p.need(RuleRemembered, ReplicasRemembered, node, QueueID{}),
	)}
}

// forgetLeaver makes the cluster forget a node that is the stack's no more.
func (p *planner) forgetLeaver(node NodeName) Action {
	return Action{Verb: ForgetNode, Node: node, Needs: slices.Concat(
		[]Condition{about(IsMember, node), about(Leaves, node), about(Stopped, node)},
		p.need(RuleMajority, ClusterKeepsMajority, node, QueueID{}),
		p.need(RuleReplicas, NoReplicas, node, QueueID{}),
		p.need(RuleDurable, NothingDurable, node, QueueID{}),
	)}
}

func (p *planner) addReplica(q *Queue, node NodeName) Action {
	return Action{Verb: AddReplica, Node: node, Queue: q.QueueID, QueueType: q.Type, Needs: slices.Concat(
		[]Condition{about(Serves, node), about(IsMember, node)},
		p.need(RuleMajority, QueueCanGrow, node, q.QueueID),
		[]Condition{{Predicate: QueueSettled, Queue: q.QueueID}},
	)}
}

func (p *planner) removeReplica(q *Queue, node NodeName) Action {
	return Action{Verb: RemoveReplica, Node: node, Queue: q.QueueID, QueueType: q.Type, Needs: slices.Concat(
		p.need(RuleMajority, QueueKeepsMajority, node, q.QueueID),
		p.need(RuleReplicas, ReplicaUnneeded, node, q.QueueID),
		p.need(RuleReplicas, QueueKeepsWanted, node, q.QueueID),
	)}
}

// removeLost is removeReplica of one that its node is to get back.
func (p *planner) removeLost(q *Queue, node NodeName) Action {
	a := p.removeReplica(q, node)
	a.Needs = append(a.Needs, p.need(RuleRemembered, ReplicaRemembered, node, q.QueueID)...)
	return a
}

func (p *planner) transfer(q *Queue, from, to NodeName) Action {
	return Action{Verb: TransferLeadership, Node: from, Target: to, Queue: q.QueueID, QueueType: q.Type,
		BestEffort: true,
		Needs:      []Condition{about(Serves, to), {Predicate: ReplicaCaughtUp, Node: to, Queue: q.QueueID}}}
}

// drainToStop drains a node that is about to stop.
func (p *planner) drainToStop(node NodeName) Action {
	return Action{Verb: DrainNode, Node: node, Needs: p.need(RuleMajority, KeepsMajority, node, QueueID{})}
}

func (p *planner) stopNode(node NodeName) Action {
	return Action{Verb: StopNode, Node: node, Needs: p.need(RuleMajority, KeepsMajority, node, QueueID{})}
}

// drainLeaver drains a node that leaves the cluster, for which all its queues must have their replicas
// elsewhere.
func (p *planner) drainLeaver(node NodeName) Action {
	return Action{Verb: DrainNode, Node: node, Needs: slices.Concat(
		[]Condition{about(Leaves, node), about(Serves, node)},
		p.need(RuleMajority, KeepsMajority, node, QueueID{}),
		p.need(RuleReplicas, QueuesKeepWanted, node, QueueID{}),
		p.need(RuleDurable, NothingDurable, node, QueueID{}),
	)}
}

func (p *planner) stopLeaver(node NodeName) Action {
	return Action{Verb: StopApp, Node: node, Needs: slices.Concat(
		[]Condition{about(Leaves, node), about(Runs, node)},
		p.need(RuleMajority, KeepsMajority, node, QueueID{}),
		p.need(RuleMajority, ClusterKeepsMajority, node, QueueID{}),
		p.need(RuleReplicas, NoReplicas, node, QueueID{}),
		p.need(RuleDurable, Drained, node, QueueID{}),
		p.need(RuleDurable, NothingDurable, node, QueueID{}),
	)}
}

func (p *planner) revive(node NodeName) Action {
	return Action{Verb: ReviveNode, Node: node,
		Needs: []Condition{about(Drained, node), about(NotStopping, node)}}
}

func (p *planner) startApp(node NodeName) Action {
	return Action{Verb: StartApp, Node: node, Needs: []Condition{about(NotStopping, node)}}
}

// restartLetGo restarts a node that the cluster has let go, so that it starts as a new member.
func (p *planner) restartLetGo(node NodeName) Action {
	return Action{Verb: RestartNode, Node: node, Needs: slices.Concat(
		[]Condition{about(IsNoMember, node), about(NotStopping, node)},
		p.need(RuleOnlyCopy, DataOfCluster, node, QueueID{}),
		p.need(RuleOnlyCopy, ClusterServes, "", QueueID{}),
	)}
}

func (p *planner) resetNode(node NodeName) Action {
	return Action{Verb: ResetNode, Node: node, Needs: slices.Concat(
		p.need(RuleOnlyCopy, NothingOwn, node, QueueID{}),
		p.need(RuleDurable, Drained, node, QueueID{}),
		p.need(RuleOnlyCopy, ClusterServes, "", QueueID{}),
	)}
}

func (p *planner) changeType(node NodeName, to topology.NodeType) Action {
	return Action{Verb: ChangeType, Node: node, Type: to, Needs: slices.Concat(
		[]Condition{about(Serves, node), about(NotStopping, node)},
		p.need(RuleMajority, KeepsMajority, node, QueueID{}),
		p.need(RuleOneAtATime, OthersServe, node, QueueID{}),
		p.need(RuleOnlyCopy, OtherDiscServes, node, QueueID{}),
	)}
}

func (p *planner) setDataAside(node NodeName) Action {
	return Action{Verb: SetDataAside, Node: node, Needs: slices.Concat(
		[]Condition{about(IsNoMember, node)},
		p.need(RuleOnlyCopy, DataOfCluster, node, QueueID{}),
		p.need(RuleOnlyCopy, ClusterServes, "", QueueID{}),
	)}
}

func (p *planner) found(node NodeName) Action {
	return Action{Verb: FoundCluster, Node: node, Needs: slices.Concat(
		[]Condition{about(HasNoData, node)},
		p.need(RuleOnlyCopy, FoundingAllowed, node, QueueID{}),
		p.need(RuleOnlyCopy, NoDataElsewhere, node, QueueID{}),
	)}
}

// asNew adds what it takes to start a node without data as a new member.
func (p *planner) asNew(a Action) Action {
	a.Needs = slices.Concat(a.Needs,
		[]Condition{about(ClusterServes, "")},
		p.need(RuleMajority, IsNoMember, a.Node, QueueID{}),
		p.need(RuleMajority, NoVoter, a.Node, QueueID{}),
	)
	return a
}

// deleteUser deletes a user of an earlier configuration. All nodes must serve: one that does not may yet
// import that.
func (p *planner) deleteUser(name string) Action {
	a := Action{Verb: DeleteUser, User: name}
	for _, n := range p.Want.Nodes {
		a.Needs = append(a.Needs, about(Serves, n.Name))
	}
	return a
}

func (p *planner) enableFlags() Action {
	return Action{Verb: EnableFlags, Needs: []Condition{about(OneVersion, "")}}
}

// changeNodes changes the containers of nodes. One that serves by then is changed only if that breaks no
// rule.
func (p *planner) changeNodes(nodes ...NodeName) Action {
	a := Action{Verb: ChangeNodes, Nodes: nodes}
	for _, n := range nodes {
		a.Needs = slices.Concat(a.Needs,
			p.need(RuleOneAtATime, DownOrOthersServe, n, QueueID{}),
			p.need(RuleMajority, DownOrKeepsMajority, n, QueueID{}),
			p.need(RuleOwner, SeriesFits, n, QueueID{}),
		)
	}
	return a
}

func (p *planner) deleteNode(node NodeName) Action {
	return Action{Verb: DeleteNode, Node: node, Needs: slices.Concat(
		p.need(RuleOwner, Owned, node, QueueID{}),
		p.need(RuleOwner, LetGo, node, QueueID{}),
	)}
}
