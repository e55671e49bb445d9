package plan

import (
	"slices"

	"warren/agent/plan/state"
)

// Plan decides what to do in a view for what is desired.
func Plan(v View, d Desired) Decision { return planWith(allRules, v, d) }

// planWith plans by some of the rules only.
func planWith(rules ruleSet, v View, d Desired) Decision {
	p := &planner{Sight: state.NewSight(v, d), rules: rules}
	switch d.Scope {
	case ScopeStart:
		p.start()
	case ScopeStop:
		p.stop()
	case ScopeMembership:
		p.membership()
	case ScopeFormation:
		p.formation()
	case ScopeDeployment:
		p.deployment()
	}
	return p.Decision
}

// A ruleSet is the rules that a planner keeps. All are kept, except by tests that show what each is good for.
type ruleSet uint16

const allRules ruleSet = 1<<(RuleOwner+1) - 1

func (s ruleSet) has(r Rule) bool { return s&(1<<r) != 0 }

// planner collects a decision.
type planner struct {
	*state.Sight
	rules ruleSet
	Decision
}

// need is a condition under a rule; none if the rule is not kept.
func (p *planner) need(rule Rule, predicate Predicate, node NodeName, queue QueueID) []Condition {
	if !p.rules.has(rule) {
		return nil
	}
	return []Condition{{Predicate: predicate, Rule: rule, Node: node, Queue: queue}}
}

// about is a condition of the kind that makes an action possible at all, whatever the rules are.
func about(predicate Predicate, node NodeName) Condition {
	return Condition{Predicate: predicate, Node: node}
}

// do adds an action to the decision.
func (p *planner) do(a Action) { p.Actions = append(p.Actions, a) }

// try adds an action if its conditions hold; otherwise it waits for those that do not.
func (p *planner) try(a Action) bool {
	if unmet := p.Unmet(a); len(unmet) > 0 {
		for _, c := range unmet {
			p.wait(p.byQueue(c)...)
		}
		return false
	}
	p.do(a)
	return true
}

// byQueue turns a condition about all queues on a node into those about the queues that do not meet it, so
// that they are named.
func (p *planner) byQueue(c Condition) []Condition {
	each, ok := map[Predicate]Predicate{QueuesKeepMajority: QueueKeepsMajority,
		QueuesKeepWanted: QueueKeepsWanted}[c.Predicate]
	if !ok {
		return []Condition{c}
	}
	var named []Condition
	for _, id := range p.ReplicasOn(c.Node) {
		if of := (Condition{Predicate: each, Rule: c.Rule, Node: c.Node, Queue: id}); !p.Holds(of) {
			named = append(named, of)
		}
	}
	if len(named) == 0 { // the queues are not known
		return []Condition{c}
	}
	return named
}

func (p *planner) wait(conditions ...Condition) {
	for _, c := range conditions {
		if !slices.Contains(p.Waiting, c) {
			p.Waiting = append(p.Waiting, c)
		}
	}
}

// refuse refuses, by a rule that is kept, and tells whether it did.
func (p *planner) refuse(r Refusal) bool {
	if !p.rules.has(r.Rule) {
		return false
	}
	r.Ask = p.Answering()
	p.Refusals = append(p.Refusals, r)
	return true
}

func (p *planner) notice(r Refusal) {
	r.Ask = p.Answering()
	p.Notices = append(p.Notices, r)
}
