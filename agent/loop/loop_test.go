package loop_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/loop"
	"warren/agent/plan"
)

const r1, r2, r3 = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"

// world is a cluster of three nodes on which actions take effect.
type world struct {
	view    plan.View
	done    []plan.Verb
	fail    map[plan.Verb]int
	looks   int
	glances int
	// between changes the world before an action is looked at again.
	between func(*plan.View)
}

func serving() *world {
	w := &world{fail: map[plan.Verb]int{}}
	w.view = plan.View{ClusterID: "id", QueuesKnown: true, LostKnown: true}
	for _, n := range []plan.NodeName{r1, r2, r3} {
		w.view.Nodes = append(w.view.Nodes, plan.Node{
			Name: n, State: plan.Serving, Member: plan.Known(true), ClusterID: plan.Known("id"),
			Data: plan.Known(true),
			Type: plan.Known(plan.DesiredNode{Type: "disc"}.Type),
		})
	}
	return w
}

func (w *world) node(name plan.NodeName) *plan.Node {
	for i := range w.view.Nodes {
		if w.view.Nodes[i].Name == name {
			return &w.view.Nodes[i]
		}
	}
	return nil
}

func (w *world) Look(context.Context) plan.View   { w.looks++; return w.copy() }
func (w *world) Glance(context.Context) plan.View { w.glances++; return w.copy() }

func (w *world) Again(context.Context, plan.View, plan.QueueID) plan.View {
	if w.between != nil {
		w.between(&w.view)
	}
	return w.copy()
}

func (w *world) copy() plan.View {
	v := w.view
	v.Nodes = append([]plan.Node(nil), v.Nodes...)
	return v
}

func (w *world) Do(_ context.Context, action plan.Action, _ plan.View) error {
	w.done = append(w.done, action.Verb)
	if w.fail[action.Verb] > 0 {
		w.fail[action.Verb]--
		return errors.New("cut off")
	}
	n := w.node(action.Node)
	switch action.Verb {
	case plan.DrainNode:
		n.State = plan.Maintenance
	case plan.ReviveNode:
		n.State = plan.Serving
	case plan.StopNode:
		n.State = plan.Down
	}
	return nil
}

func (w *world) Transfer(_ context.Context, actions []plan.Action) error {
	for range actions {
		w.done = append(w.done, plan.TransferLeadership)
	}
	return nil
}

func (w *world) loop(d plan.Desired) *loop.Loop {
	for _, n := range []plan.NodeName{r1, r2, r3} {
		d.Nodes = append(d.Nodes, plan.DesiredNode{Name: n, Type: "disc", Seed: true})
	}
	return &loop.Loop{Observer: w, Actor: w, Desired: func() plan.Desired {
		return d
	}, Log: slog.New(slog.DiscardHandler)}
}

func TestActionsAreDoneInOrderUntilTheLast(t *testing.T) {
	w := serving()
	_, err := w.loop(plan.Desired{Scope: plan.ScopeStop, Self: r1}).Run(t.Context(), plan.StopNode)
	require.NoError(t, err)
	assert.Equal(t, []plan.Verb{plan.DrainNode, plan.StopNode}, w.done)
}

func TestAnActionThatFailsIsPlannedAgain(t *testing.T) {
	w := serving()
	w.fail[plan.DrainNode] = 1
	_, err := w.loop(plan.Desired{Scope: plan.ScopeStop, Self: r1}).Run(t.Context(), plan.StopNode)
	require.NoError(t, err)
	assert.Equal(t, []plan.Verb{plan.DrainNode, plan.DrainNode, plan.StopNode}, w.done)
}

func TestWhatIsNotRightAnyMoreIsNotDone(t *testing.T) {
	w := serving()
	ctx, cancel := context.WithCancel(t.Context())
	w.between = func(v *plan.View) {
		v.Nodes[1].State = plan.Down // another node goes between the plan and the act
		cancel()
	}
	_, err := w.loop(plan.Desired{Scope: plan.ScopeStop, Self: r1}).Run(ctx, plan.StopNode)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, w.done)
}

func TestWaitingForNodesTakesAGlanceOnly(t *testing.T) {
	w := serving()
	w.node(r1).State = plan.Starting
	ctx, cancel := context.WithCancel(t.Context())
	l := w.loop(plan.Desired{Scope: plan.ScopeMembership, Self: r1})
	told := 0
	l.Decided = func(d plan.Decision) {
		assert.NotEmpty(t, d.Waiting)
		if told++; told == 2 {
			cancel()
		}
	}
	_, err := l.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, w.looks)
	assert.Positive(t, w.glances)
}

func TestARefusalEndsTheLoop(t *testing.T) {
	w := serving()
	w.view.Nodes = append(w.view.Nodes,
		plan.Node{Name: "rabbit@rabbit4", State: plan.Serving, Member: plan.Known(true)})
	w.view.Queues = []plan.Queue{{
		QueueID: plan.QueueID{VHost: "/", Name: "orders"}, Type: plan.Classic, Durable: true,
		Group: plan.Group{Replicas: []plan.Replica{{Node: "rabbit@rabbit4", Online: plan.Known(true),
			Voter: plan.Known(true)}}},
	}}
	decision, err := w.loop(plan.Desired{Scope: plan.ScopeFormation}).Run(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, decision.Refusals)
	assert.Equal(t, plan.DurableQueues, decision.Refusals[0].Kind)
	assert.Empty(t, w.done)
}

func TestDone(t *testing.T) {
	w := serving()
	decision, err := w.loop(plan.Desired{Scope: plan.ScopeMembership, Self: r1}).Run(t.Context())
	require.NoError(t, err)
	assert.True(t, decision.Done())
}
