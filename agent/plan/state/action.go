package state

import (
	"slices"

	"warren/topology"
)

// Verb is what an action does.
type Verb string

// The verbs. Each is one call, or one that can be repeated after it was cut off.
const (
	// StartNode starts RabbitMQ in Node's container: on its data, or as a node that joins the cluster by peer
	// discovery.
	StartNode Verb = "start"
	// FoundCluster starts RabbitMQ in Node's container; the stack is new, so that it may found the cluster.
	FoundCluster Verb = "found"
	// SetDataAside moves the data of Node, which is about to start, to another place on its volume.
	SetDataAside Verb = "set-data-aside"
	// StopNode stops RabbitMQ and the Erlang VM of Node; its container ends.
	StopNode Verb = "stop"
	// RestartNode stops RabbitMQ and the Erlang VM of Node, whose container starts again.
	RestartNode Verb = "restart"

	// TransferLeadership makes the replica of Queue on Target its leader instead of that on Node.
	TransferLeadership Verb = "transfer-leadership"
	// DrainNode puts Node into maintenance mode: it closes its listeners and hands its leaders over.
	DrainNode Verb = "drain"
	// ReviveNode ends the maintenance mode of Node.
	ReviveNode Verb = "revive"

	// StartApp starts RabbitMQ in the Erlang VM of Node, StopApp stops it there.
	StartApp Verb = "start-app"
	StopApp  Verb = "stop-app"
	// ResetNode stops RabbitMQ in the Erlang VM of Node and wipes its data. It takes Node out of the cluster it
	// is in.
	ResetNode Verb = "reset"
	// ChangeType makes Node a node of type Type, for which RabbitMQ is stopped and started in its Erlang VM.
	ChangeType Verb = "change-type"

	// RememberReplicas writes into the cluster that Node has lost the replicas of Queues, instead of what was
	// remembered of Node before. With no queues, nothing is remembered any more.
	RememberReplicas Verb = "remember-replicas"
	// AddReplica adds a replica of Queue on Node.
	AddReplica Verb = "add-replica"
	// RemoveReplica removes the replica of Queue on Node.
	RemoveReplica Verb = "remove-replica"
	// ForgetNode removes Node from the cluster. RabbitMQ does not run on it.
	ForgetNode Verb = "forget"
	// EnableFlags enables all stable feature flags.
	EnableFlags Verb = "enable-flags"
	// DeleteUser deletes User, whom an earlier configuration of the stack named.
	DeleteUser Verb = "delete-user"

	// ChangeNodes creates, replaces or starts the containers of Nodes together, and waits until each is a member
	// in good order. Of a deployment.
	ChangeNodes Verb = "change"
	// AbandonFormation ends the formation of an earlier deployment that has not come to its end: it may still
	// want other nodes than this one, and would make new ones leave. Of a deployment, before anything else.
	AbandonFormation Verb = "abandon-formation"
	// FormCluster runs the formation. Of a deployment.
	FormCluster Verb = "form"
	// DeleteNode deletes the container and the volume of Node. Of a deployment.
	DeleteNode Verb = "delete"
)

// Action is one thing to do. Only the fields that its verb names are set.
type Action struct {
	Verb  Verb       `json:"verb"`
	Node  NodeName   `json:"node,omitempty"`
	Nodes []NodeName `json:"nodes,omitempty"`
	Queue QueueID    `json:"queue,omitzero"`
	// QueueType is the type of Queue: quorum queues and streams have calls of their own.
	QueueType QueueType         `json:"queueType,omitempty"`
	Target    NodeName          `json:"target,omitempty"`
	User      string            `json:"user,omitempty"`
	Queues    []QueueID         `json:"queues,omitempty"`
	Type      topology.NodeType `json:"type,omitempty"`
	// MayFound says, of [ChangeNodes], that no node of the stack is known to have data: the containers that are
	// created may found the cluster. They keep that for their lives; it is no reason to replace a container.
	MayFound bool `json:"mayFound,omitempty"`
	// Needs is the precondition: all of it must hold of a fresh view, see [Action.Unmet].
	Needs []Condition `json:"needs,omitempty"`
	// BestEffort: if it fails, the actions after it are as right as before.
	BestEffort bool `json:"bestEffort,omitempty"`
}

// Of is the part of a [ChangeNodes] action that is about one of its nodes. Each node's part is checked right
// before that node is touched: the ones before it may serve by then.
func (a Action) Of(node NodeName) Action {
	a.Nodes = []NodeName{node}
	a.Needs = slices.DeleteFunc(slices.Clone(a.Needs), func(c Condition) bool { return c.Node != node })
	return a
}

// Condition is a predicate over a view, applied to something. As the reason of a wait it is what is waited
// for.
type Condition struct {
	Predicate Predicate `json:"predicate"`
	Rule      Rule      `json:"rule"`
	Node      NodeName  `json:"node,omitempty"`
	Queue     QueueID   `json:"queue,omitzero"`
}

// Predicate names a property of a view. predicates.go defines each.
type Predicate string
