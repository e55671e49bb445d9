package world

import (
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// Look is what a loop sees of the world: the truth, but for what does not answer.
func (w *World) Look(want Wish, d plan.Desired) plan.View {
	v := plan.View{}
	home := w.Home()
	blind := w.blindness()
	if self := w.Named(d.Self); self != nil && self.Isolated {
		return self.lookAlone()
	}
	if home != nil {
		v.ClusterID = home.ID
		if blind != blindCluster {
			w.lookAtCluster(&v, home)
		}
	}
	for _, n := range w.Nodes {
		if want.Has(n) || home != nil && home.Has(n) || n.Volume != nil && d.Scope == plan.ScopeDeployment {
			seen := w.lookAtNode(n, home, d)
			if blind == blindNode && n.Name != d.Self && w.Pick("unseen", 2) == 1 {
				unseen := plan.Node{Name: n.Name}
				if d.Scope == plan.ScopeDeployment { // the engine tells this
					unseen.Owner, unseen.Cookie, unseen.Container, unseen.Version, unseen.HadData =
						seen.Owner, seen.Cookie, seen.Container, seen.Version, seen.HadData
				}
				seen = unseen
			}
			v.Nodes = append(v.Nodes, seen)
		}
	}
	return v
}

// lookAlone is what the agent of a node sees that is cut off: itself.
func (n *Node) lookAlone() plan.View {
	seen := plan.Node{Name: n.Name, Data: plan.Known(n.HasData())}
	if n.HasData() {
		seen.Version, seen.ClusterID = plan.Known(n.Volume.Series.String()+".1"), plan.Known(n.Volume.Cluster.ID)
	}
	if n.Container != nil {
		seen.Stopping = n.Container.Stopping
		n.Isolated = false
		seen.State = n.state()
		n.Isolated = true
	}
	return plan.View{Nodes: []plan.Node{seen}}
}

const (
	blindCluster = 1 + iota
	blindNode
)

// blindness is what a look misses.
func (w *World) blindness() int {
	if w.Calm {
		return 0
	}
	return max(0, w.Pick("blind", 12)-9)
}

func (w *World) lookAtCluster(v *plan.View, home *Cluster) {
	v.Metadata.Store = plan.Khepri
	if home.Mnesia {
		v.Metadata.Store = plan.Mnesia
	} else {
		if home.leader != nil {
			v.Metadata.Group.Leader = home.leader.Name
		}
		for _, n := range w.Nodes {
			if home.Has(n) {
				up := n.Up() && n.Volume.Cluster == home
				v.Metadata.Group.Replicas = append(v.Metadata.Group.Replicas, plan.Replica{
					Node: n.Name, Online: plan.Known(up), Voter: plan.Known(true), CaughtUp: plan.Known(up),
				})
			}
		}
	}
	if !home.Readable() {
		return
	}
	v.QueuesKnown, v.LostKnown = true, true
	for _, q := range home.Queues {
		v.Queues = append(v.Queues, q.seen())
	}
	for _, n := range w.Nodes {
		if lost := home.Lost[n.Name]; len(lost) > 0 {
			v.Lost = append(v.Lost, plan.LostReplicas{Node: n.Name, Queues: slices.Clone(lost)})
		}
	}
	v.Flags = []plan.FeatureFlag{
		{Name: "of_this_series", Enabled: home.Flags.Compare(w.OldestRunning(home)) >= 0, Stable: true},
		{Name: "of_the_future", Enabled: false, Stable: false},
	}
}

// OldestRunning is the oldest series that a running member has.
func (w *World) OldestRunning(c *Cluster) topology.Series {
	oldest := topology.Series{}
	for n := range c.Members {
		if n.Up() && (oldest == topology.Series{} || n.Container.Series.Compare(oldest) < 0) {
			oldest = n.Container.Series
		}
	}
	return oldest
}

func (q *Queue) seen() plan.Queue {
	seen := plan.Queue{QueueID: q.ID, Type: q.Type, Durable: true, Exclusive: q.Exclusive, Wanted: q.Wanted}
	works := q.Works()
	if works && q.Replicated() {
		seen.Leader = q.Leader.Name
	}
	for _, r := range q.Replicas {
		p := plan.Replica{Node: r.Node.Name, Online: plan.Known(r.Online(q)), Voter: plan.Known(r.Voter)}
		switch {
		case !q.Replicated():
			p.CaughtUp = p.Online
		case works:
			p.CaughtUp = plan.Known(q.CaughtUp(r))
			p.Lost = r.Node.Up() && !r.Stored(q)
		}
		seen.Replicas = append(seen.Replicas, p)
	}
	if !q.Replicated() && q.Replicas[0].Online(q) {
		seen.Messages = plan.Known(len(q.Stored))
	}
	return seen
}

func (w *World) lookAtNode(n *Node, home *Cluster, d plan.Desired) plan.Node {
	seen := plan.Node{Name: n.Name, State: n.state()}
	if home != nil && home.Readable() {
		seen.Member = plan.Known(home.Has(n))
		if home.Has(n) {
			seen.Type = plan.Known(home.Members[n])
		}
	}
	if n.agentUp() {
		seen.Stopping = n.Container.Stopping
		seen.Data = plan.Known(n.Volume.Data)
		id := ""
		if n.Volume.Cluster != nil {
			id = n.Volume.Cluster.ID
		}
		seen.ClusterID = plan.Known(id)
		if n.Volume.Data {
			seen.Version = plan.Known(n.Volume.Series.String() + ".1")
		}
	}
	if c := n.Cluster(); c != nil && n.Up() {
		seen.Alone = plan.Known(len(c.Members) == 1)
		seen.OwnQueues = plan.Known(len(c.Queues))
		seen.Version = plan.Known(n.Container.Series.String() + ".1")
	}
	if d.Scope == plan.ScopeDeployment {
		seen.Container = plan.Known(n.Container != nil)
		seen.Deployed = plan.Known(w.Satisfied.Has(n))
		if n.Container != nil {
			seen.Cookie = plan.Known(n.Container.Cookie)
			seen.HadData = plan.Known(!n.Container.MayFound)
			if n.HasData() {
				seen.Version = plan.Known(n.Volume.Series.String() + ".1") // a label of the container tells it
			}
		}
		if n.Volume == nil {
			seen.Data = plan.Known(false)
		} else {
			seen.Owner = plan.Known(n.Volume.Owner)
		}
	}
	return seen
}

func (n *Node) state() plan.NodeState {
	switch {
	case n.Container == nil || !n.Container.VM || n.Isolated:
		return plan.Down
	case n.Container.App && n.Container.Maintenance:
		return plan.Maintenance
	case n.Container.App:
		return plan.Serving
	case n.Container.Booting:
		return plan.Starting
	default:
		return plan.AppStopped
	}
}

// Desired is a wish as the planner is told it.
func (x Wish) Desired(scope plan.Scope, self *Node) plan.Desired {
	d := plan.Desired{Scope: scope, Series: x.Series, Cookie: x.Cookie, Owner: x.Owner, Destroy: x.Destroy}
	if self != nil {
		d.Self = self.Name
	}
	for i, n := range x.Nodes {
		typ := x.Types[n]
		if typ == "" {
			typ = topology.Disc
		}
		d.Nodes = append(d.Nodes, plan.DesiredNode{Name: n.Name, Type: typ, Seed: i < seeds})
	}
	return d
}
