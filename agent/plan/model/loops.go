package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/agent/plan/model/world"
)

// patience is after how many steps a node that is to stop is out of time.
const patience = 25

var errCutOff = errors.New("cut off")

func (w *run) newLoop(scope plan.Scope, self *world.Node, want world.Wish) *world.Loop {
	l := &world.Loop{Name: string(scope), Want: want, Desired: want.Desired(scope, self)}
	if self != nil {
		l.Name += " of " + world.Short(self.Name)
	}
	return l
}

// advance does one step of a loop.
func (w *run) advance(l *world.Loop) {
	if !l.Acts() {
		return
	}
	l.Steps++
	if l.Desired.Scope == plan.ScopeStop && l.Steps > patience {
		l.Desired.OutOfTime = true
	}
	if len(l.Pending) == 0 {
		w.decide(l)
		return
	}
	a := l.Pending[0]
	l.Pending = l.Pending[1:]
	if len(a.Unmet(w.Look(l.Want, l.Desired), l.Desired)) > 0 {
		l.Pending = nil
		return
	}
	if l.StillWaitsToRefuse() {
		w.Breach(plan.RuleRefusal, "%s: a deployment that is refused does something: %s", l.Name, a)
	}
	w.judge(a, l)
	if w.Broken != "" {
		return
	}
	err := w.attempt(a, l)
	if err == nil {
		w.Done[a.Verb]++
	}
	w.Tell("%s: %s%s", l.Name, a, because(err))
	if err != nil && !a.BestEffort {
		l.Pending = nil
	}
	if err == nil && l.Performed != nil {
		l.Performed(a)
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

func (w *run) decide(l *world.Loop) {
	view := w.Look(l.Want, l.Desired)
	l.Last = w.plan(view, l.Desired)
	l.Pending = l.Last.Actions
	if l.Desired.Scope == plan.ScopeDeployment {
		w.judgeTogether(l.Pending, l.Want)
	}
	switch {
	case l.Desired.Established:
	case l.Last.Done():
		l.State = world.Done
		if l.Desired.Scope == plan.ScopeMembership {
			self, _ := view.Node(l.Desired.Self)
			l.Desired.Established = plan.Settles(self, l.Desired)
			l.Unsettled = !l.Desired.Established
		}
	case len(l.Last.Actions) == 0 && len(l.Last.Refusals) > 0:
		l.State, l.Unsettled = world.Refused, false
		w.Tell("%s refuses: %s", l.Name, kinds(l.Last.Refusals))
	}
}

func kinds(refusals []plan.Refusal) string {
	var words []string
	for _, r := range refusals {
		words = append(words, string(r.Kind))
	}
	return strings.Join(words, ", ")
}

// attempt makes a call, which may go wrong in every way.
func (w *run) attempt(a plan.Action, l *world.Loop) error {
	n := w.Named(a.Node)
	outcome := 0
	if !w.Calm {
		outcome = max(0, w.Pick("outcome", 12)-8)
	}
	local := a.Verb == plan.StartNode || a.Verb == plan.FoundCluster || a.Verb == plan.StopNode
	switch {
	case outcome == 1 && !local:
		return errors.New("failed")
	case outcome == 2 && !local:
		_ = w.Call(a, l.Want)
		return errCutOff
	case outcome == 3 && !local && n != nil && n.Container != nil:
		life := n.Container.Lives
		w.hanging = append(w.hanging, hanging{
			what:  a.String(),
			alive: func() bool { return n.Container != nil && n.Container.Lives == life },
			do:    func() error { return w.Call(a, l.Want) },
		})
		return errors.New("hangs")
	default:
		return w.Call(a, l.Want)
	}
}

// startAgent starts what a container runs first: it decides how RabbitMQ starts.
func (w *run) startAgent(n *world.Node) {
	n.Container.Up, n.Container.Ordered, n.Container.Stopping, n.Container.Maintenance =
		true, false, false, false
	n.Container.Lives++
	l := w.newLoop(plan.ScopeStart, n, n.Container.Want)
	l.Desired.HadData = !n.Container.MayFound
	l.Performed = func(a plan.Action) {
		if a.Verb == plan.StartNode || a.Verb == plan.FoundCluster {
			l.State = world.Done
		}
	}
	n.Container.Agent = l
}

// order stops a container: its agent takes the node out of service.
func (w *run) order(n *world.Node, destroy bool) {
	c := n.Container
	if c.Ordered {
		return
	}
	c.Ordered, c.Stopping = true, true
	want := c.Want
	want.Destroy = destroy
	l := w.newLoop(plan.ScopeStop, n, want)
	l.Performed = func(a plan.Action) {
		if a.Verb == plan.StopNode {
			l.State = world.Done
		}
	}
	c.Agent = l
	if !c.Up {
		c.Halt()
	}
}

// stepAgent advances the agent of a node's container, and starts the container again when it has ended by
// itself.
func (w *run) stepAgent(n *world.Node) {
	c := n.Container
	switch {
	case c == nil:
	case c.Agent != nil && c.Up:
		l := c.Agent
		w.advance(l)
		if l.Desired.Scope == plan.ScopeStart && l.State == world.Refused {
			l.State = world.Running // it tries again, forever
		}
	}
}

// A deployment is a `pulumi up`.
type deployment struct {
	*world.Loop
	action  *plan.Action
	touched map[*world.Node]bool
	members []*world.Loop
	form    *world.Loop
	failed  string
}

func (w *run) deploy() {
	d := &deployment{Loop: w.newLoop(plan.ScopeDeployment, nil, w.Wish), touched: map[*world.Node]bool{}}
	d.Name = "up"
	if w.Wish.Destroy {
		d.Name = "destroy"
	}
	w.deploying = d
	w.Tell("%s: %s", d.Name, w.Wish)
}

// stepDeployment advances the deployment.
func (w *run) stepDeployment() {
	d := w.deploying
	switch {
	case d == nil || d.failed != "" || d.State != world.Running:
	case d.Last.Actions == nil:
		w.decide(d.Loop)
		if len(d.Last.Actions) == 0 && d.State == world.Running {
			d.Last.Actions = nil // waiting: look again
		}
	case d.action != nil:
		w.stepChange(d)
	case len(d.Pending) == 0:
		d.State = world.Done
		if w.Satisfied = d.Want; d.Want.Destroy {
			w.Satisfied = world.Wish{}
		}
		w.Tell("%s: done", d.Name)
	default:
		a := d.Pending[0]
		d.Pending = d.Pending[1:]
		d.action = &a
		d.touched = map[*world.Node]bool{}
		d.members, d.form = nil, nil
		if d.StillWaitsToRefuse() {
			w.Breach(plan.RuleRefusal, "%s is refused (%s) and does something: %s", d.Name, kinds(d.Last.Refusals), a)
		}
	}
}

func (w *run) stepChange(d *deployment) {
	a := *d.action
	switch a.Verb {
	case plan.ChangeNodes:
		w.changeNodes(d, a)
	case plan.AbandonFormation:
		w.endLoop("formation")
		d.action = nil
	case plan.FormCluster:
		if d.form == nil {
			d.form = w.newLoop(plan.ScopeFormation, nil, d.Want)
			w.replaceLoop(d.form)
		}
		switch d.form.State {
		case world.Done:
			d.action = nil
		case world.Refused:
			d.State, d.Last.Refusals = world.Refused, d.form.Last.Refusals
		}
	case plan.DeleteNode:
		w.deleteNode(d, a)
	}
}

// changeNodes brings containers to what they are to be, and waits for their memberships.
func (w *run) changeNodes(d *deployment, a plan.Action) {
	for _, name := range a.Nodes {
		n := w.Named(name)
		if d.touched[n] {
			continue
		}
		if n.Container != nil && n.Container.Ordered && n.Container.Up {
			return // it is about to stop
		}
		if n.Matches(d.Want) {
			w.touched(d, n)
			continue
		}
		if w.fails(d, a.Of(name)) {
			return
		}
		if n.Container != nil && n.Container.Up {
			w.judgeTouch(n, d.Want)
			w.Tell("up: stops %s", world.Short(n.Name))
			w.order(n, false)
			return
		}
		w.judgeTouch(n, d.Want)
		if n.Volume == nil {
			n.Volume = &world.Volume{Owner: d.Want.Owner, Logs: map[*world.Queue][]world.Entry{}}
		}
		w.Tell("up: starts %s", world.Short(n.Name))
		n.Container = &world.Container{Series: d.Want.Series, Cookie: d.Want.Cookie, Revision: d.Want.Revision,
			Want: d.Want, MayFound: a.MayFound}
		w.startAgent(n)
		w.touched(d, n)
	}
	for _, m := range d.members {
		if refusals := w.Named(m.Desired.Self).Container.AgentRefusal(); refusals != nil {
			d.State, d.Last.Refusals = world.Refused, refusals
			return
		}
	}
	for _, m := range d.members {
		switch m.State {
		case world.Running:
			return
		case world.Refused:
			d.State, d.Last.Refusals = world.Refused, m.Last.Refusals
			return
		}
	}
	d.action = nil
}

// fails ends a deployment when the precondition of its action does not hold any more.
func (w *run) fails(d *deployment, a plan.Action) bool {
	unmet := a.Unmet(w.Look(d.Want, d.Desired), d.Desired)
	if len(unmet) == 0 {
		return false
	}
	d.failed = fmt.Sprintf("%s: not unless %v", a, unmet)
	w.Tell("%s fails: %s", d.Name, d.failed)
	return true
}

// touched starts the membership of a node.
func (w *run) touched(d *deployment, n *world.Node) {
	d.touched[n] = true
	l := w.newLoop(plan.ScopeMembership, n, d.Want)
	d.members = append(d.members, l)
	w.replaceLoop(l)
}

func (w *run) deleteNode(d *deployment, a plan.Action) {
	n := w.Named(a.Node)
	if n.Container != nil && n.Container.Up {
		if !n.Container.Ordered {
			if w.fails(d, a) {
				return
			}
			w.judgeDeletion(n, d.Want)
			w.order(n, d.Want.Destroy)
		}
		return
	}
	if w.fails(d, a) {
		return
	}
	w.judgeDeletion(n, d.Want)
	w.Tell("%s: deletes %s", d.Name, world.Short(n.Name))
	w.Destroyed = w.Destroyed || d.Want.Destroy && n.HasData()
	n.Volume, n.Container = nil, nil
	w.endLoop(membershipOf(n))
	d.action = nil
}

func membershipOf(n *world.Node) string {
	return string(plan.ScopeMembership) + " of " + world.Short(n.Name)
}

// endLoop removes a helper.
func (w *run) endLoop(name string) {
	w.loops = slices.DeleteFunc(w.loops, func(l *world.Loop) bool { return l.Name == name })
}

// replaceLoop starts a helper's loop instead of the one of the same name.
func (w *run) replaceLoop(l *world.Loop) {
	for i, old := range w.loops {
		if old.Name == l.Name {
			w.loops[i] = l
			return
		}
	}
	w.loops = append(w.loops, l)
}
