package plan_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/agent/plan"
)

// A node is changed while a host is away only if the rest has more than a bare majority without it.
func TestChangesWhileAHostIsAway(t *testing.T) {
	away := func(nodes int, changes ...plan.NodeName) plan.Desired {
		numbers := make([]int, nodes)
		for i := range numbers {
			numbers[i] = i + 1
		}
		d := wanted(plan.ScopeDeployment, numbers...)
		d.Away, d.Changes = []plan.NodeName{d.Nodes[nodes-1].Name}, changes
		return d
	}
	first := wanted(plan.ScopeDeployment, 1).Nodes[0].Name
	refused := []plan.RefusalKind{plan.ChangeWhileAway}
	check(t, []scenario{
		{name: "two of three are left", view: in(serving(3), plan.Down, 3), desired: away(3, first),
			refused: refused},
		{name: "four of five are left", view: in(serving(5), plan.Down, 5), desired: away(5, first),
			refused: refused},
		{name: "six of seven are left, and a queue has two of three",
			view: in(serving(7, quorum("orders", 1, 2, 7)), plan.Down, 7), desired: away(7, first), refused: refused},
		{name: "nothing changes", view: in(serving(3), plan.Down, 3), desired: away(3), actions: []string{
			"abandon-formation", "change 3", "change 1", "change 2", "form",
		}},
	})
	d := plan.Plan(*in(serving(7), plan.Down, 7), away(7, first))
	assert.Empty(t, d.Refusals, "six of seven are left")
	text := plan.Plan(*in(serving(3), plan.Down, 3), away(3, first)).Refusals[0].Text()
	assert.Contains(t, text, "would be restarted with other settings")
}

// A node that goes to another host leaves its data behind.
func TestANodeDoesNotMoveWithADurableClassicQueue(t *testing.T) {
	moves := wanted(plan.ScopeDeployment, 1, 2, 3)
	moves.Moves = []plan.NodeName{moves.Nodes[1].Name}
	unlisted := serving(3)
	unlisted.QueuesKnown = false
	check(t, []scenario{
		{name: "it alone has a queue", view: serving(3, classic("invoices", 2, 0)), desired: moves,
			refused: []plan.RefusalKind{plan.DurableQueuesStay}},
		{name: "another node has it", view: serving(3, classic("invoices", 1, 0)), desired: moves,
			actions: []string{"abandon-formation", "change 1", "change 2", "change 3", "form"}},
		{name: "its replicas are elsewhere, too", view: serving(3, quorum("orders", 1, 2, 3)), desired: moves,
			actions: []string{"abandon-formation", "change 1", "change 2", "change 3", "form"}},
	})
	assert.NotEmpty(t, plan.Plan(*unlisted, moves).Waiting)
}
