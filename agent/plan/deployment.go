package plan

import (
	"slices"

	"warren/topology"
)

// deployment decides what happens to the stack's containers and volumes, and in which order. A refusal
// refuses all of it.
func (p *planner) deployment() {
	p.refuseForeign()
	if p.Want.Destroy {
		p.destroy()
	} else {
		p.refuseCookie()
		p.refuseDistribution()
		p.refuseUpgrade()
		p.refuseFounding()
		p.refuseTypes()
		p.refuseDepartures()
		p.refuseRejoining()
		p.refuseChangesWhileAway()
		p.refuseMoves()
		p.roll()
	}
	if len(p.Refusals) > 0 && p.rules.has(RuleRefusal) {
		p.Actions = nil
	}
}

func (p *planner) destroy() {
	for _, n := range p.Nodes {
		p.do(p.deleteNode(n.Name))
	}
}

// roll is the order of the changes:
//
//  1. what is down and has data, or is in another cluster, together, because such nodes may need one another
//     to start;
//  2. what is down and has lost its data, one after the other;
//  3. what is drained, one after the other: it may still hold up a majority, and does not serve;
//  4. what is up, one after the other: nothing is done to it while another member is missing;
//  5. what is new, one after the other;
//  6. the formation, and then the nodes that have left.
//
// A stack in which no node serves or is known to have data is changed together: its nodes found a cluster.
func (p *planner) roll() {
	var all, missing, emptied, drained, up, added []NodeName
	for _, want := range p.Want.Nodes {
		n := p.Node(want.Name)
		all = append(all, n.Name)
		switch {
		case n.State == Serving && p.MayBeMember(n):
			up = append(up, n.Name)
		case n.Running() && p.MayBeMember(n):
			drained = append(drained, n.Name)
		case n.IsNew():
			added = append(added, n.Name)
		case n.Data.Is(false):
			emptied = append(emptied, n.Name)
		default:
			missing = append(missing, n.Name)
		}
	}
	p.do(Action{Verb: AbandonFormation})
	switch {
	case len(up)+len(drained) == 0 && !p.AnyData():
		together := p.changeNodes(all...)
		together.MayFound = true
		p.do(together)
	case !p.rules.has(RuleOneAtATime):
		p.changeEach(all)
	default:
		if len(missing) > 0 {
			p.do(p.changeNodes(missing...))
		}
		p.changeEach(emptied)
		p.changeEach(drained)
		p.changeEach(up)
		p.changeEach(added)
	}
	p.do(Action{Verb: FormCluster})
	for _, n := range p.Nodes {
		if !p.Want.Has(n.Name) && !n.IsNew() {
			p.do(p.deleteNode(n.Name))
		}
	}
}

func (p *planner) changeEach(nodes []NodeName) {
	for _, n := range nodes {
		p.do(p.changeNodes(n))
	}
}

// refuseForeign refuses to touch what another state made: a second clone, a lost state, a renamed stack.
func (p *planner) refuseForeign() {
	owners := map[string][]NodeName{}
	var order []string
	for _, n := range p.Nodes {
		owner, known := n.Owner.Get()
		if !known || owner == "" || p.Want.Owner == "" || owner == p.Want.Owner {
			continue
		}
		if owners[owner] == nil {
			order = append(order, owner)
		}
		owners[owner] = append(owners[owner], n.Name)
	}
	for _, owner := range order {
		p.refuse(Refusal{Kind: ForeignStack, Rule: RuleOwner, Nodes: owners[owner], From: owner, To: p.Want.Owner})
	}
}

// refuseCookie refuses another Erlang cookie while there are containers with the old one: nodes with
// different cookies do not talk to each other, so that it can't roll.
func (p *planner) refuseCookie() {
	var nodes []NodeName
	for _, n := range p.Nodes {
		if cookie, known := n.Cookie.Get(); known && p.Want.Cookie != "" && cookie != p.Want.Cookie &&
			!n.Container.Is(false) {
			nodes = append(nodes, n.Name)
		}
	}
	if len(nodes) > 0 {
		p.refuse(Refusal{Kind: CookieChange, Rule: RuleOwner, Nodes: nodes, Stack: p.Want.Stack})
	}
}

// refuseDistribution refuses that nodes talk to each other in another way while one of several runs: a node
// that uses TLS and one that does not can't talk, so that it can't roll.
func (p *planner) refuseDistribution() {
	var nodes []NodeName
	for _, n := range p.Nodes {
		how, known := n.Distribution.Get()
		if known && p.Want.Distribution != "" && how != p.Want.Distribution && n.Running() {
			nodes = append(nodes, n.Name)
		}
	}
	if len(nodes) > 0 && max(len(p.Nodes), len(p.Want.Nodes)) > 1 {
		p.refuse(Refusal{Kind: DistributionChange, Rule: RuleOwner, Nodes: nodes, Stack: p.Want.Stack,
			To: p.Want.Distribution})
	}
}

// refuseUpgrade refuses a series that can't take over the data of a node, and one that wants feature flags
// that are not enabled yet.
func (p *planner) refuseUpgrade() {
	nodes := map[topology.Series][]NodeName{}
	var order []topology.Series
	for _, n := range p.Nodes {
		series, known := p.SeriesOf(n)
		if !known || series == p.Want.Series {
			continue
		}
		if nodes[series] == nil {
			order = append(order, series)
		}
		nodes[series] = append(nodes[series], n.Name)
	}
	slices.SortFunc(order, topology.Series.Compare)
	for _, from := range order {
		if !from.SupportsUpgradeTo(p.Want.Series) {
			p.refuseSeries(from, nodes[from])
		}
	}
	if disabled := p.DisabledFlags(); len(order) > 0 && len(disabled) > 0 && p.OneSeries() {
		p.refuse(Refusal{Kind: FlagsDisabled, Rule: RuleOwner, Nodes: nodes[order[0]], From: order[0].String(),
			To: p.Want.Series.String()})
	}
}

func (p *planner) refuseSeries(from topology.Series, nodes []NodeName) bool {
	kind := UpgradeSkips
	if from.Compare(p.Want.Series) > 0 {
		kind = Downgrade
	}
	return p.refuse(Refusal{Kind: kind, Rule: RuleOwner, Nodes: nodes, From: from.String(),
		To: p.Want.Series.String()})
}

// unsupported refuses to start a node on data that the series can't take over.
func (p *planner) unsupported(self Node) bool {
	if p.SeriesFits(self) {
		return false
	}
	from, _ := p.SeriesOf(self)
	return p.refuseSeries(from, []NodeName{self.Name})
}

// refuseFounding refuses to go on where most data of the last deployment are gone and what is left does not
// run: the nodes that have lost theirs would wait for the others in vain, and must not found a cluster
// without them. It also refuses to replace all nodes that have data by others.
func (p *planner) refuseFounding() {
	var data []NodeName
	unread, emptied, kept := 0, 0, false
	for _, n := range p.Nodes {
		// Where no member is known, whatever may have data counts.
		if p.Want.Has(n.Name) && (n.Member.Is(true) || len(p.Members) == 0 && !n.Data.Is(false)) {
			kept = true
		}
		switch {
		case n.Running() || n.Data.Is(true) || n.Container.Is(true) && !n.Data.Is(false):
			// A node that has run and can't be asked may have data.
			data = append(data, n.Name)
		case !n.Data.Is(false):
			unread++ // a volume without a container
		case n.Container.Is(true) && n.HadData.Is(false): // it has not come up yet
		case n.Deployed.Is(true) || !n.Deployed.Is(false) && !n.Container.Is(true):
			// Where nobody knows whether a node was deployed, one that has a container and no data is one that has
			// not come up yet, and one that has neither may have been removed.
			emptied++
		}
	}
	switch {
	case len(data) == 0:
	case !kept:
		p.refuse(Refusal{Kind: NothingKept, Rule: RuleOnlyCopy, Nodes: data})
	case p.ClusterID == "" && emptied >= len(data)+unread:
		p.refuse(Refusal{Kind: FoundingOverData, Rule: RuleOnlyCopy, Nodes: data})
	}
}

// refuseTypes refuses to make disc nodes RAM nodes if no disc node that is a member now stays one.
func (p *planner) refuseTypes() {
	var become []NodeName
	stays := false
	for _, want := range p.Want.Nodes {
		n := p.Node(want.Name)
		switch {
		case !n.Member.Is(true) || !n.Type.Is(topology.Disc):
		case want.Type == topology.RAM:
			become = append(become, n.Name)
		default:
			stays = true
		}
	}
	if p.Metadata.Store == Mnesia && len(become) > 0 && !stays {
		p.refuse(Refusal{Kind: LastDisc, Rule: RuleOnlyCopy, Nodes: become})
	}
}

// refuseDepartures refuses a scale-in that would lose something. The stack's nodes that are down are taken
// for running: they are started before another one leaves.
func (p *planner) refuseDepartures() {
	if len(p.Members) == 0 {
		p.refuseUnasked()
		return
	}
	if len(p.Leavers()) > 0 && !p.Holds(about(Listed, "")) {
		p.wait(about(Listed, ""))
		return
	}
	p.refuseDeparting()
}

// refuseUnasked refuses to let nodes go while no cluster with a majority runs that could be asked
// what they alone have. One that has nothing yet may found a cluster at any moment, if it has a container.
func (p *planner) refuseUnasked() {
	var nodes []NodeName
	for _, n := range p.Nodes {
		if !p.Want.Has(n.Name) && (!n.Data.Is(false) || !n.Container.Is(false)) {
			nodes = append(nodes, n.Name)
		}
	}
	if len(nodes) > 0 {
		p.refuse(Refusal{Kind: NobodyToAsk, Rule: RuleOnlyCopy, Nodes: nodes})
	}
}
