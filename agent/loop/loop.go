// Package loop is how every agent works: look, decide, act, look again.
package loop

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"warren/agent/plan"
	"warren/internal/wait"
)

const (
	// shortestPause is between two looks when there is nothing to do but to wait, and after an action that
	// failed.
	shortestPause = 500 * time.Millisecond
	// pauseForLook bounds the share of time that looking takes: a look at many queues is followed by a
	// longer pause.
	pauseForLook = 2
	// waitShare is by how much of itself a long wait is prolonged at most, and longestPause bounds that: many
	// agents that wait for the same thing would otherwise keep their nodes from getting there.
	waitShare    = 20
	longestPause = 5 * time.Second
)

// pause is how long to wait between two looks, by how long a look takes and how long the same has been waited
// for.
func pause(looked, waited time.Duration) time.Duration {
	return max(shortestPause, pauseForLook*looked, min(waited/waitShare, longestPause))
}

// Observer looks at the cluster.
type Observer interface {
	Look(ctx context.Context) plan.View
	Glance(ctx context.Context) plan.View
	Again(ctx context.Context, view plan.View, queue plan.QueueID) plan.View
}

// Actor acts.
type Actor interface {
	Do(ctx context.Context, action plan.Action, view plan.View) error
	Transfer(ctx context.Context, actions []plan.Action) error
}

// Loop brings about what is desired.
type Loop struct {
	Observer Observer
	Actor    Actor
	// Desired is asked before every decision: it may change with time.
	Desired func() plan.Desired
	// Decided, if not nil, is told every decision.
	Decided func(plan.Decision)
	Log     *slog.Logger

	// reported is what was said of the last decision, since when that has been the same.
	reported string
	since    time.Time
}

// Run looks, decides and acts until all is as desired, until an action of one of the last verbs is done, or
// until something is refused and nothing else is left to do. Its error is that of ctx.
func (l *Loop) Run(ctx context.Context, last ...plan.Verb) (plan.Decision, error) {
	for {
		start := time.Now()
		view, decision := l.decide(ctx)
		looked := time.Since(start)
		if err := context.Cause(ctx); err != nil {
			return plan.Decision{}, err
		}
		l.tell(decision)
		if decision.Done() || len(decision.Actions) == 0 && len(decision.Waiting) == 0 {
			return decision, nil
		}
		progress, finished := l.carryOut(ctx, decision.Actions, view, last)
		if finished {
			return decision, nil
		}
		if !progress {
			if err := wait.Sleep(ctx, pause(looked, time.Since(l.since))); err != nil {
				return decision, err
			}
		}
	}
}

// decide looks and plans. While something about the nodes is waited for, a glance at them is enough.
func (l *Loop) decide(ctx context.Context) (plan.View, plan.Decision) {
	view := l.Observer.Glance(ctx)
	decision := plan.Plan(view, l.Desired())
	if len(decision.Actions) == 0 && len(decision.Refusals) == 0 && len(decision.Waiting) > 0 &&
		!slices.ContainsFunc(decision.Waiting, func(c plan.Condition) bool { return !aboutNodes[c.Predicate] }) {
		return view, decision
	}
	view = l.Observer.Look(ctx)
	return view, plan.Plan(view, l.Desired())
}

// aboutNodes are the conditions for which a glance at the nodes is enough.
var aboutNodes = map[plan.Predicate]bool{plan.Serves: true, plan.ClusterServes: true, plan.NotStopping: true,
	plan.DataSeen: true}

// carryOut does actions in order, each after a fresh look at what it needs. It stops at the first that is
// not right any more or that fails, and tells whether all were done; finished tells that one of the last
// verbs was.
func (l *Loop) carryOut(
	ctx context.Context, actions []plan.Action, view plan.View, last []plan.Verb,
) (progress, finished bool) {
	for len(actions) > 0 {
		n := transfers(actions)
		if n > 1 {
			view = l.Observer.Again(ctx, view, actions[0].Queue)
			l.transfer(ctx, actions[:n], view)
			actions = actions[n:]
			continue
		}
		action := actions[0]
		actions = actions[1:]
		if len(action.Needs) > 0 {
			view = l.Observer.Again(ctx, view, action.Queue)
		}
		if unmet := action.Unmet(view, l.Desired()); len(unmet) > 0 {
			l.Log.Info("not done: things have changed", "action", action.String(), "unmet", unmet[0].Predicate)
			return false, false
		}
		l.Log.Info(action.String())
		if err := l.Actor.Do(ctx, action, view); err != nil {
			l.Log.Warn("failed", "error", err)
			if !action.BestEffort {
				return false, false
			}
			continue
		}
		for _, verb := range last {
			if action.Verb == verb {
				return true, true
			}
		}
	}
	return len(actions) == 0 && context.Cause(ctx) == nil, false
}

// transfers counts the transfers of leadership from one node that actions begin with.
func transfers(actions []plan.Action) int {
	n := 0
	for n < len(actions) && actions[n].Verb == plan.TransferLeadership && actions[n].Node == actions[0].Node {
		n++
	}
	return n
}

// transfer hands over leaders. What fails is done by Raft itself a little later, when the node drains.
func (l *Loop) transfer(ctx context.Context, actions []plan.Action, view plan.View) {
	var right []plan.Action
	for _, action := range actions {
		if len(action.Unmet(view, l.Desired())) == 0 {
			right = append(right, action)
		}
	}
	l.Log.Info("make other nodes the leaders of queues", "queues", len(right), "from", actions[0].Node)
	if len(right) == 0 {
		return
	}
	if err := l.Actor.Transfer(ctx, right); err != nil {
		l.Log.Warn("failed", "error", err)
	}
}

// tell logs what is waited for and what is refused, when that changes.
func (l *Loop) tell(decision plan.Decision) {
	if l.Decided != nil {
		l.Decided(decision)
	}
	text := ""
	if len(decision.Waiting) > 0 && len(decision.Actions) == 0 {
		text = "waiting: " + Waits(decision.Waiting)
	}
	for _, refusal := range decision.Refusals {
		text += "\nrefused: " + refusal.Text()
	}
	for _, notice := range decision.Notices {
		text += "\nnotice: " + notice.Text()
	}
	if text != "" && text != l.reported {
		l.Log.Info(text)
	}
	if text != l.reported || l.since.IsZero() {
		l.reported, l.since = text, time.Now()
	}
}

// Waits says what is waited for.
func Waits(conditions []plan.Condition) string {
	const shown = 3
	text := ""
	for i, c := range conditions {
		if i == shown {
			return text + ", and more"
		}
		if i > 0 {
			text += ", "
		}
		text += c.String()
	}
	return text
}
