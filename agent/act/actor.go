package act

import (
	"context"
	"fmt"
	"slices"
	"time"

	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/topology"
)

const (
	// callTimeout bounds a call that takes RabbitMQ seconds. It is for a machine that is many times slower.
	callTimeout = 2 * time.Minute
	// bootTimeout bounds a call that waits for RabbitMQ to start or stop in a node, which may have much to
	// recover.
	bootTimeout = 10 * time.Minute
)

// RabbitMQ is what the actor calls; [rabbit.Client] and [rabbit.LocalTools] do.
type RabbitMQ interface {
	AddReplica(ctx context.Context, node string, queue rabbit.QueueName, member string) error
	RemoveReplica(ctx context.Context, node string, queue rabbit.QueueName, member string) error
	SetLostReplicas(ctx context.Context, node, member string, queues []rabbit.QueueName) error
	DeleteUser(ctx context.Context, node, name string) error
	EnableFeatureFlag(ctx context.Context, node, name string) error
	TransferLeadership(ctx context.Context, node string, transfers []rabbit.Transfer) error
}

// Host is the node's own container, in which alone some actions can be done.
type Host interface {
	// Start starts RabbitMQ.
	Start(ctx context.Context) error
	// Stop stops RabbitMQ and its Erlang virtual machine.
	Stop(ctx context.Context) error
	// SetDataAside moves the node's data to another place on its volume.
	SetDataAside(ctx context.Context) error
}

// Actor carries out actions.
type Actor struct {
	RabbitMQ RabbitMQ
	Tools    rabbit.Tools
	// Host is nil outside a node's container.
	Host Host
}

// Do carries out an action. The view is what the action was found right in.
func (a *Actor) Do(ctx context.Context, action plan.Action, view plan.View) error {
	timeout := callTimeout
	switch action.Verb {
	case plan.StartNode, plan.FoundCluster, plan.StopNode, plan.StartApp, plan.StopApp, plan.ResetNode,
		plan.ChangeType:
		timeout = bootTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := a.do(ctx, action, view); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

func (a *Actor) do(ctx context.Context, action plan.Action, view plan.View) error {
	node := string(action.Node)
	switch action.Verb {
	case plan.StartNode, plan.FoundCluster, plan.StopNode, plan.SetDataAside:
		return a.onHost(ctx, action.Verb)
	case plan.RestartNode:
		return a.run(ctx, rabbit.CTL, node, "stop")
	case plan.DrainNode:
		return a.run(ctx, rabbit.Upgrade, node, "drain")
	case plan.ReviveNode:
		return a.run(ctx, rabbit.Upgrade, node, "revive")
	case plan.StartApp:
		return a.run(ctx, rabbit.CTL, node, "start_app")
	case plan.StopApp:
		return a.run(ctx, rabbit.CTL, node, "stop_app")
	case plan.ResetNode:
		return a.sequence(ctx, node, []string{"stop_app"}, []string{"reset"})
	case plan.ChangeType:
		return a.sequence(ctx, node, []string{"stop_app"},
			[]string{"change_cluster_node_type", string(action.Type)}, []string{"start_app"})
	}
	asked, err := other(view, action.Node)
	if err != nil {
		return err
	}
	switch action.Verb {
	case plan.ForgetNode:
		return a.run(ctx, rabbit.CTL, asked, "forget_cluster_node", node)
	case plan.RememberReplicas:
		return a.RabbitMQ.SetLostReplicas(ctx, asked, node, names(action.Queues))
	case plan.AddReplica, plan.RemoveReplica:
		return a.changeReplica(ctx, action, view, asked)
	case plan.EnableFlags:
		return a.enableFlags(ctx, view, asked)
	case plan.DeleteUser:
		return a.RabbitMQ.DeleteUser(ctx, asked, action.User)
	case plan.TransferLeadership:
		return a.Transfer(ctx, []plan.Action{action})
	default:
		return fmt.Errorf("%s is not for an agent", action.Verb)
	}
}

func (a *Actor) onHost(ctx context.Context, verb plan.Verb) error {
	if a.Host == nil {
		return fmt.Errorf("%s is for the agent in the node's own container", verb)
	}
	switch verb {
	case plan.StopNode:
		return a.Host.Stop(ctx)
	case plan.SetDataAside:
		return a.Host.SetDataAside(ctx)
	default:
		return a.Host.Start(ctx)
	}
}

func (a *Actor) run(ctx context.Context, tool, node string, args ...string) error {
	_, err := a.Tools.Run(ctx, rabbit.Command{Tool: tool, Node: node, Args: args})
	return err
}

// sequence runs commands of rabbitmqctl. Each does nothing when it was done before.
func (a *Actor) sequence(ctx context.Context, node string, commands ...[]string) error {
	for _, args := range commands {
		if err := a.run(ctx, rabbit.CTL, node, args...); err != nil {
			return err
		}
	}
	return nil
}

// other is a member that serves, or at least runs, other than the node that an action is about if there is
// one.
func other(view plan.View, node plan.NodeName) (string, error) {
	best, rank := "", 0
	for _, n := range view.Nodes {
		r := 0
		if n.Member.Is(true) && n.Running() && n.ClusterID.Is(view.ClusterID) {
			r = 1
			if n.Name != node {
				r += 2
			}
			if n.State == plan.Serving {
				r++
			}
		}
		if r > rank {
			best, rank = string(n.Name), r
		}
	}
	if best == "" {
		return "", fmt.Errorf("no member of the cluster runs that could be asked")
	}
	return best, nil
}

// changeReplica adds or removes a replica. Before 3.13 the management API has no endpoint for that, and for
// streams none at all.
func (a *Actor) changeReplica(ctx context.Context, action plan.Action, view plan.View, asked string) error {
	node, add := string(action.Node), action.Verb == plan.AddReplica
	queue := rabbit.QueueName{VHost: action.Queue.VHost, Name: action.Queue.Name}
	switch {
	case action.QueueType == plan.Stream:
		command := "delete_replica"
		if add {
			command = "add_replica"
		}
		return a.run(ctx, rabbit.Streams, asked, command, "--vhost", queue.VHost, queue.Name, node)
	case !hasReplicaEndpoints(view):
		command := "delete_member"
		if add {
			command = "add_member"
		}
		return a.run(ctx, rabbit.Queues, asked, command, "--vhost", queue.VHost, queue.Name, node)
	case add:
		return a.RabbitMQ.AddReplica(ctx, asked, queue, node)
	default:
		return a.RabbitMQ.RemoveReplica(ctx, asked, queue, node)
	}
}

// hasReplicaEndpoints tells whether every running member has the endpoints to change replicas.
func hasReplicaEndpoints(view plan.View) bool {
	for _, n := range view.Nodes {
		if !n.Running() || !n.Member.Is(true) {
			continue
		}
		series, known := plan.SeriesOf(n.Version.Or(""))
		if !known || series.Compare(topology.Series{Major: 3, Minor: 13}) < 0 {
			return false
		}
	}
	return true
}

func (a *Actor) enableFlags(ctx context.Context, view plan.View, asked string) error {
	for _, flag := range view.Flags {
		if !flag.Stable || flag.Enabled {
			continue
		}
		if err := a.RabbitMQ.EnableFeatureFlag(ctx, asked, flag.Name); err != nil {
			return err
		}
	}
	return nil
}

// Transfer carries out several transfers of leadership away from one node at once. One by one, each would
// take the start of an Erlang virtual machine, while the node holds up who stops it.
func (a *Actor) Transfer(ctx context.Context, actions []plan.Action) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for chunk := range slices.Chunk(actions, transfersAtOnce) {
		transfers := make([]rabbit.Transfer, len(chunk))
		for i, action := range chunk {
			transfers[i] = rabbit.Transfer{
				Queue: rabbit.QueueName{VHost: action.Queue.VHost, Name: action.Queue.Name}, To: string(action.Target),
			}
		}
		if err := a.RabbitMQ.TransferLeadership(ctx, string(chunk[0].Node), transfers); err != nil {
			return err
		}
	}
	return nil
}

// transfersAtOnce is how many transfers one call takes: they go in one argument of at most 128 KiB.
const transfersAtOnce = 150

func names(ids []plan.QueueID) []rabbit.QueueName {
	queues := make([]rabbit.QueueName, len(ids))
	for i, id := range ids {
		queues[i] = rabbit.QueueName{VHost: id.VHost, Name: id.Name}
	}
	return queues
}
