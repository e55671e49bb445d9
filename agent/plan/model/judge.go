package model

import (
	"slices"

	"warren/agent/plan"
	"warren/agent/plan/model/world"
)

// judge tells whether an action is right, by the truth at the moment at which its conditions hold of what was
// seen. It knows the rules by its own means and asks no predicate of the planner.
func (w *run) judge(a plan.Action, l *world.Loop) {
	n := w.Named(a.Node)
	home := w.Home()
	d := l.Desired
	switch a.Verb {
	case plan.StopNode, plan.StopApp, plan.ChangeType, plan.RestartNode:
		if !d.OutOfTime && !d.Destroy && n.Up() && home != nil && n.Volume.Cluster == home {
			w.judgePause(a.Verb, n, home)
		}
		if a.Verb == plan.ChangeType {
			w.judgeOthers(n, l.Want)
		}
	case plan.FoundCluster:
		for _, other := range w.Nodes {
			if other != n && other.HasData() {
				w.Breach(plan.RuleOnlyCopy, "%s may found a cluster while %s has data", n.Name, other.Name)
			}
		}
	case plan.SetDataAside:
		if home == nil || n.Volume.Cluster != home || home.Has(n) {
			w.Breach(plan.RuleOnlyCopy, "%s sets the only copy of its data aside", n.Name)
		}
	case plan.ResetNode:
		if cl := n.Volume.Cluster; cl != nil && (len(cl.Queues) > 0 || len(cl.Members) > 1) {
			w.Breach(plan.RuleOnlyCopy, "%s is reset and has queues", n.Name)
		}
	case plan.RemoveReplica:
		w.judgeRemoval(home, a, n, l)
	case plan.ForgetNode:
		w.judgeForget(home, n, l)
	case plan.RememberReplicas:
		w.judgeMemory(home, a, n, l)
	case plan.DeleteNode:
		w.judgeDeletion(n, l.Want)
	}
}

// judgePause: a node stops, and comes back later.
func (w *run) judgePause(verb plan.Verb, n *world.Node, home *world.Cluster) {
	for _, q := range home.Queues {
		if !q.Replicated() || q.Half {
			continue
		}
		voters, available := len(q.Voters()), q.Available()
		if r := q.On(n); r == nil || !r.Voter || !slices.Contains(available, r) ||
			!world.IsMajority(len(available), voters) {
			continue
		}
		left := len(available) - 1
		switch {
		case voters <= 2 && len(available) == voters:
		case !world.IsMajority(left, voters):
			w.Breach(plan.RuleMajority, "%s %s leaves %s with %d of %d voters", verb, n.Name, q.ID.Name, left, voters)
		case !world.IsMajority(left-1, voters) && len(available) < voters:
			w.Breach(plan.RuleMajority, "%s %s leaves %s with just a majority, and another voter could be waited for",
				verb, n.Name, q.ID.Name)
		}
	}
	if len(home.Members) > 2 && home.Majority(nil) && !home.MajorityWithout(n) {
		w.Breach(plan.RuleMajority, "%s %s leaves the metadata store without a majority", verb, n.Name)
	}
}

// judgeOthers: nothing is done to a node that serves while another member is missing.
func (w *run) judgeOthers(n *world.Node, want world.Wish) {
	home := w.Home()
	if home == nil || !n.Serving() || n.Volume.Cluster != home {
		return
	}
	for _, other := range want.Nodes {
		if other != n && home.Has(other) && !other.Serving() {
			w.Breach(plan.RuleOneAtATime, "%s is changed while %s is missing", n.Name, other.Name)
		}
	}
}

// judgeTogether: members that need one another to start are started together. Otherwise a deployment starts
// one, and waits for it in vain.
func (w *run) judgeTogether(actions []plan.Action, want world.Wish) {
	up := map[*world.Node]bool{}
	for _, n := range w.Nodes {
		up[n] = n.Up()
	}
	mayRun := func(cl *world.Cluster, runs func(*world.Node) bool) bool {
		running := 0
		for m := range cl.Members {
			if m.HasData() && m.Volume.Cluster == cl && runs(m) {
				running++
			}
		}
		return world.IsMajority(running, len(cl.Members))
	}
	for _, a := range actions {
		if a.Verb != plan.ChangeNodes {
			continue
		}
		for _, name := range a.Nodes {
			up[w.Named(name)] = true
		}
		for _, name := range a.Nodes {
			n := w.Named(name)
			if !n.HasData() || !n.Volume.Cluster.Has(n) {
				continue
			}
			now := mayRun(n.Volume.Cluster, func(m *world.Node) bool { return up[m] })
			if !now && mayRun(n.Volume.Cluster, func(m *world.Node) bool { return up[m] || want.Has(m) }) {
				w.Breach(plan.RuleOneAtATime, "%s is started without other members that are down and that it needs "+
					"to start", n.Name)
			}
		}
	}
}

func (w *run) judgeRemoval(home *world.Cluster, a plan.Action, n *world.Node, l *world.Loop) {
	if home == nil {
		return
	}
	q := home.Queue(a.Queue)
	if q == nil || q.On(n) == nil || q.Half {
		return
	}
	r := q.On(n)
	lost := !r.Stored(q)
	member := home.Has(n)
	if member && l.Want.Has(n) && !lost {
		w.Breach(plan.RuleReplicas, "the replica of %s on %s is removed, and is needed", q.ID.Name, n.Name)
	}
	available := q.Available()
	voters := len(q.Voters())
	if r.Voter {
		voters--
	}
	left := 0
	for _, other := range available {
		if other != r {
			left++
		}
	}
	if world.IsMajority(len(available), len(q.Voters())) && !world.IsMajority(left, voters) {
		w.Breach(plan.RuleMajority, "removing the replica of %s on %s leaves %d of %d voters", q.ID.Name, n.Name,
			left, voters)
	}
	kept := 0
	for _, other := range available {
		if other != r && l.Want.Has(other.Node) {
			kept++
		}
	}
	if slices.Contains(available, r) && kept < min(q.WantedOr3(), len(l.Want.Nodes)) {
		w.Breach(plan.RuleReplicas, "removing the replica of %s on %s leaves %d caught up", q.ID.Name, n.Name, kept)
	}
	if l.Want.Has(n) && lost && !slices.Contains(home.Lost[n.Name], q.ID) {
		w.Breach(plan.RuleRemembered, "nobody remembers that %s had a replica of %s", n.Name, q.ID.Name)
	}
}

func (w *run) judgeForget(home *world.Cluster, n *world.Node, l *world.Loop) {
	if home == nil || !home.Has(n) {
		return
	}
	if !l.Want.Has(n) {
		for _, q := range home.Queues {
			if !q.Replicated() && !q.Exclusive && q.Replicas[0].Node == n {
				w.Breach(plan.RuleDurable, "%s is forgotten and alone has %s", n.Name, q.ID.Name)
			}
			if q.Replicated() && !q.Half && q.On(n) != nil {
				w.Breach(plan.RuleReplicas, "%s is forgotten and has a replica of %s", n.Name, q.ID.Name)
			}
		}
		return
	}
	for _, q := range home.Queues {
		if q.Replicated() && q.On(n) != nil && !slices.Contains(home.Lost[n.Name], q.ID) {
			w.Breach(plan.RuleRemembered, "nobody remembers that %s had a replica of %s", n.Name, q.ID.Name)
		}
	}
}

// judgeMemory: what is dropped from memory must be there.
func (w *run) judgeMemory(home *world.Cluster, a plan.Action, n *world.Node, l *world.Loop) {
	if home == nil || !l.Want.Has(n) {
		return
	}
	for _, id := range home.Lost[a.Node] {
		q := home.Queue(id)
		if q == nil || q.Half || slices.Contains(a.Queues, id) {
			continue
		}
		if r := q.On(n); r == nil || !q.CaughtUp(r) || !r.Voter {
			w.Breach(plan.RuleRemembered, "it is forgotten that %s is to get a replica of %s", n.Name, id.Name)
		}
	}
}

// judgeDeletion: data are deleted by the owner only, by a destroy or after the cluster has let the node go.
func (w *run) judgeDeletion(n *world.Node, want world.Wish) {
	if n.Volume == nil {
		return
	}
	if n.Volume.Owner != want.Owner {
		w.Breach(plan.RuleOwner, "%s deletes the volume of %s, which %s made", want.Owner, n.Name, n.Volume.Owner)
	}
	if home := w.Home(); !want.Destroy && (home == nil || home.Has(n) || want.Has(n)) {
		w.Breach(plan.RuleOwner, "the volume of %s is deleted, which is a member", n.Name)
	}
}

// judgeTouch: a deployment replaces or stops a container.
func (w *run) judgeTouch(n *world.Node, want world.Wish) {
	w.judgeOthers(n, want)
	if n.Volume != nil && n.Volume.Owner != want.Owner {
		w.Breach(plan.RuleOwner, "%s touches %s, which %s made", want.Owner, n.Name, n.Volume.Owner)
	}
	for _, other := range w.Nodes {
		if other.Container != nil && other.Container.Cookie != want.Cookie {
			w.Breach(plan.RuleOwner, "the cookie rolls: %s gets another one than %s", n.Name, other.Name)
		}
	}
	if n.HasData() && n.Container != nil && !n.Volume.Series.SupportsUpgradeTo(want.Series) {
		w.Breach(plan.RuleOwner, "%s has data of %s, which %s can't take over", n.Name, n.Volume.Series,
			want.Series)
	}
}
