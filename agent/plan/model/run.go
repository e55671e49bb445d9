package model

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/topology"
)

// Result is what a run showed.
type Result struct {
	// Broken says which rule was broken, or what was wrong at the end; empty if nothing was.
	Broken string
	// Story is what happened, a line for each event.
	Story []string
	// End is how it ended: "done", or the refusals.
	End string
	// Actions counts what was done, by verb; nothing is proved of what is never done.
	Actions map[plan.Verb]int
}

// String is the story, with what was wrong last.
func (r Result) String() string { return strings.Join(r.Story, "\n") }

// Run runs a planner through one schedule.
func Run(choose Chooser, planner Planner) Result {
	w := newWorld(choose, planner)
	w.deploy()
	for w.steps < scheduleSteps && w.broken == "" {
		w.step()
	}
	if w.broken == "" {
		w.settle()
	}
	return Result{Broken: w.broken, Story: w.story, End: w.end, Actions: w.done}
}

// settle ends all faults, and deploys until the cluster is as wished, or a right refusal says why it is not.
func (w *World) settle() {
	w.calm = true
	w.tell("from here on nothing goes wrong")
	w.heal()
	w.deploying, w.wish.destroy = nil, false
	w.restAWhile()
	var ends []string
	timedOut := false
	for range 4 {
		w.deploy()
		w.untilStill()
		if w.broken != "" {
			return
		}
		d := w.deploying
		if d.state == done {
			w.restAWhile() // for what the memberships restore
			w.checkEnd()
			w.end = strings.Join(append(ends, "done"), ", then ")
			return
		}
		if d.state != refused {
			d.last.Refusals = d.reasons()
		}
		switch {
		case len(d.last.Refusals) > 0:
			timedOut = false
		case timedOut:
			w.stuck()
			return
		default: // the operator deploys again, which replaces the helpers that have ended
			timedOut = true
			ends = append(ends, "timed out")
			continue
		}
		for _, r := range d.last.Refusals {
			if !w.justified(r, d.want) {
				w.breach(0, "unjustified refusal: %s", r.Text())
				return
			}
		}
		ends = append(ends, kinds(d.last.Refusals))
		w.comply(d.last.Refusals)
	}
	w.breach(0, "refused again and again: %s", strings.Join(ends, "; "))
}

// heal ends what is wrong, except for what the planner is to put right: nodes that are down, lost replicas, lost data.
func (w *World) heal() {
	w.hanging = nil
	for _, n := range w.nodes {
		n.isolated = false
	}
	w.startLeavers()
	for _, c := range w.clusters {
		c.queues = slices.DeleteFunc(c.queues, func(q *queue) bool { return q.half })
	}
}

// startLeavers starts the nodes that are down and not the stack's, as an operator who reads what is missing.
func (w *World) startLeavers() (any bool) {
	for _, n := range w.nodes {
		if n.c != nil && !n.c.up && !w.wish.has(n) {
			w.startAgent(n)
			any = true
		}
	}
	return any
}

// keepMembers gives the stack all nodes that are members.
func (w *World) keepMembers() {
	home := w.home()
	w.wish.nodes = slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool {
		return (home == nil || !home.has(n)) && !w.wish.has(n)
	})
	w.wish = w.wish.valid()
}

// untilStill lets everything run in turn until the deployment ends.
func (w *World) untilStill() {
	for range settlingSteps {
		w.stepDeployment()
		w.rest()
		if d := w.deploying; w.broken != "" || d.state != running {
			return
		} else if d.failed != "" {
			if !w.startLeavers() {
				w.keepMembers() // what is missing can't be started: the stack gets it back, and lets it go by itself later
			}
			w.deploy()
		}
	}
}

// restAWhile advances everything but the deployment until nothing happens any more.
func (w *World) restAWhile() {
	for quiet, steps := 0, 0; quiet < quietSteps && steps < restingSteps && w.broken == ""; quiet, steps = quiet+1, steps+1 {
		before := len(w.story)
		w.rest()
		if len(w.story) > before || slices.ContainsFunc(w.nodes, (*node).isStopping) {
			quiet = 0
		}
	}
}

// rest advances everything but the deployment.
func (w *World) rest() {
	w.steps++
	for _, l := range w.loops {
		w.advance(l)
	}
	for _, n := range w.nodes {
		w.stepAgent(n)
		if n.c != nil && !n.c.up && !n.c.ordered {
			w.startAgent(n)
		}
	}
	w.replicate()
	w.bootAll()
}

// reasons are the notices that a membership gives whose node does not come up: it has the data of another cluster, or the
// cluster that it waits for can't start.
func (d *deployment) reasons() (notices []plan.Refusal) {
	for _, m := range d.members {
		for _, r := range m.last.Notices {
			if m.state == running && (r.Kind == plan.ForeignData || r.Kind == plan.FoundingOverData) {
				notices = append(notices, r)
			}
		}
	}
	return notices
}

func (w *World) stuck() {
	var waits []string
	loops := slices.Clone(w.loops)
	loops = append(loops, w.deploying.loop)
	for _, n := range w.nodes {
		if n.c != nil && n.c.agent != nil {
			loops = append(loops, n.c.agent)
		}
	}
	for _, l := range loops {
		if l.state == running {
			waits = append(waits, fmt.Sprintf("%s waits for %v, pending %v, refuses %s", l.name, l.last.Waiting, l.pending, kinds(l.last.Refusals)))
		}
	}
	w.breach(0, "stuck: %s", strings.Join(waits, "; "))
}

// checkEnd: the cluster is as wished, and nothing is lost.
func (w *World) checkEnd() {
	home := w.home()
	if home == nil {
		w.breach(0, "no cluster runs at the end")
		return
	}
	for _, n := range w.wish.nodes {
		if !n.serving() || !home.has(n) || n.vol.cluster != home {
			w.breach(0, "%s does not serve as a member at the end", n.name)
		}
		if !n.matches(w.wish) {
			w.breach(0, "%s is not as wished at the end", n.name)
		}
	}
	if len(home.members) != len(w.wish.nodes) {
		w.breach(0, "%d members at the end, not %d", len(home.members), len(w.wish.nodes))
	}
	for _, n := range w.wish.nodes {
		if want := w.wish.types[n]; w.mnesia && want != "" && home.members[n] != want {
			w.breach(0, "%s is no %s node at the end", n.name, want)
		}
	}
	for _, q := range home.queues {
		w.checkQueue(q)
	}
	if len(home.lost) > 0 {
		w.breach(plan.RuleRemembered, "replicas are remembered as lost at the end")
	}
	if home.flags != w.wish.series {
		w.breach(0, "feature flags are not enabled at the end")
	}
}

func (w *World) checkQueue(q *queue) {
	if !q.replicated() {
		if w.wish.has(q.replicas[0].n) || q.exclusive {
			return
		}
		w.breach(plan.RuleDurable, "%s was on %s", q.id.Name, q.replicas[0].n.name)
		return
	}
	if !q.works() {
		w.breach(plan.RuleMajority, "%s has no leader at the end", q.id.Name)
		return
	}
	w.checkLog(q)
	kept := 0
	for _, r := range q.available() {
		if w.wish.has(r.n) {
			kept++
		}
	}
	if want := min(q.wantedOr3(), len(w.wish.nodes)); kept < want || len(q.available()) != len(q.replicas) {
		w.breach(plan.RuleReplicas, "%s has %d of %d replicas at the end, %d caught up", q.id.Name, kept, want, len(q.available()))
	}
}

// justified tells whether a refusal is right, by the truth.
func (w *World) justified(r plan.Refusal, want wish) bool {
	home := w.home()
	var n *node
	if len(r.Nodes) > 0 {
		n = w.named(r.Nodes[0])
	}
	switch r.Kind {
	case plan.DurableQueues, plan.DurableQueuesDown:
		q := home.queue(r.Queues[0])
		return !want.has(n) && q != nil && !q.replicated() && !q.exclusive && q.replicas[0].n == n
	case plan.QueueMinorityLeaves, plan.QueueMinorityRejoins:
		return !home.queue(r.Queues[0]).works()
	case plan.ClusterMinority:
		return !home.majority(nil)
	case plan.NobodyToAsk:
		return (home == nil || !home.readable()) && (n.vol != nil || n.c != nil) && !want.has(n)
	case plan.LastOfMnesia:
		return w.mnesia && len(want.nodes) == 1 && (len(home.members) > 1 || !home.has(want.nodes[0]))
	case plan.LastDisc:
		return w.mnesia && want.types[n] == topology.RAM
	case plan.CookieChange:
		return n.c != nil && n.c.cookie != want.cookie
	case plan.ForeignStack:
		return n.vol != nil && n.vol.owner != want.owner
	case plan.Downgrade, plan.UpgradeSkips:
		return n.hasData() && !n.vol.series.SupportsUpgradeTo(want.series)
	case plan.FlagsDisabled:
		return home.flags != w.oldestRunning(home)
	case plan.OtherCluster:
		return n.cluster() != nil && len(n.cluster().members) > 1 && w.split()
	case plan.OwnQueues:
		return n.cluster() != nil && n.cluster() != home && len(n.cluster().queues) > 0
	case plan.ForeignData:
		return home != nil && n.hasData() && n.vol.cluster != home
	case plan.NothingKept:
		return !slices.ContainsFunc(want.nodes, func(n *node) bool { return n.hasData() && (home == nil || home.has(n)) })
	case plan.FoundingOverData:
		return home == nil && n.hasData() && !n.serving()
	default:
		return false // half-deleted queues are healed
	}
}

// split tells whether nodes run in more than one cluster.
func (w *World) split() bool {
	running := map[*cluster]bool{}
	for _, n := range w.nodes {
		if c := n.cluster(); c != nil {
			running[c] = true
		}
	}
	return len(running) > 1
}

// finishDestroy destroys what an interrupted destroy has left.
func (w *World) finishDestroy() {
	w.wish.destroy = true
	w.deploy()
	w.untilStill()
	w.deploying, w.wish.destroy, w.destroyed = nil, false, false
}

// comply is what the operator does about refusals.
func (w *World) comply(refusals []plan.Refusal) {
	for _, r := range refusals {
		w.complyWith(r)
	}
}

func (w *World) complyWith(r plan.Refusal) {
	switch r.Kind {
	case plan.CookieChange:
		w.wish.cookie = w.named(r.Nodes[0]).c.cookie
	case plan.ForeignStack:
		w.wish.owner, w.wish.destroy = r.From, false
	case plan.Downgrade, plan.UpgradeSkips, plan.FlagsDisabled:
		newest := w.named(r.Nodes[0]).vol.series
		for _, n := range w.nodes {
			if n.hasData() && n.vol.series.Compare(newest) > 0 {
				newest = n.vol.series
			}
		}
		w.wish.series = newest
	case plan.LastDisc:
		w.wish.types = nil
	case plan.OwnQueues, plan.ForeignData, plan.OtherCluster:
		n := w.named(r.Nodes[0])
		n.vol, n.c = nil, nil // the operator does not need it
	case plan.FoundingOverData, plan.QueueMinorityLeaves, plan.QueueMinorityRejoins, plan.ClusterMinority:
		if r.Kind == plan.FoundingOverData && w.destroyed {
			w.finishDestroy() // what it has deleted does not come back
			return
		}
		for _, name := range r.Nodes {
			if r.Kind == plan.QueueMinorityRejoins && name == r.Nodes[0] {
				continue // it has lost its data
			}
			switch n := w.named(name); {
			case n.c == nil:
				w.keepMembers()
			case !n.c.up:
				w.startAgent(n)
			case n.c.vm && !n.c.app && !n.c.booting:
				_ = w.launch(n, false, n.c.want)
			}
		}
		w.restAWhile()
	default:
		home := w.home()
		w.wish.nodes = nil
		for _, n := range w.nodes {
			if home != nil && home.has(n) || (home == nil || !home.readable()) && (n.vol != nil || n.c != nil) {
				w.wish.nodes = append(w.wish.nodes, n)
			}
		}
		w.wish = w.wish.valid()
	}
}
