package plan_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
)

// What follows are states in which a deployment once waited forever, or was refused again and again.

// A node that was cut off while the cluster let it go runs on with data that are out of date.
func TestANodeThatWasLetGoStartsAnew(t *testing.T) {
	letGo := func(state plan.NodeState) *plan.View {
		v := serving(3, quorum("orders", 1, 2, 3))
		n := nodeOf(v, 3)
		n.State, n.Member = state, plan.Known(false)
		v.Queues[0].Replicas = v.Queues[0].Replicas[:2]
		return v
	}
	membership := of(wanted(plan.ScopeMembership, 1, 2, 3), 3)
	check(t, []scenario{
		{name: "it runs", view: letGo(plan.Serving), desired: membership, actions: []string{"restart 3"}},
		{name: "it is drained", view: letGo(plan.Maintenance), desired: membership, actions: []string{"restart 3"}},
		{name: "RabbitMQ is stopped on it", view: letGo(plan.AppStopped), desired: membership,
			actions: []string{"restart 3"}},
		{name: "its data are set aside", view: letGo(plan.Down), desired: of(wanted(plan.ScopeStart, 1, 2, 3), 3),
			actions: []string{"set-data-aside 3"}},
	})
	d := plan.Plan(*letGo(plan.Serving), membership)
	require.Len(t, d.Actions, 1)
	assert.NotEmpty(t, d.Actions[0].Unmet(*serving(3), membership), "a member is not restarted for that")
	assert.NotEmpty(t, d.Actions[0].Unmet(*in(letGo(plan.Serving), plan.Down, 1), membership),
		"nor without a cluster to join")
}

// A volume without a container can't be read. It may hold what the others need to start.
func TestAVolumeThatCannotBeReadMayHoldData(t *testing.T) {
	v := in(stopped(serving(3)), plan.AppStopped, 2)
	for _, number := range []int{1, 3} {
		n := nodeOf(v, number)
		n.Container, n.Deployed = plan.Known(number == 3), plan.Known(true)
		n.Data = plan.Maybe[bool]{}
	}
	nodeOf(v, 3).Data = plan.Known(false)
	three := wanted(plan.ScopeDeployment, 1, 2, 3)
	check(t, []scenario{{
		name: "what has data, or may have some, starts first", view: v, desired: three,
		actions: []string{"abandon-formation", "change 1 2", "change 3", "form"},
	}})
	nodeOf(v, 1).Data = plan.Known(false)
	check(t, []scenario{{
		name: "without a majority of the members it is refused", view: v, desired: three,
		refused: []plan.RefusalKind{plan.FoundingOverData},
	}})
}

// Nodes that never came up are none that have lost their data.
func TestAnInterruptedFirstDeploymentGoesOn(t *testing.T) {
	v := emptied(stopped(serving(5)), 4, 5)
	for _, number := range []int{1, 2, 3, 4, 5} {
		nodeOf(v, number).Deployed = plan.Known(false)
	}
	check(t, []scenario{{
		name: "of five nodes two were never created", view: v, desired: wanted(plan.ScopeDeployment, 1, 2, 3, 4, 5),
		actions: []string{"abandon-formation", "change 1 2 3", "change 4", "change 5", "form"},
	}})
	waits := emptied(stopped(serving(2)), 1)
	nodeOf(waits, 1).Container, nodeOf(waits, 2).State = plan.Known(true), plan.Starting
	check(t, []scenario{{
		name: "a node that waits for members whose data are gone is named", view: waits,
		desired: of(wanted(plan.ScopeMembership, 1, 2), 2), waiting: []string{"rabbit@rabbit2 serves clients"},
		noticed: []plan.RefusalKind{plan.FoundingOverData},
	}})
}

// A node that is starting only waits for a majority; that it is to leave afterwards does not matter.
func TestALeaverThatIsStartingCounts(t *testing.T) {
	v := func(leaver plan.NodeState) *plan.View {
		return emptied(in(in(serving(4), plan.AppStopped, 1), leaver, 4), 3)
	}
	check(t, []scenario{{
		name: "the stack's node comes back, and then it", view: v(plan.Starting),
		desired: wanted(plan.ScopeDeployment, 1, 2, 3),
		actions: []string{"abandon-formation", "change 1", "change 3", "change 2", "form", "delete 4"},
	}, {
		name: "a leaver that is down does not", view: v(plan.Down), desired: wanted(plan.ScopeDeployment, 1, 2, 3),
		refused: []plan.RefusalKind{plan.ClusterMinority},
	}})
}

// A node that has lost its data is forgotten before it joins again, for which its queues need a majority.
func TestANodeDoesNotRejoinWithoutAMajority(t *testing.T) {
	v := func() *plan.View { return emptied(serving(5, quorum("orders", 5, 1, 2)), 1) }
	check(t, []scenario{{
		name: "the node that is missing is none of the stack's: nothing would start it",
		view: in(v(), plan.AppStopped, 5), desired: wanted(plan.ScopeDeployment, 1, 2, 3, 4),
		refused: []plan.RefusalKind{plan.QueueMinorityRejoins},
	}, {
		name: "it is one of the stack's and comes first",
		view: in(v(), plan.AppStopped, 5), desired: wanted(plan.ScopeDeployment, 1, 2, 3, 4, 5),
		actions: []string{"abandon-formation", "change 5", "change 1", "change 2", "change 3", "change 4", "form"},
	}})
	d := plan.Plan(*in(v(), plan.AppStopped, 5), wanted(plan.ScopeDeployment, 1, 2, 3, 4))
	require.Len(t, d.Refusals, 1)
	assert.Contains(t, d.Refusals[0].Text(), `rabbit@rabbit1 has lost its data and can't join again`)
	assert.Contains(t, d.Refusals[0].Text(), `what else is missing (rabbit@rabbit5)`)
}

// While the cluster has no majority it can't say who its members are. A node that is in another one is none.
func TestANodeOfAnotherClusterKeepsNothingRunning(t *testing.T) {
	v := serving(4, quorum("orders", 1, 3, 4))
	in(v, plan.Down, 3, 4)
	v.QueuesKnown, v.LostKnown, v.Queues, v.Metadata = false, false, nil, plan.Metadata{}
	for i := range v.Nodes {
		v.Nodes[i].Member = plan.Maybe[bool]{}
	}
	away := nodeOf(v, 2)
	away.ClusterID, away.Alone, away.OwnQueues = plan.Known("other"), plan.Known(true), plan.Known(0)
	three := wanted(plan.ScopeDeployment, 1, 2, 3, 4)
	for _, state := range []plan.NodeState{plan.Serving, plan.Maintenance} {
		away.State = state
		d := plan.Plan(*v, three)
		require.Equal(t, []string{"abandon-formation", "change 2 3 4", "change 1", "form"}, verbs(d), state)
		assert.Empty(t, d.Actions[1].Of(rabbit(2)).Unmet(*v, three), state)
		assert.NotEmpty(t, d.Actions[2].Unmet(*v, three), "the last node of the cluster that runs")
	}
}

// A drained node holds up what is left of a majority. It is changed after those that are down have come back,
// not together with them.
func TestADrainedNodeIsChangedWhenTheOthersAreBack(t *testing.T) {
	check(t, []scenario{{
		name:    "one of two is drained, the other is down",
		view:    in(in(serving(2), plan.Maintenance, 1), plan.Down, 2),
		desired: wanted(plan.ScopeDeployment, 1, 2),
		actions: []string{"abandon-formation", "change 2", "change 1", "form"},
	}, {
		name: "all others serve", view: in(serving(3), plan.Maintenance, 3),
		desired: wanted(plan.ScopeDeployment, 1, 2, 3),
		actions: []string{"abandon-formation", "change 3", "change 1", "change 2", "form"},
	}})
}

// Two memberships may remember at the same time what a node has lost. The later one must not write over what
// the first one knows and it does not.
func TestMemoryIsNotOverwritten(t *testing.T) {
	q0, q1 := quorum("q0", 1, 2, 5), quorum("q1", 1, 2, 3)
	v := serving(5, q0, q1)
	remember := plan.Action{Verb: plan.RememberReplicas, Node: rabbit(1), Queues: []plan.QueueID{q1.QueueID},
		Needs: []plan.Condition{
			{Predicate: plan.NothingForgotten, Rule: plan.RuleRemembered, Node: rabbit(1)},
		}}
	d := wanted(plan.ScopeMembership, 1, 2, 3, 4, 5)
	assert.Empty(t, remember.Unmet(*v, d))
	v.Lost = []plan.LostReplicas{{Node: rabbit(1), Queues: []plan.QueueID{q0.QueueID}}}
	assert.Empty(t, remember.Unmet(*v, d), "it has the replica")
	v.Queues[0].Replicas = v.Queues[0].Replicas[1:]
	assert.Len(t, remember.Unmet(*v, d), 1, "it has not")
}

// Nodes that could not start, for a setting that they refuse, have lost nothing. Not all of them can be
// asked, because their containers start again and again.
func TestADeploymentOfWhichNoNodeCameUpIsRepeated(t *testing.T) {
	v := emptied(stopped(serving(3)), 1, 2)
	nodeOf(v, 3).Data = plan.Maybe[bool]{}
	three := wanted(plan.ScopeDeployment, 1, 2, 3)
	for _, number := range []int{1, 2, 3} {
		nodeOf(v, number).Container, nodeOf(v, number).HadData = plan.Known(true), plan.Known(false)
	}
	check(t, []scenario{{
		name: "none had data", view: v, desired: three,
		actions: []string{"abandon-formation", "change 1 2 3", "form"},
	}})
	for _, number := range []int{1, 2} {
		nodeOf(v, number).HadData = plan.Known(true)
	}
	check(t, []scenario{{
		name: "two were created again beside data", view: v, desired: three,
		refused: []plan.RefusalKind{plan.FoundingOverData},
	}})
}
