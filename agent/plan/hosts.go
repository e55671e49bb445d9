package plan

// refuseChangesWhileAway refuses to change nodes that the cluster can't do without while hosts are away.
// Those hosts come back, or are replaced: either is another way.
func (p *planner) refuseChangesWhileAway() {
	if len(p.Want.Away) == 0 {
		return
	}
	var needed []NodeName
	for _, name := range p.Want.Changes {
		for _, c := range p.need(RuleMajority, DownOrKeepsMajority, name, QueueID{}) {
			if !p.Holds(c) {
				needed = append(needed, name)
			}
		}
	}
	if len(needed) > 0 {
		p.refuse(Refusal{Kind: ChangeWhileAway, Rule: RuleMajority, Nodes: needed})
	}
}

// refuseMoves refuses to take a node to another host that alone has a durable queue. Its other replicas are
// made again from those of its peers.
func (p *planner) refuseMoves() {
	if len(p.Want.Moves) > 0 && len(p.Members) > 0 && !p.Holds(about(Listed, "")) {
		p.wait(about(Listed, ""))
		return
	}
	for _, name := range p.Want.Moves {
		p.refuseQueues(DurableQueuesStay, RuleDurable, name, p.DurableOn(name))
	}
}
