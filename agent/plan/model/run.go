package model

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/agent/plan/model/world"
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

// Planner is what is proved.
type Planner func(plan.View, plan.Desired) plan.Decision

// run is a world in which a planner's loops go on.
type run struct {
	*world.World
	plan      Planner
	loops     []*world.Loop
	deploying *deployment
	hanging   []hanging
}

// hanging is a call whose effect is still to come.
type hanging struct {
	what string
	// alive tells whether it may still take effect.
	alive func() bool
	do    func() error
}

// Run runs a planner through one schedule.
func Run(choose world.Chooser, planner Planner) Result {
	w := &run{World: world.NewWorld(choose), plan: planner}
	w.deploy()
	for w.Steps < scheduleSteps && w.Broken == "" {
		w.step()
	}
	if w.Broken == "" {
		w.settle()
	}
	return Result{Broken: w.Broken, Story: w.Story, End: w.End, Actions: w.Done}
}

// settle ends all faults, and deploys until the cluster is as wished, or a right refusal says why it is not.
func (w *run) settle() {
	w.Calm = true
	w.Tell("from here on nothing goes wrong")
	w.heal()
	w.deploying, w.Wish.Destroy = nil, false
	w.restAWhile()
	var ends []string
	timedOut := false
	for range 4 {
		w.deploy()
		w.untilStill()
		if w.Broken != "" {
			return
		}
		d := w.deploying
		if d.State == world.Done {
			w.restAWhile() // for what the memberships restore
			w.checkEnd()
			w.End = strings.Join(append(ends, "done"), ", then ")
			return
		}
		if d.State != world.Refused {
			d.Last.Refusals = d.reasons()
		}
		switch {
		case len(d.Last.Refusals) > 0:
			timedOut = false
		case timedOut:
			w.stuck()
			return
		default: // the operator deploys again, which replaces the helpers that have ended
			timedOut = true
			ends = append(ends, "timed out")
			continue
		}
		for _, r := range d.Last.Refusals {
			if !w.justified(r, d.Want) {
				w.Breach(0, "unjustified refusal: %s", r.Text())
				return
			}
		}
		ends = append(ends, kinds(d.Last.Refusals))
		w.comply(d.Last.Refusals)
	}
	w.Breach(0, "refused again and again: %s", strings.Join(ends, "; "))
}

// heal ends what is wrong, except for what the planner is to put right: nodes that are down, lost replicas,
// lost data.
func (w *run) heal() {
	w.hanging = nil
	for _, n := range w.Nodes {
		n.Isolated = false
	}
	w.startLeavers()
	for _, c := range w.Clusters {
		c.Queues = slices.DeleteFunc(c.Queues, func(q *world.Queue) bool { return q.Half })
	}
}

// startLeavers starts the nodes that are down and not the stack's, as an operator who reads what is missing.
func (w *run) startLeavers() (any bool) {
	for _, n := range w.Nodes {
		if n.Container != nil && !n.Container.Up && !w.Wish.Has(n) {
			w.startAgent(n)
			any = true
		}
	}
	return any
}

// keepMembers gives the stack all nodes that are members.
func (w *run) keepMembers() {
	home := w.Home()
	w.Wish.Nodes = slices.DeleteFunc(slices.Clone(w.Nodes), func(n *world.Node) bool {
		return (home == nil || !home.Has(n)) && !w.Wish.Has(n)
	})
	w.Wish = w.Wish.Valid()
}

// untilStill lets everything run in turn until the deployment ends.
func (w *run) untilStill() {
	for range settlingSteps {
		w.stepDeployment()
		w.rest()
		if d := w.deploying; w.Broken != "" || d.State != world.Running {
			return
		} else if d.failed != "" {
			if !w.startLeavers() {
				// what is missing can't be started: the stack gets it back, and lets it go by itself later
				w.keepMembers()
			}
			w.deploy()
		}
	}
}

// restAWhile advances everything but the deployment until nothing happens any more.
func (w *run) restAWhile() {
	for quiet, steps := 0, 0; quiet < quietSteps && steps < restingSteps && w.Broken == ""; quiet, steps = quiet+
		1, steps+1 {
		before := len(w.Story)
		w.rest()
		if len(w.Story) > before || slices.ContainsFunc(w.Nodes, (*world.Node).IsStopping) {
			quiet = 0
		}
	}
}

// rest advances everything but the deployment.
func (w *run) rest() {
	w.Steps++
	for _, l := range w.loops {
		w.advance(l)
	}
	for _, n := range w.Nodes {
		w.stepAgent(n)
		if n.Container != nil && !n.Container.Up && !n.Container.Ordered {
			w.startAgent(n)
		}
	}
	w.replicate()
	w.bootAll()
}

// reasons are the notices that a membership gives whose node does not come up: it has the data of another
// cluster, or the cluster that it waits for can't start.
func (d *deployment) reasons() (notices []plan.Refusal) {
	for _, m := range d.members {
		for _, r := range m.Last.Notices {
			if m.State == world.Running && (r.Kind == plan.ForeignData || r.Kind == plan.FoundingOverData) {
				notices = append(notices, r)
			}
		}
	}
	return notices
}

func (w *run) stuck() {
	var waits []string
	loops := slices.Clone(w.loops)
	loops = append(loops, w.deploying.Loop)
	for _, n := range w.Nodes {
		if n.Container != nil && n.Container.Agent != nil {
			loops = append(loops, n.Container.Agent)
		}
	}
	for _, l := range loops {
		if l.State == world.Running {
			waits = append(waits, fmt.Sprintf("%s waits for %v, pending %v, refuses %s", l.Name, l.Last.Waiting,
				l.Pending, kinds(l.Last.Refusals)))
		}
	}
	w.Breach(0, "stuck: %s", strings.Join(waits, "; "))
}

// checkEnd: the cluster is as wished, and nothing is lost.
func (w *run) checkEnd() {
	home := w.Home()
	if home == nil {
		w.Breach(0, "no cluster runs at the end")
		return
	}
	for _, n := range w.Wish.Nodes {
		if !n.Serving() || !home.Has(n) || n.Volume.Cluster != home {
			w.Breach(0, "%s does not serve as a member at the end", n.Name)
		}
		if !n.Matches(w.Wish) {
			w.Breach(0, "%s is not as wished at the end", n.Name)
		}
	}
	if len(home.Members) != len(w.Wish.Nodes) {
		w.Breach(0, "%d members at the end, not %d", len(home.Members), len(w.Wish.Nodes))
	}
	for _, n := range w.Wish.Nodes {
		if want := w.Wish.Types[n]; w.Mnesia && want != "" && home.Members[n] != want {
			w.Breach(0, "%s is no %s node at the end", n.Name, want)
		}
	}
	for _, q := range home.Queues {
		w.checkQueue(q)
	}
	if len(home.Lost) > 0 {
		w.Breach(plan.RuleRemembered, "replicas are remembered as lost at the end")
	}
	if home.Flags != w.Wish.Series {
		w.Breach(0, "feature flags are not enabled at the end")
	}
}

func (w *run) checkQueue(q *world.Queue) {
	if !q.Replicated() {
		if w.Wish.Has(q.Replicas[0].Node) || q.Exclusive {
			return
		}
		w.Breach(plan.RuleDurable, "%s was on %s", q.ID.Name, q.Replicas[0].Node.Name)
		return
	}
	if !q.Works() {
		w.Breach(plan.RuleMajority, "%s has no leader at the end", q.ID.Name)
		return
	}
	w.CheckLog(q)
	kept := 0
	for _, r := range q.Available() {
		if w.Wish.Has(r.Node) {
			kept++
		}
	}
	if want := min(q.WantedOr3(), len(w.Wish.Nodes)); kept < want || len(q.Available()) != len(q.Replicas) {
		w.Breach(plan.RuleReplicas, "%s has %d of %d replicas at the end, %d caught up", q.ID.Name, kept, want,
			len(q.Available()))
	}
}

// justified tells whether a refusal is right, by the truth.
func (w *run) justified(r plan.Refusal, want world.Wish) bool {
	home := w.Home()
	var n *world.Node
	if len(r.Nodes) > 0 {
		n = w.Named(r.Nodes[0])
	}
	switch r.Kind {
	case plan.DurableQueues, plan.DurableQueuesDown:
		q := home.Queue(r.Queues[0])
		return !want.Has(n) && q != nil && !q.Replicated() && !q.Exclusive && q.Replicas[0].Node == n
	case plan.QueueMinorityLeaves, plan.QueueMinorityRejoins:
		return !home.Queue(r.Queues[0]).Works()
	case plan.ClusterMinority:
		return !home.Majority(nil)
	case plan.NobodyToAsk:
		return (home == nil || !home.Readable()) && (n.Volume != nil || n.Container != nil) && !want.Has(n)
	case plan.LastOfMnesia:
		return w.Mnesia && len(want.Nodes) == 1 && (len(home.Members) > 1 || !home.Has(want.Nodes[0]))
	case plan.LastDisc:
		return w.Mnesia && want.Types[n] == topology.RAM
	case plan.CookieChange:
		return n.Container != nil && n.Container.Cookie != want.Cookie
	case plan.ForeignStack:
		return n.Volume != nil && n.Volume.Owner != want.Owner
	case plan.Downgrade, plan.UpgradeSkips:
		return n.HasData() && !n.Volume.Series.SupportsUpgradeTo(want.Series)
	case plan.FlagsDisabled:
		return home.Flags != w.OldestRunning(home)
	case plan.OtherCluster:
		return n.Cluster() != nil && len(n.Cluster().Members) > 1 && w.split()
	case plan.OwnQueues:
		return n.Cluster() != nil && n.Cluster() != home && len(n.Cluster().Queues) > 0
	case plan.ForeignData:
		return home != nil && n.HasData() && n.Volume.Cluster != home
	case plan.NothingKept:
		return !slices.ContainsFunc(want.Nodes, func(n *world.Node) bool {
			return n.HasData() && (home == nil || home.Has(n))
		})
	case plan.FoundingOverData:
		asked := n.Container != nil && n.Container.Up
		return home == nil && !n.Serving() && (n.HasData() || !asked)
	default:
		return false // half-deleted queues are healed
	}
}

// split tells whether nodes run in more than one cluster.
func (w *run) split() bool {
	running := map[*world.Cluster]bool{}
	for _, n := range w.Nodes {
		if c := n.Cluster(); c != nil {
			running[c] = true
		}
	}
	return len(running) > 1
}

// finishDestroy destroys what an interrupted destroy has left.
func (w *run) finishDestroy() {
	w.Wish.Destroy = true
	w.deploy()
	w.untilStill()
	w.deploying, w.Wish.Destroy, w.Destroyed = nil, false, false
}

// comply is what the operator does about refusals.
func (w *run) comply(refusals []plan.Refusal) {
	for _, r := range refusals {
		w.complyWith(r)
	}
}

func (w *run) complyWith(r plan.Refusal) {
	switch r.Kind {
	case plan.CookieChange:
		w.Wish.Cookie = w.Named(r.Nodes[0]).Container.Cookie
	case plan.ForeignStack:
		w.Wish.Owner, w.Wish.Destroy = r.From, false
	case plan.Downgrade, plan.UpgradeSkips, plan.FlagsDisabled:
		newest := w.Named(r.Nodes[0]).Volume.Series
		for _, n := range w.Nodes {
			if n.HasData() && n.Volume.Series.Compare(newest) > 0 {
				newest = n.Volume.Series
			}
		}
		w.Wish.Series = newest
	case plan.LastDisc:
		w.Wish.Types = nil
	case plan.OwnQueues, plan.ForeignData, plan.OtherCluster:
		n := w.Named(r.Nodes[0])
		n.Volume, n.Container = nil, nil // the operator does not need it
	case plan.FoundingOverData, plan.QueueMinorityLeaves, plan.QueueMinorityRejoins, plan.ClusterMinority:
		if w.Destroyed && (r.Kind == plan.FoundingOverData || r.Kind == plan.QueueMinorityRejoins) {
			w.finishDestroy() // what it has deleted does not come back
			return
		}
		for _, name := range r.Nodes {
			if r.Kind == plan.QueueMinorityRejoins && name == r.Nodes[0] {
				continue // it has lost its data
			}
			switch n := w.Named(name); {
			case n.Container == nil:
				w.keepMembers()
			case !n.Container.Up:
				w.startAgent(n)
			case n.Container.VM && !n.Container.App && !n.Container.Booting:
				_ = w.Launch(n, false, n.Container.Want)
			}
		}
		w.restAWhile()
	default:
		home := w.Home()
		w.Wish.Nodes = nil
		for _, n := range w.Nodes {
			if home != nil && home.Has(n) || (home == nil || !home.Readable()) &&
				(n.Volume != nil || n.Container != nil) {
				w.Wish.Nodes = append(w.Wish.Nodes, n)
			}
		}
		w.Wish = w.Wish.Valid()
	}
}
