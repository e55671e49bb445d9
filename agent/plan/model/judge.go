package model

import (
	"slices"

	"warren/agent/plan"
)

// judge tells whether an action is right, by the truth at the moment at which its conditions hold of what was seen. It knows
// the rules by its own means and asks no predicate of the planner.
func (w *World) judge(a plan.Action, l *loop) {
	n := w.named(a.Node)
	home := w.home()
	d := l.desired
	switch a.Verb {
	case plan.StopNode, plan.StopApp, plan.ChangeType, plan.RestartNode:
		if !d.OutOfTime && !d.Destroy && n.up() && home != nil && n.vol.cluster == home {
			w.judgePause(a.Verb, n, home)
		}
		if a.Verb == plan.ChangeType {
			w.judgeOthers(n, l.want)
		}
	case plan.FoundCluster:
		for _, other := range w.nodes {
			if other != n && other.hasData() {
				w.breach(plan.RuleOnlyCopy, "%s may found a cluster while %s has data", n.name, other.name)
			}
		}
	case plan.SetDataAside:
		if home == nil || n.vol.cluster != home || home.has(n) {
			w.breach(plan.RuleOnlyCopy, "%s sets the only copy of its data aside", n.name)
		}
	case plan.ResetNode:
		if cl := n.vol.cluster; cl != nil && (len(cl.queues) > 0 || len(cl.members) > 1) {
			w.breach(plan.RuleOnlyCopy, "%s is reset and has queues", n.name)
		}
	case plan.RemoveReplica:
		w.judgeRemoval(home, a, n, l)
	case plan.ForgetNode:
		w.judgeForget(home, n, l)
	case plan.RememberReplicas:
		w.judgeMemory(home, a, n, l)
	case plan.DeleteNode:
		w.judgeDeletion(n, l.want)
	}
}

// judgePause: a node stops, and comes back later.
func (w *World) judgePause(verb plan.Verb, n *node, home *cluster) {
	for _, q := range home.queues {
		if !q.replicated() || q.half {
			continue
		}
		voters, available := len(q.voters()), q.available()
		if r := q.on(n); r == nil || !r.voter || !slices.Contains(available, r) || !isMajority(len(available), voters) {
			continue
		}
		left := len(available) - 1
		switch {
		case voters <= 2 && len(available) == voters:
		case !isMajority(left, voters):
			w.breach(plan.RuleMajority, "%s %s leaves %s with %d of %d voters", verb, n.name, q.id.Name, left, voters)
		case !isMajority(left-1, voters) && len(available) < voters:
			w.breach(plan.RuleMajority, "%s %s leaves %s with just a majority, and another voter could be waited for", verb, n.name, q.id.Name)
		}
	}
	if len(home.members) > 2 && home.majority(nil) && !home.majorityWithout(n) {
		w.breach(plan.RuleMajority, "%s %s leaves the metadata store without a majority", verb, n.name)
	}
}

// majorityWithout tells whether most members run when one stops.
func (c *cluster) majorityWithout(stopped *node) bool {
	up := 0
	for n := range c.members {
		if n != stopped && n.up() && n.vol.cluster == c {
			up++
		}
	}
	return isMajority(up, len(c.members))
}

// judgeOthers: nothing is done to a node that serves while another member is missing.
func (w *World) judgeOthers(n *node, want wish) {
	home := w.home()
	if home == nil || !n.serving() || n.vol.cluster != home {
		return
	}
	for _, other := range want.nodes {
		if other != n && home.has(other) && !other.serving() {
			w.breach(plan.RuleOneAtATime, "%s is changed while %s is missing", n.name, other.name)
		}
	}
}

// judgeTogether: members that need one another to start are started together. Otherwise a deployment starts one, and waits
// for it in vain.
func (w *World) judgeTogether(actions []plan.Action, want wish) {
	up := map[*node]bool{}
	for _, n := range w.nodes {
		up[n] = n.up()
	}
	mayRun := func(cl *cluster, runs func(*node) bool) bool {
		running := 0
		for m := range cl.members {
			if m.hasData() && m.vol.cluster == cl && runs(m) {
				running++
			}
		}
		return isMajority(running, len(cl.members))
	}
	for _, a := range actions {
		if a.Verb != plan.ChangeNodes {
			continue
		}
		for _, name := range a.Nodes {
			up[w.named(name)] = true
		}
		for _, name := range a.Nodes {
			n := w.named(name)
			if !n.hasData() || !n.vol.cluster.has(n) {
				continue
			}
			now := mayRun(n.vol.cluster, func(m *node) bool { return up[m] })
			if !now && mayRun(n.vol.cluster, func(m *node) bool { return up[m] || want.has(m) }) {
				w.breach(plan.RuleOneAtATime, "%s is started without other members that are down and that it needs to start", n.name)
			}
		}
	}
}

func (w *World) judgeRemoval(home *cluster, a plan.Action, n *node, l *loop) {
	if home == nil {
		return
	}
	q := home.queue(a.Queue)
	if q == nil || q.on(n) == nil || q.half {
		return
	}
	r := q.on(n)
	lost := !r.stored(q)
	member := home.has(n)
	if member && l.want.has(n) && !lost {
		w.breach(plan.RuleReplicas, "the replica of %s on %s is removed, and is needed", q.id.Name, n.name)
	}
	available := q.available()
	voters := len(q.voters())
	if r.voter {
		voters--
	}
	left := 0
	for _, other := range available {
		if other != r {
			left++
		}
	}
	if isMajority(len(available), len(q.voters())) && !isMajority(left, voters) {
		w.breach(plan.RuleMajority, "removing the replica of %s on %s leaves %d of %d voters", q.id.Name, n.name, left, voters)
	}
	kept := 0
	for _, other := range available {
		if other != r && l.want.has(other.n) {
			kept++
		}
	}
	if slices.Contains(available, r) && kept < min(q.wantedOr3(), len(l.want.nodes)) {
		w.breach(plan.RuleReplicas, "removing the replica of %s on %s leaves %d caught up", q.id.Name, n.name, kept)
	}
	if l.want.has(n) && lost && !slices.Contains(home.lost[n.name], q.id) {
		w.breach(plan.RuleRemembered, "nobody remembers that %s had a replica of %s", n.name, q.id.Name)
	}
}

func (q *queue) wantedOr3() int {
	if q.wanted > 0 {
		return q.wanted
	}
	return 3
}

func (w *World) judgeForget(home *cluster, n *node, l *loop) {
	if home == nil || !home.has(n) {
		return
	}
	if !l.want.has(n) {
		for _, q := range home.queues {
			if !q.replicated() && !q.exclusive && q.replicas[0].n == n {
				w.breach(plan.RuleDurable, "%s is forgotten and alone has %s", n.name, q.id.Name)
			}
			if q.replicated() && !q.half && q.on(n) != nil {
				w.breach(plan.RuleReplicas, "%s is forgotten and has a replica of %s", n.name, q.id.Name)
			}
		}
		return
	}
	for _, q := range home.queues {
		if q.replicated() && q.on(n) != nil && !slices.Contains(home.lost[n.name], q.id) {
			w.breach(plan.RuleRemembered, "nobody remembers that %s had a replica of %s", n.name, q.id.Name)
		}
	}
}

// judgeMemory: what is dropped from memory must be there.
func (w *World) judgeMemory(home *cluster, a plan.Action, n *node, l *loop) {
	if home == nil || !l.want.has(n) {
		return
	}
	for _, id := range home.lost[a.Node] {
		q := home.queue(id)
		if q == nil || q.half || slices.Contains(a.Queues, id) {
			continue
		}
		if r := q.on(n); r == nil || !q.caughtUp(r) || !r.voter {
			w.breach(plan.RuleRemembered, "it is forgotten that %s is to get a replica of %s", n.name, id.Name)
		}
	}
}

// judgeDeletion: data are deleted by the owner only, by a destroy or after the cluster has let the node go.
func (w *World) judgeDeletion(n *node, want wish) {
	if n.vol == nil {
		return
	}
	if n.vol.owner != want.owner {
		w.breach(plan.RuleOwner, "%s deletes the volume of %s, which %s made", want.owner, n.name, n.vol.owner)
	}
	if home := w.home(); !want.destroy && (home == nil || home.has(n) || want.has(n)) {
		w.breach(plan.RuleOwner, "the volume of %s is deleted, which is a member", n.name)
	}
}

// judgeTouch: a deployment replaces or stops a container.
func (w *World) judgeTouch(n *node, want wish) {
	w.judgeOthers(n, want)
	if n.vol != nil && n.vol.owner != want.owner {
		w.breach(plan.RuleOwner, "%s touches %s, which %s made", want.owner, n.name, n.vol.owner)
	}
	for _, other := range w.nodes {
		if other.c != nil && other.c.cookie != want.cookie {
			w.breach(plan.RuleOwner, "the cookie rolls: %s gets another one than %s", n.name, other.name)
		}
	}
	if n.hasData() && n.c != nil && !n.vol.series.SupportsUpgradeTo(want.series) {
		w.breach(plan.RuleOwner, "%s has data of %s, which %s can't take over", n.name, n.vol.series, want.series)
	}
}
