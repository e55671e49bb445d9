package plan

// departures refuses what nodes can't leave for without a loss, and tells whether it did. It is asked before anything is
// touched, and again with every look until the cluster has forgotten the nodes.
func (p *planner) departures(leavers []Node) bool {
	if len(leavers) == 0 {
		return false
	}
	before := len(p.Refusals)
	if !p.clusterServes("") {
		p.refuse(Refusal{Kind: ClusterMinority, Rule: RuleMajority, Nodes: p.notRunning()})
	}
	for _, leaver := range leavers {
		var minority, half []QueueID
		for i := range p.Queues {
			q := &p.Queues[i]
			switch {
			case !q.replicated() || !q.has(leaver.Name):
			case p.halfDeleted(q):
				half = append(half, q.QueueID)
			case q.Leader == "" && !q.online().hasMajority():
				minority = append(minority, q.QueueID)
			}
		}
		p.refuseQueues(HalfDeletedLeaves, RuleReplicas, leaver.Name, half)
		p.refuseQueues(QueueMinorityLeaves, RuleMajority, leaver.Name, minority)
		kind := DurableQueues
		if leaver.State == Down {
			kind = DurableQueuesDown
		}
		p.refuseQueues(kind, RuleDurable, leaver.Name, p.durableOn(leaver.Name))
	}
	return len(p.Refusals) > before
}

func (p *planner) refuseQueues(kind RefusalKind, rule Rule, node NodeName, queues []QueueID) {
	if len(queues) > 0 {
		p.refuse(Refusal{Kind: kind, Rule: rule, Nodes: []NodeName{node}, Queues: queues})
	}
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
