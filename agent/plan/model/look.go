package model

import (
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// look is what a loop sees of the world: the truth, but for what does not answer.
func (w *World) look(want wish, d plan.Desired) plan.View {
	v := plan.View{}
	home := w.home()
	blind := w.blindness()
	if self := w.named(d.Self); self != nil && self.isolated {
		return self.lookAlone()
	}
	if home != nil {
		v.ClusterID = home.id
		if blind != blindCluster {
			w.lookAtCluster(&v, home)
		}
	}
	for _, n := range w.nodes {
		if want.has(n) || home != nil && home.has(n) || n.vol != nil && d.Scope == plan.ScopeDeployment {
			seen := w.lookAtNode(n, home, d)
			if blind == blindNode && n.name != d.Self && w.pick("unseen", 2) == 1 {
				unseen := plan.Node{Name: n.name}
				if d.Scope == plan.ScopeDeployment { // the engine tells this
					unseen.Owner, unseen.Cookie, unseen.Container, unseen.Version = seen.Owner, seen.Cookie, seen.Container, seen.Version
				}
				seen = unseen
			}
			v.Nodes = append(v.Nodes, seen)
		}
	}
	return v
}

// lookAlone is what the agent of a node sees that is cut off: itself.
func (n *node) lookAlone() plan.View {
	seen := plan.Node{Name: n.name, Data: plan.Known(n.hasData())}
	if n.hasData() {
		seen.Version, seen.ClusterID = plan.Known(n.vol.series.String()+".1"), plan.Known(n.vol.cluster.id)
	}
	if n.c != nil {
		seen.Stopping = n.c.stopping
		n.isolated = false
		seen.State = n.state()
		n.isolated = true
	}
	return plan.View{Nodes: []plan.Node{seen}}
}

const (
	blindCluster = 1 + iota
	blindNode
)

// blindness is what a look misses.
func (w *World) blindness() int {
	if w.calm {
		return 0
	}
	return max(0, w.pick("blind", 12)-9)
}

func (w *World) lookAtCluster(v *plan.View, home *cluster) {
	v.Metadata.Store = plan.Khepri
	if home.mnesia {
		v.Metadata.Store = plan.Mnesia
	} else {
		if home.leader != nil {
			v.Metadata.Group.Leader = home.leader.name
		}
		for _, n := range w.nodes {
			if home.has(n) {
				up := n.up() && n.vol.cluster == home
				v.Metadata.Group.Replicas = append(v.Metadata.Group.Replicas, plan.Replica{
					Node: n.name, Online: plan.Known(up), Voter: plan.Known(true), CaughtUp: plan.Known(up),
				})
			}
		}
	}
	if !home.readable() {
		return
	}
	v.QueuesKnown, v.LostKnown = true, true
	for _, q := range home.queues {
		v.Queues = append(v.Queues, q.seen())
	}
	for _, n := range w.nodes {
		if lost := home.lost[n.name]; len(lost) > 0 {
			v.Lost = append(v.Lost, plan.LostReplicas{Node: n.name, Queues: slices.Clone(lost)})
		}
	}
	v.Flags = []plan.FeatureFlag{
		{Name: "of_this_series", Enabled: home.flags.Compare(w.oldestRunning(home)) >= 0, Stable: true},
		{Name: "of_the_future", Enabled: false, Stable: false},
	}
}

// oldestRunning is the oldest series that a running member has.
func (w *World) oldestRunning(c *cluster) topology.Series {
	oldest := topology.Series{}
	for n := range c.members {
		if n.up() && (oldest == topology.Series{} || n.c.series.Compare(oldest) < 0) {
			oldest = n.c.series
		}
	}
	return oldest
}

func (q *queue) seen() plan.Queue {
	seen := plan.Queue{QueueID: q.id, Type: q.typ, Durable: true, Exclusive: q.exclusive, Wanted: q.wanted}
	works := q.works()
	if works && q.replicated() {
		seen.Leader = q.leader.name
	}
	for _, r := range q.replicas {
		p := plan.Replica{Node: r.n.name, Online: plan.Known(r.online(q)), Voter: plan.Known(r.voter)}
		switch {
		case !q.replicated():
			p.CaughtUp = p.Online
		case works:
			p.CaughtUp = plan.Known(q.caughtUp(r))
			p.Lost = r.n.up() && !r.stored(q)
		}
		seen.Replicas = append(seen.Replicas, p)
	}
	if !q.replicated() && q.replicas[0].online(q) {
		seen.Messages = plan.Known(len(q.stored))
	}
	return seen
}

func (w *World) lookAtNode(n *node, home *cluster, d plan.Desired) plan.Node {
	seen := plan.Node{Name: n.name, State: n.state()}
	if home != nil && home.readable() {
		seen.Member = plan.Known(home.has(n))
		if home.has(n) {
			seen.Type = plan.Known(home.members[n])
		}
	}
	if n.agentUp() {
		seen.Stopping = n.c.stopping
		seen.Data = plan.Known(n.vol.data)
		id := ""
		if n.vol.cluster != nil {
			id = n.vol.cluster.id
		}
		seen.ClusterID = plan.Known(id)
		if n.vol.data {
			seen.Version = plan.Known(n.vol.series.String() + ".1")
		}
	}
	if c := n.cluster(); c != nil && n.up() {
		seen.Alone = plan.Known(len(c.members) == 1)
		seen.OwnQueues = plan.Known(len(c.queues))
		seen.Version = plan.Known(n.c.series.String() + ".1")
	}
	if d.Scope == plan.ScopeDeployment {
		seen.Container = plan.Known(n.c != nil)
		seen.Deployed = plan.Known(w.satisfied.has(n))
		if n.c != nil {
			seen.Cookie = plan.Known(n.c.cookie)
			if n.hasData() {
				seen.Version = plan.Known(n.vol.series.String() + ".1") // a label of the container tells it
			}
		}
		if n.vol == nil {
			seen.Data = plan.Known(false)
		} else {
			seen.Owner = plan.Known(n.vol.owner)
		}
	}
	return seen
}

func (n *node) state() plan.NodeState {
	switch {
	case n.c == nil || !n.c.vm || n.isolated:
		return plan.Down
	case n.c.app && n.c.maintenance:
		return plan.Maintenance
	case n.c.app:
		return plan.Serving
	case n.c.booting:
		return plan.Starting
	default:
		return plan.AppStopped
	}
}

// desired is a wish as the planner is told it.
func (x wish) desired(scope plan.Scope, self *node) plan.Desired {
	d := plan.Desired{Scope: scope, Series: x.series, Cookie: x.cookie, Owner: x.owner, Destroy: x.destroy}
	if self != nil {
		d.Self = self.name
	}
	for i, n := range x.nodes {
		typ := x.types[n]
		if typ == "" {
			typ = topology.Disc
		}
		d.Nodes = append(d.Nodes, plan.DesiredNode{Name: n.name, Type: typ, Seed: i < seeds})
	}
	return d
}
