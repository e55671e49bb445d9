package plan_test

import (
	"fmt"
	"testing"

	"warren/agent/plan"
)

// BenchmarkPlan plans with 1,000 quorum queues and 10,000 classic ones.
func BenchmarkPlan(b *testing.B) {
	var queues []plan.Queue
	for i := range 1000 {
		queues = append(queues, quorum(fmt.Sprintf("%040d", i), 1+i%3, 1+(i+1)%3, 1+(i+2)%3))
	}
	for i := range 10_000 {
		queues = append(queues, classic(fmt.Sprintf("classic%d", i), 1+i%3, i))
	}
	view := *serving(3, queues...)
	for _, scope := range []plan.Scope{plan.ScopeStart, plan.ScopeStop, plan.ScopeMembership,
		plan.ScopeFormation, plan.ScopeDeployment} {
		b.Run(string(scope), func(b *testing.B) {
			d := of(wanted(scope, 1, 2, 3), 2)
			for b.Loop() {
				plan.Plan(view, d)
			}
		})
	}
}
