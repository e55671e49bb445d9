package plan_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/topology"
)

// A scenario is an input that once broke something, and the right outcome.
type scenario struct {
	name    string
	view    *plan.View
	desired plan.Desired
	actions []string
	waiting []string
	refused []plan.RefusalKind
	noticed []plan.RefusalKind
}

func check(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			d := plan.Plan(*s.view, s.desired)
			assert.Equal(t, s.actions, verbs(d), "actions")
			assert.Equal(t, s.waiting, waits(d), "waiting")
			assert.Equal(t, s.refused, refusals(d.Refusals), "refusals")
			assert.Equal(t, s.noticed, refusals(d.Notices), "notices")
			assert.Equal(t, len(s.actions)+len(s.waiting)+len(s.refused) == 0, d.Done(), "done")
		})
	}
}

// D1: a classic queue that its consumer keeps empty was lost with its node.
func TestNoNodeLeavesWithADurableClassicQueue(t *testing.T) {
	three := wanted(plan.ScopeFormation, 1, 2, 3)
	exclusive := classic("answers", 5, 3)
	exclusive.Exclusive = true
	transient := classic("events", 5, 3)
	transient.Durable = false
	mirrored := classic("mirrored", 5, 3)
	mirrored.Replicas = append(mirrored.Replicas, voter(1))
	check(t, []scenario{
		{
			name: "refused before anything is touched, empty or not", view: serving(5, classic("orders", 5, 0)),
			desired: wanted(plan.ScopeDeployment, 1, 2, 3), refused: []plan.RefusalKind{plan.DurableQueues},
		},
		{
			name:    "declared while the node is drained: back into service",
			view:    in(serving(5, classic("orders", 5, 0)), plan.Maintenance, 5),
			desired: three, actions: []string{"revive 5"}, refused: []plan.RefusalKind{plan.DurableQueues},
		},
		{
			name:    "seen at the last look, when nothing can reach it",
			view:    in(serving(5, classic("orders", 5, 0)), plan.AppStopped, 5),
			desired: three, actions: []string{"start-app 5"}, refused: []plan.RefusalKind{plan.DurableQueues},
		},
		{
			name:    "on a node that is down, nobody knows what is in it",
			view:    in(serving(5, classic("orders", 5, 0)), plan.Down, 5),
			desired: three, refused: []plan.RefusalKind{plan.DurableQueuesDown},
		},
		{
			name: "queues that go with their connections keep no node", view: serving(5, exclusive, transient),
			desired: three, actions: []string{"drain 4"},
		},
		{
			name: "a synchronised mirror elsewhere is enough", view: serving(5, mirrored), desired: three,
			actions: []string{"drain 4"},
		},
	})
}

// D2: old voters left before new ones could vote.
func TestNoVoterLeavesBeforeAnotherVotes(t *testing.T) {
	growing := quorum("orders", 3, 4, 5)
	growing.Replicas = append(growing.Replicas, promotable(1))
	grown := quorum("orders", 3, 4, 5, 1, 2)
	replaced := quorum("orders", 1, 3)
	replaced.Replicas = append(replaced.Replicas, promotable(2))
	three := wanted(plan.ScopeFormation, 1, 2, 3)
	check(t, []scenario{
		{
			name: "a replica is added, one at a time", view: serving(5, quorum("orders", 3, 4, 5)), desired: three,
			actions: []string{"add-replica 1 orders"},
		},
		{
			name: "the next one waits until it votes", view: serving(5, growing), desired: three,
			waiting: []string{
				`the replica of "orders" in virtual host "/" on rabbit@rabbit1 has caught up and votes`,
				`"orders" in virtual host "/" has a leader, and all its replicas vote`,
			},
		},
		{
			name: "then the first node is drained", view: serving(5, grown), desired: three,
			actions: []string{"drain 4"},
		},
		{
			name: "its replicas go when it is drained", view: in(serving(5, grown), plan.Maintenance, 4),
			desired: three,
			actions: []string{"remove-replica 4 orders"},
		},
		{
			name: "a membership is not done before its replicas vote", view: serving(3, replaced),
			desired: of(wanted(plan.ScopeMembership, 1, 2, 3), 2),
			waiting: []string{`the replica of "orders" in virtual host "/" on rabbit@rabbit2 has caught up and votes`},
		},
	})
}

// D3: a roll stopped a second node while one was down.
func TestARollBringsBackWhatIsDownFirst(t *testing.T) {
	three := wanted(plan.ScopeDeployment, 1, 2, 3)
	check(t, []scenario{
		{
			name: "one is down", view: in(serving(3), plan.Down, 2), desired: three,
			actions: []string{"abandon-formation", "change 2", "change 1", "change 3", "form"},
		},
		{
			name: "one runs and does not serve", view: in(serving(3), plan.Maintenance, 3), desired: three,
			actions: []string{"abandon-formation", "change 3", "change 1", "change 2", "form"},
		},
		{
			name: "all are down: they start together", view: stopped(serving(3)), desired: three,
			actions: []string{"abandon-formation", "change 1 2 3", "form"},
		},
		{
			name: "two are down: they start together, and the third is changed last",
			view: in(serving(3), plan.Down, 1, 2), desired: three,
			actions: []string{"abandon-formation", "change 1 2", "change 3", "form"},
		},
	})

	d := plan.Plan(*serving(3, quorum("orders", 1, 2, 3)), three)
	require.Equal(t, "change 1", verbs(d)[1])
	unmet := d.Actions[1].Unmet(*in(serving(3, quorum("orders", 1, 2, 3)), plan.Down, 2), three)
	assert.Len(t, unmet, 2, "rabbit2 went down meanwhile: rabbit1 is not touched")
	blind := serving(3)
	nodeOf(blind, 2).State = plan.StateUnknown
	assert.NotEmpty(t, d.Actions[1].Unmet(*blind, three), "unknown is not up")
}

// stopped is a stack of which nothing runs, as a deployment sees it.
func stopped(v *plan.View) *plan.View {
	for i := range v.Nodes {
		n := &v.Nodes[i]
		n.State, n.Member, n.Alone = plan.Down, plan.Maybe[bool]{}, plan.Maybe[bool]{}
	}
	v.ClusterID, v.QueuesKnown, v.LostKnown, v.Queues, v.Metadata = "", false, false, nil, plan.Metadata{}
	return v
}

// D5: one queue that was half deleted held everything up, and cost every other queue a replica.
func TestAHalfDeletedQueueConcernsNobodyElse(t *testing.T) {
	view := func() *plan.View {
		return serving(3, quorum("orders", 1, 2, 3), halfDeleted("sick", 1, 2, 3), quorum("mail", 2, 3, 1))
	}
	lost := view()
	lost.Queues[0].Replicas[1] = plan.Replica{Node: rabbit(2), Online: plan.Known(false),
		Voter: plan.Known(true), Lost: true}
	noticed := []plan.RefusalKind{plan.HalfDeleted}
	membership := of(wanted(plan.ScopeMembership, 1, 2, 3), 2)
	check(t, []scenario{
		{name: "a membership is done", view: view(), desired: membership, noticed: noticed},
		{name: "the formation is done", view: view(), desired: wanted(plan.ScopeFormation, 1, 2, 3),
			noticed: noticed},
		{
			name: "a node stops as usual", view: view(), desired: of(wanted(plan.ScopeStop, 1, 2, 3), 3),
			actions: []string{"drain 3", "stop 3"},
		},
		{
			name: "a lost replica is remembered, and only that", view: lost, desired: membership, noticed: noticed,
			actions: []string{"remember-replicas 2"},
		},
	})
	lost.Lost = []plan.LostReplicas{{Node: rabbit(2), Queues: []plan.QueueID{id("orders")}}}
	check(t, []scenario{{
		name: "then that one is removed", view: lost, desired: membership, noticed: noticed,
		actions: []string{"remove-replica 2 orders"},
	}})
	d := plan.Plan(*view(), membership)
	assert.Contains(t, d.Notices[0].Text(), `rabbitmqctl -n rabbit@rabbit1 delete_queue --vhost / -- sick`)

	leaves := serving(4, halfDeleted("sick", 2, 3, 4))
	check(t, []scenario{{
		name: "it concerns a node that leaves and that it names", view: leaves,
		desired: wanted(plan.ScopeDeployment, 1, 2, 3),
		refused: []plan.RefusalKind{plan.HalfDeletedLeaves},
	}})
}

// C7: an administrator whose name was changed in the configuration stayed, with its password.
func TestUsersOfAnEarlierConfigurationGo(t *testing.T) {
	view := func() *plan.View {
		v := serving(3)
		v.Users = []plan.User{
			{Name: "admin", Tags: []string{"administrator", "warren"}},
			{Name: "boss", Tags: []string{"administrator", "warren"}},
			{Name: "orders", Tags: nil}, {Name: "kept", Tags: []string{"administrator"}},
		}
		return v
	}
	formation := wanted(plan.ScopeFormation, 1, 2, 3)
	named := formation
	named.Users = []string{"boss", "warren-agent"}
	d := plan.Plan(*view(), named)
	require.Len(t, d.Actions, 1)
	assert.Equal(t, plan.DeleteUser, d.Actions[0].Verb)
	assert.Equal(t, "admin", d.Actions[0].User)
	assert.Empty(t, d.Actions[0].Unmet(*view(), named))
	check(t, []scenario{
		{name: "nobody says who is named", view: view(), desired: formation},
		{
			name: "a node that is down may yet import them", view: in(view(), plan.Down, 3), desired: named,
			waiting: []string{"rabbit@rabbit3 serves clients"},
		},
	})
}

// D6: with its helpers gone, a node took it that the whole stack was going, and stopped undrained.
func TestOnlyAnExplicitDestroyStopsANodeAtOnce(t *testing.T) {
	stop := of(wanted(plan.ScopeStop, 1, 2, 3), 1)
	destroy := stop
	destroy.Destroy = true
	late := stop
	late.OutOfTime = true
	queue := func() plan.Queue { return quorum("orders", 1, 2, 3) }
	check(t, []scenario{
		{
			name: "hands over, drains, stops", view: serving(3, queue()), desired: stop,
			actions: []string{"transfer-leadership 1 orders", "drain 1", "stop 1"},
		},
		{name: "destroy", view: serving(3, queue()), desired: destroy, actions: []string{"stop 1"}},
		{
			name: "nobody answers: it waits", view: alone(), desired: stop,
			waiting: []string{"every queue and the metadata store have a majority without rabbit@rabbit1"},
		},
		{
			name: "another is down: it waits", view: in(serving(3, queue()), plan.Down, 3), desired: stop,
			waiting: []string{"every queue and the metadata store have a majority without rabbit@rabbit1"},
		},
		{
			name:    "another is drained, and before it: it goes back into service",
			view:    in(serving(3, queue()), plan.Maintenance, 1, 2),
			desired: of(stop, 2), actions: []string{"revive 2"},
			waiting: []string{"every queue and the metadata store have a majority without rabbit@rabbit2"},
		},
		{
			name:    "another is drained, and after it: it waits for that one to yield",
			view:    in(serving(3, queue()), plan.Maintenance, 1, 2),
			desired: stop,
			waiting: []string{"every queue and the metadata store have a majority without rabbit@rabbit1"},
		},
		{name: "the time is up", view: in(serving(3, queue()), plan.Down, 3), desired: late,
			actions: []string{"drain 1", "stop 1"}},
		{name: "a queue with one replica: nothing is won by waiting", view: serving(3, quorum("orders", 1)),
			desired: stop,
			actions: []string{"drain 1", "stop 1"}},
	})
}

// alone is what a node sees that reaches nobody.
func alone() *plan.View {
	return &plan.View{Nodes: []plan.Node{{Name: rabbit(1), State: plan.Serving, Data: plan.Known(true)}}}
}

// D7: a new cookie rolled, and the first node never joined again.
func TestACookieDoesNotRoll(t *testing.T) {
	d := wanted(plan.ScopeDeployment, 1, 2, 3)
	d.Cookie = "another"
	without := serving(3)
	for i := range without.Nodes {
		n := &without.Nodes[i]
		n.Container, n.Cookie = plan.Known(false), plan.Maybe[string]{}
	}
	check(t, []scenario{
		{name: "refused", view: serving(3), desired: d, refused: []plan.RefusalKind{plan.CookieChange}},
		{
			name: "without containers they start together", view: stopped(without), desired: d,
			actions: []string{"abandon-formation", "change 1 2 3", "form"},
		},
	})
	text := plan.Plan(*serving(3), d).Refusals[0].Text()
	for _, says := range []string{
		"rabbit@rabbit1, rabbit@rabbit2 and rabbit@rabbit3 would get another Erlang cookie",
		"go back to the state that the stack was created with",
		"docker cp warren-dev-rabbit1:/etc/warren/erlang.cookie - | tar -xO | " +
			"pulumi config set --secret warren:erlangCookie --stack dev",
		"docker rm -f warren-dev-rabbit1 warren-dev-rabbit2 warren-dev-rabbit3",
	} {
		assert.Contains(t, text, says)
	}

	one := serving(3)
	nodeOf(one, 2).Cookie = plan.Known("cookie of a node that is to leave")
	check(t, []scenario{{
		name: "of one node", view: one, desired: wanted(plan.ScopeDeployment, 1, 3),
		refused: []plan.RefusalKind{plan.CookieChange},
	}})
}

// Nodes that talk over TLS and nodes that don't can't talk to each other.
func TestTheDistributionDoesNotRoll(t *testing.T) {
	d := wanted(plan.ScopeDeployment, 1, 2, 3)
	d.Distribution = topology.DistributionTLS
	talk := func(view *plan.View, how string, nodes ...int) *plan.View {
		for _, n := range nodes {
			nodeOf(view, n).Distribution = plan.Known(how)
		}
		return view
	}
	plain := func(view *plan.View) *plan.View { return talk(view, topology.DistributionPlain, 1, 2, 3) }
	alone := wanted(plan.ScopeDeployment, 1)
	alone.Distribution = topology.DistributionTLS
	refused := []plan.RefusalKind{plan.DistributionChange}
	check(t, []scenario{
		{name: "refused", view: plain(serving(3)), desired: d, refused: refused},
		{
			name: "nodes that are stopped start together", view: stopped(plain(serving(3))), desired: d,
			actions: []string{"abandon-formation", "change 1 2 3", "form"},
		},
		{
			name: "it is as it was", view: talk(serving(3), topology.DistributionTLS, 1, 2, 3), desired: d,
			actions: []string{"abandon-formation", "change 1", "change 2", "change 3", "form"},
		},
		{
			name: "a node that is alone", view: talk(serving(1), topology.DistributionPlain, 1), desired: alone,
			actions: []string{"abandon-formation", "change 1", "form"},
		},
	})
	text := plan.Plan(*plain(serving(3)), d).Refusals[0].Text()
	assert.Contains(t, text, "rabbit@rabbit2 and rabbit@rabbit3 would talk to other nodes over TLS")
	assert.Contains(t, text, "docker stop warren-dev-rabbit1 warren-dev-rabbit2 warren-dev-rabbit3")
}

// D8: two empty nodes founded a cluster beside the only copy, which was then set aside.
func TestEmptyNodesDoNotFoundBesideTheOnlyCopy(t *testing.T) {
	three := wanted(plan.ScopeDeployment, 1, 2, 3)
	only := emptied(stopped(serving(3)), 1, 2)
	unasked := &plan.View{Nodes: []plan.Node{{Name: rabbit(1), Data: plan.Known(false)},
		{Name: rabbit(2), Data: plan.Known(false)}}}
	fresh := &plan.View{Nodes: append(unasked.Nodes[:2:2], plan.Node{Name: rabbit(3), Data: plan.Known(false)})}
	holds := &plan.View{Nodes: append(unasked.Nodes[:2:2], plan.Node{Name: rabbit(3), Data: plan.Known(true)})}
	foreign := serving(2)
	foreign.Nodes = append(foreign.Nodes, plan.Node{
		Name: rabbit(3), State: plan.Down, Member: plan.Known(false), Data: plan.Known(true),
		ClusterID: plan.Known("older"),
	})
	former := serving(2)
	former.Nodes = append(former.Nodes, foreign.Nodes[2])
	former.Nodes[2].ClusterID = plan.Known("cluster")
	waiting := []string{"all other seeds say that they have no data, and no node has some"}
	start := wanted(plan.ScopeStart, 1, 2, 3)
	later := wanted(plan.ScopeStart, 1, 2, 3)
	later.HadData = true
	check(t, []scenario{
		{name: "refused before anything is touched", view: only, desired: three,
			refused: []plan.RefusalKind{plan.FoundingOverData}},
		{name: "no node founds while one has data", view: holds, desired: of(start, 1), waiting: waiting},
		{name: "nor while one does not say", view: unasked, desired: of(start, 1), waiting: waiting},
		{name: "a new stack is founded", view: fresh, desired: of(start, 1), actions: []string{"found 1"}},
		{
			name: "but not by a container that was created when it had data", view: fresh, desired: of(later, 1),
			waiting: []string{"the stack had no data when the container of rabbit@rabbit1 was created"},
		},
		{name: "data of another cluster are not set aside", view: foreign, desired: of(start, 3),
			actions: []string{"start 3"}},
		{name: "those of a node that was let go are", view: former, desired: of(start, 3),
			actions: []string{"set-data-aside 3"}},
	})
}

// D9: replicas that did not grow back were forgotten.
func TestWhatWasLostIsRememberedUntilItIsBack(t *testing.T) {
	remember := func(v *plan.View, more ...string) *plan.View {
		v.Lost = []plan.LostReplicas{{Node: rabbit(2), Queues: []plan.QueueID{id("orders"), id("gone")}}}
		for _, name := range more {
			v.Lost[0].Queues = append(v.Lost[0].Queues, id(name))
		}
		return v
	}
	sick := quorum("sick", 2, 4, 5)
	sick.Replicas[1].Online, sick.Replicas[1].CaughtUp, sick.Leader = plan.Known(false), plan.Known(false), ""
	wide := func(numbers ...int) plan.Queue {
		q := quorum("orders", numbers...)
		q.Wanted = 5
		return q
	}
	five := of(wanted(plan.ScopeMembership, 1, 2, 3, 4, 5), 2)
	catching := wide(1, 3, 4, 5)
	catching.Replicas = append(catching.Replicas, promotable(2))
	check(t, []scenario{
		{
			name:    "before its node joins, everything it had is remembered",
			view:    emptied(serving(5, wide(1, 2, 3, 4, 5)), 2),
			desired: of(wanted(plan.ScopeStart, 1, 2, 3, 4, 5), 2), actions: []string{"remember-replicas 2"},
		},
		{
			name:    "where the rest of a queue is no majority, the node waits for it, by name",
			view:    remember(emptied(serving(5, wide(1, 2, 3, 4, 5), sick), 2), "sick"),
			desired: of(wanted(plan.ScopeStart, 1, 2, 3, 4, 5), 2),
			waiting: []string{`"sick" in virtual host "/" has a majority without its replica on rabbit@rabbit2`},
		},
		{
			name:    "with another node down, it is given back all the same",
			view:    in(remember(serving(5, wide(1, 3, 4, 5))), plan.AppStopped, 5),
			desired: five, actions: []string{"add-replica 2 orders"},
		},
		{
			name: "where that would cost the majority it is postponed, and remembered",
			view: in(remember(serving(5, wide(1, 3, 4))), plan.AppStopped, 4), desired: five,
			actions: []string{"remember-replicas 2"}, noticed: []plan.RefusalKind{plan.ReplicaPostponed},
		},
		{
			name: "it is remembered while it catches up", view: remember(serving(5, catching)), desired: five,
			waiting: []string{`the replica of "orders" in virtual host "/" on rabbit@rabbit2 has caught up and votes`},
		},
		{
			name: "and dropped when it votes; a queue that is gone is, too",
			view: remember(serving(5, wide(1, 3, 4, 5, 2))), desired: five,
			actions: []string{"remember-replicas 2"},
		},
	})
}

// D10: many long names did not fit an argument and a pattern.
func TestEveryQueueIsNamedByItself(t *testing.T) {
	var queues []plan.Queue
	for i := range 3000 {
		queues = append(queues, quorum(fmt.Sprintf("%040d", i), 1, 2, 3))
	}
	queues = append(queues, quorum("a|b.*\n", 1, 2, 3))
	v := emptied(serving(3, queues...), 2)
	d := plan.Plan(*v, of(wanted(plan.ScopeStart, 1, 2, 3), 2))
	require.Equal(t, []string{"remember-replicas 2"}, verbs(d))
	assert.Len(t, d.Actions[0].Queues, 3001)

	for i := range v.Queues {
		v.Queues[i].Replicas = []plan.Replica{voter(1), voter(3)}
	}
	in(v, plan.Serving, 2)
	nodeOf(v, 2).Data = plan.Known(true)
	nodeOf(v, 2).ClusterID = plan.Known("cluster")
	v.Lost = []plan.LostReplicas{{Node: rabbit(2), Queues: d.Actions[0].Queues}}
	d = plan.Plan(*v, of(wanted(plan.ScopeMembership, 1, 2, 3), 2))
	require.Len(t, d.Actions, 3001)
	for i, a := range d.Actions {
		assert.Equal(t, plan.AddReplica, a.Verb)
		assert.Equal(t, v.Queues[i].QueueID, a.Queue)
	}
}

// D11: a cure destroyed the only copy, and names went unquoted into commands.
func TestRefusalsHarmNobody(t *testing.T) {
	away := serving(3)
	n := nodeOf(away, 3)
	n.ClusterID, n.Member, n.Alone, n.OwnQueues = plan.Known("other"), plan.Known(false), plan.Known(
		true), plan.Known(2)
	d := plan.Plan(*away, of(wanted(plan.ScopeMembership, 1, 2, 3), 3))
	require.Equal(t, []plan.RefusalKind{plan.OwnQueues}, refusals(d.Refusals))
	assert.NotContains(t, d.Refusals[0].Text(), "rabbitmqctl reset")

	n.OwnQueues = plan.Known(0)
	d = plan.Plan(*away, of(wanted(plan.ScopeMembership, 1, 2, 3), 3))
	assert.Equal(t, []string{"drain 3"}, verbs(d),
		"drained first, so that nobody gives it a queue between the look and the reset")
	n.State = plan.Maintenance
	d = plan.Plan(*away, of(wanted(plan.ScopeMembership, 1, 2, 3), 3))
	assert.Equal(t, []string{"reset 3"}, verbs(d))
	n.OwnQueues = plan.Known(1)
	assert.NotEmpty(t, d.Actions[0].Unmet(*away, of(wanted(plan.ScopeMembership, 1, 2, 3), 3)))

	q := classic("it's; rm -rf /\x1b[2J\n", 4, 0)
	q.VHost = "my vhost"
	d = plan.Plan(*serving(4, q), wanted(plan.ScopeDeployment, 1, 2, 3))
	require.Len(t, d.Refusals, 1)
	text := d.Refusals[0].Text()
	assert.Contains(t, text, `--vhost 'my vhost' --if-empty --if-unused -- $'it\'s; rm -rf /\x1b[2J\x0a'`)
	assert.NotContains(t, text, "\x1b")
}

// D14, D16: an upgrade is judged by what wrote the data, and nothing of another state's is touched.
func TestWhatADeploymentRefuses(t *testing.T) {
	older := serving(3)
	for i := range older.Nodes {
		older.Nodes[i].Version = plan.Known("4.0.5")
	}
	newer := serving(3)
	nodeOf(newer, 2).Version = plan.Known("4.4.0")
	flags := serving(3)
	for i := range flags.Nodes {
		flags.Nodes[i].Version = plan.Known("4.2.1")
	}
	flags.Flags = []plan.FeatureFlag{{Name: "khepri_db", Stable: true}}
	clone := wanted(plan.ScopeDeployment, 1, 2, 3)
	clone.Owner = "another"
	destroy := clone
	destroy.Destroy = true
	own := wanted(plan.ScopeDeployment, 1, 2, 3)
	own.Destroy = true
	unsaid := wanted(plan.ScopeDeployment, 1, 2, 3)
	unsaid.Owner = ""
	three := wanted(plan.ScopeDeployment, 1, 2, 3)
	check(t, []scenario{
		{name: "a step too far", view: older, desired: three, refused: []plan.RefusalKind{plan.UpgradeSkips}},
		{name: "a step back", view: newer, desired: three, refused: []plan.RefusalKind{plan.Downgrade}},
		{name: "before its flags are enabled", view: flags, desired: three,
			refused: []plan.RefusalKind{plan.FlagsDisabled}},
		{name: "by a second clone", view: serving(3), desired: clone,
			refused: []plan.RefusalKind{plan.ForeignStack}},
		{name: "not when the owner is not known yet", view: serving(3), desired: unsaid, actions: []string{
			"abandon-formation", "change 1", "change 2", "change 3", "form",
		}},
		{name: "and its destroy", view: serving(3), desired: destroy,
			refused: []plan.RefusalKind{plan.ForeignStack}},
		{name: "its own destroy", view: serving(3), desired: own,
			actions: []string{"delete 1", "delete 2", "delete 3"}},
		{
			name: "keeping no node with data", view: serving(3), desired: wanted(plan.ScopeDeployment, 4, 5, 6),
			refused: []plan.RefusalKind{plan.NothingKept},
		},
		{
			name: "letting nodes go when nobody can be asked", view: stopped(serving(3)),
			desired: wanted(plan.ScopeDeployment, 1, 2),
			refused: []plan.RefusalKind{plan.NobodyToAsk},
		},
		{
			name: "letting nodes go without a majority", view: in(serving(5, quorum("orders", 4, 5)), plan.Down, 4, 5),
			desired: wanted(plan.ScopeDeployment, 1, 2, 3),
			refused: []plan.RefusalKind{plan.QueueMinorityLeaves, plan.QueueMinorityLeaves},
		},
	})
	step := plan.Plan(*older, three).Refusals[0].Text()
	assert.Contains(t, step, "set warren:image to 4.2, then 4.3, with a `pulumi up` for each")
}
