package act_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/act"
	"warren/agent/plan"
	"warren/agent/rabbit"
)

const r1, r2 = "rabbit@rabbit1", "rabbit@rabbit2"

// calls notes every call.
type calls struct{ made []string }

func (c *calls) note(format string, args ...any) error {
	c.made = append(c.made, fmt.Sprintf(format, args...))
	return nil
}

func (c *calls) Run(_ context.Context, command rabbit.Command) (string, error) {
	return "", c.note("%s -n %s %s", command.Tool, command.Node, strings.Join(command.Args, " "))
}

func (c *calls) AddReplica(_ context.Context, node string, q rabbit.QueueName, member string) error {
	return c.note("POST %s add %s %s", node, q.Name, member)
}

func (c *calls) RemoveReplica(_ context.Context, node string, q rabbit.QueueName, member string) error {
	return c.note("DELETE %s %s %s", node, q.Name, member)
}

func (c *calls) SetLostReplicas(_ context.Context, node, member string, queues []rabbit.QueueName) error {
	return c.note("PUT %s lost %s %d", node, member, len(queues))
}

func (c *calls) DeleteUser(_ context.Context, node, name string) error {
	return c.note("DELETE %s user %s", node, name)
}

func (c *calls) EnableFeatureFlag(_ context.Context, node, name string) error {
	return c.note("PUT %s flag %s", node, name)
}

func (c *calls) TransferLeadership(_ context.Context, node string, transfers []rabbit.Transfer) error {
	return c.note("transfer %s %d", node, len(transfers))
}

func (c *calls) Start(context.Context) error        { return c.note("start") }
func (c *calls) Stop(context.Context) error         { return c.note("stop") }
func (c *calls) SetDataAside(context.Context) error { return c.note("aside") }

// viewOf is a cluster of two nodes that serve, of a version.
func viewOf(version string) plan.View {
	v := plan.View{ClusterID: "id", Flags: []plan.FeatureFlag{
		{Name: "new", Stable: true}, {Name: "old", Stable: true, Enabled: true}, {Name: "daring"},
	}}
	for _, n := range []plan.NodeName{r1, r2} {
		v.Nodes = append(v.Nodes, plan.Node{
			Name: n, State: plan.Serving, Member: plan.Known(true), ClusterID: plan.Known("id"),
			Version: plan.Known(version),
		})
	}
	return v
}

func TestEveryActionIsOneCall(t *testing.T) {
	queue := plan.QueueID{VHost: "/", Name: "q"}
	quorum := plan.Action{Node: r1, Queue: queue, QueueType: plan.Quorum}
	of := func(verb plan.Verb, a plan.Action) plan.Action { a.Verb = verb; return a }
	stream := quorum
	stream.QueueType = plan.Stream
	for _, test := range []struct {
		action  plan.Action
		version string
		want    string
	}{
		{plan.Action{Verb: plan.StartNode, Node: r1}, "", "start"},
		{plan.Action{Verb: plan.FoundCluster, Node: r1}, "", "start"},
		{plan.Action{Verb: plan.StopNode, Node: r1}, "", "stop"},
		{plan.Action{Verb: plan.SetDataAside, Node: r1}, "", "aside"},
		{plan.Action{Verb: plan.RestartNode, Node: r1}, "", "rabbitmqctl -n rabbit@rabbit1 stop"},
		{plan.Action{Verb: plan.DrainNode, Node: r1}, "", "rabbitmq-upgrade -n rabbit@rabbit1 drain"},
		{plan.Action{Verb: plan.ReviveNode, Node: r1}, "", "rabbitmq-upgrade -n rabbit@rabbit1 revive"},
		{plan.Action{Verb: plan.StartApp, Node: r1}, "", "rabbitmqctl -n rabbit@rabbit1 start_app"},
		{plan.Action{Verb: plan.StopApp, Node: r1}, "", "rabbitmqctl -n rabbit@rabbit1 stop_app"},
		{plan.Action{Verb: plan.ForgetNode, Node: r1}, "",
			"rabbitmqctl -n rabbit@rabbit2 forget_cluster_node rabbit@rabbit1"},
		{plan.Action{Verb: plan.RememberReplicas, Node: r1, Queues: []plan.QueueID{queue}}, "",
			"PUT rabbit@rabbit2 lost rabbit@rabbit1 1"},
		{plan.Action{Verb: plan.DeleteUser, User: "old"}, "", "DELETE rabbit@rabbit1 user old"},
		{plan.Action{Verb: plan.EnableFlags}, "", "PUT rabbit@rabbit1 flag new"},
		{of(plan.TransferLeadership, quorum), "", "transfer rabbit@rabbit1 1"},
		{of(plan.AddReplica, quorum), "4.3.6", "POST rabbit@rabbit2 add q rabbit@rabbit1"},
		{of(plan.RemoveReplica, quorum), "3.13.1", "DELETE rabbit@rabbit2 q rabbit@rabbit1"},
		{of(plan.AddReplica, quorum), "3.12.9",
			"rabbitmq-queues -n rabbit@rabbit2 add_member --vhost / q rabbit@rabbit1"},
		{of(plan.RemoveReplica, quorum), "3.10.8",
			"rabbitmq-queues -n rabbit@rabbit2 delete_member --vhost / q rabbit@rabbit1"},
		{of(plan.AddReplica, stream), "4.3.6", "rabbitmq-streams -n rabbit@rabbit2 add_replica --vhost / q " +
			"rabbit@rabbit1"},
		{of(plan.RemoveReplica, stream), "4.3.6",
			"rabbitmq-streams -n rabbit@rabbit2 delete_replica --vhost / q rabbit@rabbit1"},
	} {
		c := &calls{}
		actor := &act.Actor{RabbitMQ: c, Tools: c, Host: c}
		require.NoError(t, actor.Do(t.Context(), test.action, viewOf(test.version)))
		assert.Equal(t, []string{test.want}, c.made, test.action.String())
	}
}

func TestActionsThatStopAndStartRabbitMQ(t *testing.T) {
	c := &calls{}
	actor := &act.Actor{RabbitMQ: c, Tools: c}
	require.NoError(t, actor.Do(t.Context(), plan.Action{Verb: plan.ResetNode, Node: r1}, viewOf("")))
	require.NoError(t, actor.Do(t.Context(), plan.Action{Verb: plan.ChangeType, Node: r1, Type: "ram"},
		viewOf("")))
	assert.Equal(t, []string{
		"rabbitmqctl -n rabbit@rabbit1 stop_app", "rabbitmqctl -n rabbit@rabbit1 reset",
		"rabbitmqctl -n rabbit@rabbit1 stop_app", "rabbitmqctl -n rabbit@rabbit1 change_cluster_node_type ram",
		"rabbitmqctl -n rabbit@rabbit1 start_app",
	}, c.made)
}

func TestWhatCanNotBeDoneHere(t *testing.T) {
	c := &calls{}
	actor := &act.Actor{RabbitMQ: c, Tools: c}
	err := actor.Do(t.Context(), plan.Action{Verb: plan.StopNode, Node: r1}, viewOf(""))
	require.ErrorContains(t, err, "in the node's own container")
	err = actor.Do(t.Context(), plan.Action{Verb: plan.ForgetNode, Node: r1}, plan.View{})
	require.ErrorContains(t, err, "no member of the cluster runs")
	err = actor.Do(t.Context(), plan.Action{Verb: plan.DeleteNode, Node: r1}, viewOf(""))
	require.ErrorContains(t, err, "not for an agent")
	assert.Empty(t, c.made)
}

func TestManyTransfersGoByFewCalls(t *testing.T) {
	c := &calls{}
	actor := &act.Actor{RabbitMQ: c, Tools: c}
	require.NoError(t, actor.Transfer(t.Context(), make([]plan.Action, 333)))
	assert.Len(t, c.made, 3)
}
