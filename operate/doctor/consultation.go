package doctor

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/operate/cluster"
	"warren/operate/health"
)

// consultation is an examination with what its explanations look up.
type consultation struct {
	Examination
	view   plan.View
	queues map[plan.QueueID]*cluster.Queue
}

func newConsultation(e Examination) *consultation {
	c := &consultation{Examination: e, view: viewOf(e), queues: map[plan.QueueID]*cluster.Queue{}}
	for i := range e.Status.Queues {
		c.queues[e.Status.Queues[i].ID()] = &e.Status.Queues[i]
	}
	return c
}

// queueOf returns the queue that a problem is about.
func (c *consultation) queueOf(p health.Problem) cluster.Queue {
	if queue, found := c.queues[p.Queue]; found {
		return *queue
	}
	return cluster.Queue{VHost: p.Queue.VHost, Name: p.Queue.Name}
}

// deployed tells whether the cluster is one that Pulumi deployed, so that `pulumi up` brings it into order.
func (c *consultation) deployed() bool {
	return len(c.Status.Helpers) > 0 || c.Status.OutputsIncomplete
}

// decide asks the planner.
func (c *consultation) decide(scope plan.Scope, self string) plan.Decision {
	return plan.Plan(c.view, c.desired(scope, self))
}

// steps says what a decision does next, for a sentence.
func steps(d plan.Decision) string {
	var words []string
	for _, a := range d.Actions {
		words = append(words, a.String())
	}
	if len(words) == 0 {
		for _, w := range d.Waiting {
			words = append(words, "wait until "+w.String())
		}
	}
	const few = 3
	if len(words) > few {
		words = append(words[:few:few], fmt.Sprintf("and %d more", len(words)-few))
	}
	return strings.Join(words, "; ")
}

// refusals are those of some decisions that concern a node, each once.
func refusals(node plan.NodeName, decisions ...plan.Decision) []string {
	var texts []string
	for _, d := range decisions {
		for _, r := range d.Refusals {
			text := r.Text()
			concerns := slices.Contains(r.Nodes, node) || r.Kind == plan.ClusterMinority
			if concerns && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// notInStack explains a member of the cluster that is none of the stack's nodes. Whether it can leave is
// for the planner to say.
func (c *consultation) notInStack(p health.Problem) (string, []string) {
	node := plan.NodeName(p.Subject)
	const origin = "The cluster has this node, and the stack's outputs do not: a scale-in was refused or " +
		"interrupted, or the outputs are not those of the last deployment. It counts for majorities, and it may " +
		"hold the only copy of something. "
	formation := c.decide(plan.ScopeFormation, "")
	if texts := refusals(node, c.decide(plan.ScopeDeployment, ""), formation); len(texts) > 0 {
		return origin + "It is not removed: " + strings.Join(texts, " "),
			[]string{"# do what is said above, or give the stack its node back in warren:nodes; then:", c.up()}
	}
	if c.deployed() {
		means := origin + "As far as can be seen now, nothing is on it alone. `pulumi up` removes it step by " +
			"step, and looks again before each step."
		if next := steps(formation); next != "" {
			means += " Next: " + next + "."
		}
		return means, []string{c.up()}
	}
	var fix []string
	for _, a := range formation.Actions {
		if command := c.perform(a); command != "" && a.Node == node {
			fix = append(fix, command)
		}
	}
	if len(fix) == 0 {
		return origin + "It can't leave yet: " +
			steps(formation) + ".", []string{in(c.anyNode(), "rabbitmqctl", "cluster_status")}
	}
	return origin + "It can leave without a loss, step by step.", append(fix, "# look again before the next "+
		"step:", c.again())
}
