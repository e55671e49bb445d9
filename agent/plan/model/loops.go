package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
)

// loop looks, plans and acts, one thing at a step. It remembers nothing but the rest of its last decision, and loses that
// whenever it is killed.
type loop struct {
	name    string
	want    wish
	desired plan.Desired
	pending []plan.Action
	state   loopState
	// last is the last decision.
	last plan.Decision
	// steps counts, for a loop that has only so much time.
	steps int
	// performed is called after each action.
	performed func(plan.Action)
}

type loopState int

const (
	running loopState = iota
	done
	refused
)

// patience is after how many steps a node that is to stop is out of time.
const patience = 25

var errCutOff = errors.New("cut off")

func (w *World) newLoop(scope plan.Scope, self *node, want wish) *loop {
	l := &loop{name: string(scope), want: want, desired: want.desired(scope, self)}
	if self != nil {
		l.name += " of " + short(self.name)
	}
	return l
}

func short(name plan.NodeName) string { return strings.TrimPrefix(string(name), "rabbit@") }

// advance does one step of a loop.
func (w *World) advance(l *loop) {
	if !l.acts() {
		return
	}
	l.steps++
	if l.desired.Scope == plan.ScopeStop && l.steps > patience {
		l.desired.OutOfTime = true
	}
	if len(l.pending) == 0 {
		w.decide(l)
		return
	}
	a := l.pending[0]
	l.pending = l.pending[1:]
	if len(a.Unmet(w.look(l.want, l.desired), l.desired)) > 0 {
		l.pending = nil
		return
	}
	if l.stillWaitsToRefuse() {
		w.breach(plan.RuleRefusal, "%s: a deployment that is refused does something: %s", l.name, a)
	}
	w.judge(a, l)
	if w.broken != "" {
		return
	}
	err := w.attempt(a, l)
	if err == nil {
		w.done[a.Verb]++
	}
	w.tell("%s: %s%s", l.name, a, because(err))
	if err != nil && !a.BestEffort {
		l.pending = nil
	}
	if err == nil && l.performed != nil {
		l.performed(a)
	}
}

// acts tells whether a loop goes on: a membership does when it is done, to watch.
func (l *loop) acts() bool { return l.state == running || l.desired.Established }

func (l *loop) stillWaitsToRefuse() bool {
	return l.desired.Scope == plan.ScopeDeployment && len(l.last.Refusals) > 0
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

func (w *World) decide(l *loop) {
	l.last = w.plan(w.look(l.want, l.desired), l.desired)
	l.pending = l.last.Actions
	if l.desired.Scope == plan.ScopeDeployment {
		w.judgeTogether(l.pending, l.want)
	}
	switch {
	case l.desired.Established:
	case l.last.Done():
		l.state = done
		l.desired.Established = l.desired.Scope == plan.ScopeMembership
	case len(l.last.Actions) == 0 && len(l.last.Refusals) > 0:
		l.state = refused
		w.tell("%s refuses: %s", l.name, kinds(l.last.Refusals))
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
func (w *World) attempt(a plan.Action, l *loop) error {
	n := w.named(a.Node)
	outcome := 0
	if !w.calm {
		outcome = max(0, w.pick("outcome", 12)-8)
	}
	local := a.Verb == plan.StartNode || a.Verb == plan.FoundCluster || a.Verb == plan.StopNode
	switch {
	case outcome == 1 && !local:
		return errors.New("failed")
	case outcome == 2 && !local:
		_ = w.call(a, l.want)
		return errCutOff
	case outcome == 3 && !local && n != nil && n.c != nil:
		life := n.c.lives
		w.hanging = append(w.hanging, hanging{
			what:  a.String(),
			alive: func() bool { return n.c != nil && n.c.lives == life },
			do:    func() error { return w.call(a, l.want) },
		})
		return errors.New("hangs")
	default:
		return w.call(a, l.want)
	}
}

// startAgent starts what a container runs first: it decides how RabbitMQ starts.
func (w *World) startAgent(n *node) {
	n.c.up, n.c.ordered, n.c.stopping, n.c.maintenance = true, false, false, false
	n.c.lives++
	l := w.newLoop(plan.ScopeStart, n, n.c.want)
	l.desired.HadData = !n.c.mayFound
	l.performed = func(a plan.Action) {
		if a.Verb == plan.StartNode || a.Verb == plan.FoundCluster {
			l.state = done
		}
	}
	n.c.agent = l
}

// order stops a container: its agent takes the node out of service.
func (w *World) order(n *node, destroy bool) {
	c := n.c
	if c.ordered {
		return
	}
	c.ordered, c.stopping = true, true
	want := c.want
	want.destroy = destroy
	l := w.newLoop(plan.ScopeStop, n, want)
	l.performed = func(a plan.Action) {
		if a.Verb == plan.StopNode {
			l.state = done
		}
	}
	c.agent = l
	if !c.up {
		c.halt()
	}
}

// stepAgent advances the agent of a node's container, and starts the container again when it has ended by itself.
func (w *World) stepAgent(n *node) {
	c := n.c
	switch {
	case c == nil:
	case c.agent != nil && c.up:
		l := c.agent
		w.advance(l)
		if l.desired.Scope == plan.ScopeStart && l.state == refused {
			l.state = running // it tries again, for ever
		}
	}
}

// A deployment is a `pulumi up`.
type deployment struct {
	*loop
	action  *plan.Action
	touched map[*node]bool
	members []*loop
	form    *loop
	failed  string
}

func (w *World) deploy() {
	d := &deployment{loop: w.newLoop(plan.ScopeDeployment, nil, w.wish), touched: map[*node]bool{}}
	d.name = "up"
	if w.wish.destroy {
		d.name = "destroy"
	}
	w.deploying = d
	w.tell("%s: %s", d.name, w.wish)
}

// stepDeployment advances the deployment.
func (w *World) stepDeployment() {
	d := w.deploying
	switch {
	case d == nil || d.failed != "" || d.state != running:
	case d.last.Actions == nil:
		w.decide(d.loop)
		if len(d.last.Actions) == 0 && d.state == running {
			d.last.Actions = nil // waiting: look again
		}
	case d.action != nil:
		w.stepChange(d)
	case len(d.pending) == 0:
		d.state = done
		w.satisfied = d.want
		w.tell("%s: done", d.name)
	default:
		a := d.pending[0]
		d.pending = d.pending[1:]
		d.action = &a
		d.touched = map[*node]bool{}
		d.members, d.form = nil, nil
		if d.stillWaitsToRefuse() {
			w.breach(plan.RuleRefusal, "%s is refused (%s) and does something: %s", d.name, kinds(d.last.Refusals), a)
		}
	}
}

func (w *World) stepChange(d *deployment) {
	a := *d.action
	switch a.Verb {
	case plan.ChangeNodes:
		w.changeNodes(d, a)
	case plan.AbandonFormation:
		w.endLoop("formation")
		d.action = nil
	case plan.FormCluster:
		if d.form == nil {
			d.form = w.newLoop(plan.ScopeFormation, nil, d.want)
			w.replaceLoop(d.form)
		}
		switch d.form.state {
		case done:
			d.action = nil
		case refused:
			d.state, d.last.Refusals = refused, d.form.last.Refusals
		}
	case plan.DeleteNode:
		w.deleteNode(d, a)
	}
}

// changeNodes brings containers to what they are to be, and waits for their memberships.
func (w *World) changeNodes(d *deployment, a plan.Action) {
	for _, name := range a.Nodes {
		n := w.named(name)
		if d.touched[n] {
			continue
		}
		if n.c != nil && n.c.ordered && n.c.up {
			return // it is about to stop
		}
		if n.matches(d.want) {
			w.touched(d, n)
			continue
		}
		if w.fails(d, a.Of(name)) {
			return
		}
		if n.c != nil && n.c.up {
			w.judgeTouch(n, d.want)
			w.tell("up: stops %s", short(n.name))
			w.order(n, false)
			return
		}
		w.judgeTouch(n, d.want)
		if n.vol == nil {
			n.vol = &volume{owner: d.want.owner, logs: map[*queue][]entry{}}
		}
		w.tell("up: starts %s", short(n.name))
		n.c = &container{series: d.want.series, cookie: d.want.cookie, rev: d.want.rev, want: d.want, mayFound: a.MayFound}
		w.startAgent(n)
		w.touched(d, n)
	}
	for _, m := range d.members {
		if refusals := w.named(m.desired.Self).c.agentRefusal(); refusals != nil {
			d.state, d.last.Refusals = refused, refusals
			return
		}
	}
	for _, m := range d.members {
		switch m.state {
		case running:
			return
		case refused:
			d.state, d.last.Refusals = refused, m.last.Refusals
			return
		}
	}
	d.action = nil
}

// fails ends a deployment when the precondition of its action does not hold any more.
func (w *World) fails(d *deployment, a plan.Action) bool {
	unmet := a.Unmet(w.look(d.want, d.desired), d.desired)
	if len(unmet) == 0 {
		return false
	}
	d.failed = fmt.Sprintf("%s: not unless %v", a, unmet)
	w.tell("%s fails: %s", d.name, d.failed)
	return true
}

// agentRefusal is why a node's own agent does not start it.
func (c *container) agentRefusal() []plan.Refusal {
	if c == nil || c.agent == nil || c.agent.desired.Scope != plan.ScopeStart {
		return nil
	}
	return c.agent.last.Refusals
}

// touched starts the membership of a node.
func (w *World) touched(d *deployment, n *node) {
	d.touched[n] = true
	l := w.newLoop(plan.ScopeMembership, n, d.want)
	d.members = append(d.members, l)
	w.replaceLoop(l)
}

// matches tells whether a container is as wished, and runs.
func (n *node) matches(want wish) bool {
	return n.c != nil && n.c.up && !n.c.ordered && n.c.series == want.series && n.c.cookie == want.cookie && n.c.rev == want.rev &&
		slices.Equal(n.c.want.seeds(), want.seeds())
}

// seeds are named in a node's configuration: other ones replace its container.
func (x wish) seeds() []*node { return x.nodes[:min(seeds, len(x.nodes))] }

func (w *World) deleteNode(d *deployment, a plan.Action) {
	n := w.named(a.Node)
	if n.c != nil && n.c.up {
		if !n.c.ordered {
			if w.fails(d, a) {
				return
			}
			w.judgeDeletion(n, d.want)
			w.order(n, d.want.destroy)
		}
		return
	}
	if w.fails(d, a) {
		return
	}
	w.judgeDeletion(n, d.want)
	w.tell("%s: deletes %s", d.name, short(n.name))
	w.destroyed = w.destroyed || d.want.destroy && n.hasData()
	n.vol, n.c = nil, nil
	w.endLoop(membershipOf(n))
	d.action = nil
}

func membershipOf(n *node) string { return string(plan.ScopeMembership) + " of " + short(n.name) }

// endLoop removes a helper.
func (w *World) endLoop(name string) {
	w.loops = slices.DeleteFunc(w.loops, func(l *loop) bool { return l.name == name })
}

// replaceLoop starts a helper's loop instead of the one of the same name.
func (w *World) replaceLoop(l *loop) {
	for i, old := range w.loops {
		if old.name == l.name {
			w.loops[i] = l
			return
		}
	}
	w.loops = append(w.loops, l)
}

// String writes a wish in a line.
func (x wish) String() string {
	var names []string
	for _, n := range x.nodes {
		name := short(n.name)
		if x.types[n] == "ram" {
			name += " (ram)"
		}
		names = append(names, name)
	}
	return fmt.Sprintf("%s; %s, cookie %s, configuration %d, by %s", strings.Join(names, " "), x.series, x.cookie, x.rev, x.owner)
}
