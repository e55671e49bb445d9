package world

import "warren/agent/plan"

// Loop looks, plans and acts, one thing at a step. It remembers nothing but the rest of its last decision,
// and loses that whenever it is killed.
type Loop struct {
	Name    string
	Want    Wish
	Desired plan.Desired
	Pending []plan.Action
	State   loopState
	// last is the last decision.
	Last plan.Decision
	// steps counts, for a loop that has only so much time.
	Steps int
	// Unsettled is a membership that is done, and whose node may still have to move.
	Unsettled bool
	// performed is called after each action.
	Performed func(plan.Action)
}

type loopState int

// How a loop stands.
const (
	Running loopState = iota
	Done
	Refused
)

// Acts tells whether a loop goes on: a membership does when it is done, to watch.
func (l *Loop) Acts() bool { return l.State == Running || l.Unsettled || l.Desired.Established }

// StillWaitsToRefuse tells whether a deployment was refused, which then does nothing.
func (l *Loop) StillWaitsToRefuse() bool {
	return l.Desired.Scope == plan.ScopeDeployment && len(l.Last.Refusals) > 0
}

// AgentRefusal is why a node's own agent does not start it.
func (c *Container) AgentRefusal() []plan.Refusal {
	if c == nil || c.Agent == nil || c.Agent.Desired.Scope != plan.ScopeStart {
		return nil
	}
	return c.Agent.Last.Refusals
}
