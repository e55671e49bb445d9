package plan

import (
	"slices"

	"warren/topology"
)

// deployment decides what happens to the stack's containers and volumes, and in which order. A refusal refuses all of it.
func (p *planner) deployment() {
	p.refuseForeign()
	if p.want.Destroy {
		p.destroy()
	} else {
		p.refuseCookie()
		p.refuseUpgrade()
		p.refuseFounding()
		p.refuseDepartures()
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
//  1. what is down and has data, together, because such nodes may need one another to start;
//  2. what is down and has lost its data, one after the other;
//  3. what is up, one after the other: nothing is done to it while another member is missing;
//  4. what is new, one after the other;
//  5. the formation, and then the nodes that have left.
//
// A stack that has nothing yet has nothing to lose and is created together.
func (p *planner) roll() {
	var missing, emptied, up, added []NodeName
	for _, want := range p.want.Nodes {
		n := p.node(want.Name)
		switch {
		case n.State == Serving:
			up = append(up, n.Name)
		case n.isNew():
			added = append(added, n.Name)
		case n.Data.Is(false):
			emptied = append(emptied, n.Name)
		default:
			missing = append(missing, n.Name)
		}
	}
	if len(missing)+len(emptied)+len(up) == 0 {
		p.change(added...)
		added = nil
	}
	if p.rules.has(RuleOneAtATime) {
		p.change(missing...)
		p.changeEach(emptied)
		for _, n := range up {
			p.do(p.changeNode(n))
		}
	} else {
		for _, want := range p.want.Nodes {
			if n := p.node(want.Name); !n.isNew() {
				p.do(p.changeNode(n.Name))
			}
		}
	}
	p.changeEach(added)
	p.do(Action{Verb: FormCluster})
	for _, n := range p.Nodes {
		if !p.desired[n.Name] && !n.isNew() {
			p.do(p.deleteNode(n.Name))
		}
	}
}

func (p *planner) change(nodes ...NodeName) {
	if len(nodes) > 0 {
		p.do(Action{Verb: ChangeNodes, Nodes: nodes})
	}
}

func (p *planner) changeEach(nodes []NodeName) {
	for _, n := range nodes {
		p.change(n)
	}
}

// refuseForeign refuses to touch what another state made: a second clone, a lost state, a renamed stack.
func (p *planner) refuseForeign() {
	owners := map[string][]NodeName{}
	var order []string
	for _, n := range p.Nodes {
		owner, known := n.Owner.Get()
		if !known || owner == "" || owner == p.want.Owner {
			continue
		}
		if owners[owner] == nil {
			order = append(order, owner)
		}
		owners[owner] = append(owners[owner], n.Name)
	}
	for _, owner := range order {
		p.refuse(Refusal{Kind: ForeignStack, Rule: RuleOwner, Nodes: owners[owner], From: owner, To: p.want.Owner})
	}
}

// refuseCookie refuses another Erlang cookie while there are containers with the old one: nodes with different cookies do not
// talk to each other, so that it can't roll.
func (p *planner) refuseCookie() {
	var nodes []NodeName
	for _, n := range p.Nodes {
		if cookie, known := n.Cookie.Get(); known && p.want.Cookie != "" && cookie != p.want.Cookie && !n.Container.Is(false) {
			nodes = append(nodes, n.Name)
		}
	}
	if len(nodes) > 0 {
		p.refuse(Refusal{Kind: CookieChange, Rule: RuleOwner, Nodes: nodes})
	}
}

// refuseUpgrade refuses a series that can't take over the data of a node, and one that wants feature flags that are not
// enabled yet.
func (p *planner) refuseUpgrade() {
	nodes := map[topology.Series][]NodeName{}
	var order []topology.Series
	for _, n := range p.Nodes {
		series, known := p.seriesOf(n)
		if !known || series == p.want.Series {
			continue
		}
		if nodes[series] == nil {
			order = append(order, series)
		}
		nodes[series] = append(nodes[series], n.Name)
	}
	slices.SortFunc(order, topology.Series.Compare)
	for _, from := range order {
		if !from.SupportsUpgradeTo(p.want.Series) {
			p.refuseSeries(from, nodes[from])
		}
	}
	if disabled := p.disabledFlags(); len(order) > 0 && len(disabled) > 0 && p.oneSeries() {
		p.refuse(Refusal{Kind: FlagsDisabled, Rule: RuleOwner, Nodes: nodes[order[0]], From: order[0].String(), To: p.want.Series.String()})
	}
}

func (p *planner) refuseSeries(from topology.Series, nodes []NodeName) bool {
	kind := UpgradeSkips
	if from.Compare(p.want.Series) > 0 {
		kind = Downgrade
	}
	return p.refuse(Refusal{Kind: kind, Rule: RuleOwner, Nodes: nodes, From: from.String(), To: p.want.Series.String()})
}

// unsupported refuses to start a node on data that the series can't take over.
func (p *planner) unsupported(self Node) bool {
	from, known := p.seriesOf(self)
	if !known || p.want.Series == (topology.Series{}) || !self.Data.Is(true) || from.SupportsUpgradeTo(p.want.Series) {
		return false
	}
	return p.refuseSeries(from, []NodeName{self.Name})
}

func (s *sight) seriesOf(n Node) (topology.Series, bool) {
	version, known := n.Version.Get()
	if !known {
		return topology.Series{}, false
	}
	return SeriesOf(version)
}

// oneSeries tells whether all nodes of which it is known run one series: an upgrade that was interrupted goes on, and
// enables its flags at its end.
func (s *sight) oneSeries() bool {
	first := topology.Series{}
	for _, n := range s.Nodes {
		series, known := s.seriesOf(n)
		switch {
		case !known:
		case first == topology.Series{}:
			first = series
		case series != first:
			return false
		}
	}
	return true
}

func (s *sight) disabledFlags() []string {
	var names []string
	for _, f := range s.Flags {
		if f.Stable && !f.Enabled {
			names = append(names, f.Name)
		}
	}
	return names
}

// refuseFounding refuses to create empty nodes as the greater part of a stack of which some node, that does not run, has
// data: they would wait for it in vain if it was a member of a greater cluster, and must not found one without it. It also
// refuses to replace all nodes that have data by others.
func (p *planner) refuseFounding() {
	var data, empty []NodeName
	kept := false
	for _, n := range p.Nodes {
		switch {
		case n.Running():
			kept = kept || p.desired[n.Name]
			data = append(data, n.Name)
		case !n.Data.Is(false):
			kept = kept || p.desired[n.Name]
			data = append(data, n.Name)
		case p.desired[n.Name]:
			empty = append(empty, n.Name)
		}
	}
	switch {
	case len(data) == 0:
	case !kept:
		p.refuse(Refusal{Kind: NothingKept, Rule: RuleOnlyCopy, Nodes: data})
	case p.ClusterID == "" && len(empty) >= len(data):
		p.refuse(Refusal{Kind: FoundingOverData, Rule: RuleOnlyCopy, Nodes: data})
	}
}

// refuseDepartures refuses a scale-in that would lose something. The stack's nodes that are down are taken for running: they
// are started before another one leaves.
func (p *planner) refuseDepartures() {
	if p.ClusterID == "" {
		return // nobody can be asked; the formation will be
	}
	if len(p.leavers()) > 0 && !p.holds(about(Listed, "")) {
		p.wait(about(Listed, ""))
		return
	}
	q := &planner{sight: newSight(p.brought(), p.want), rules: p.rules}
	q.departures(q.leavers())
	p.Refusals = append(p.Refusals, q.Refusals...)
}

// brought is the view as it will be when the stack's nodes with data have been brought back.
func (p *planner) brought() View {
	v := p.View
	back := map[NodeName]bool{}
	v.Nodes = slices.Clone(v.Nodes)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if p.desired[n.Name] && n.State != Serving && !n.Data.Is(false) {
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
