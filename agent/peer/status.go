// Package peer is how the agents of a stack tell one another, and the machine's engine, how they stand.
// Each answers on topology.AgentPort, and the formation on topology.FormationPort, in constant time, and with
// nothing that is secret.
package peer

import "time"

// Phase is how far an agent is with its task.
type Phase string

// The phases of the agent that runs a node, and of those that look after a membership and after the
// formation.
const (
	// Preparing: the agent settles what has to be settled before RabbitMQ starts.
	Preparing Phase = "preparing"
	// Running: the agent has started RabbitMQ.
	Running Phase = "running"
	// Stopping: the node was told to stop.
	Stopping Phase = "stopping"

	// Working: what the agent is to bring about is not there yet.
	Working Phase = "working"
	// Done: it is there, and the agent watches it.
	Done Phase = "done"
	// Lost: it was there, and is no more.
	Lost Phase = "lost"
	// Refused: it can't be done without breaking a rule. The result says why.
	Refused Phase = "refused"
)

// Status is what an agent says.
type Status struct {
	Phase Phase `json:"phase"`
	// Since is when the phase began.
	Since time.Time `json:"since"`
	// Reason says what is waited for, or why something is lost.
	Reason string `json:"reason,omitempty"`
	// Node is there in the answer of a node's agent.
	Node *Node `json:"node,omitempty"`
}

// Node is what the agent of a node knows of it.
type Node struct {
	Name string `json:"name"`
	// Data tells whether the node's volume holds the data of a node.
	Data bool `json:"data"`
	// ClusterID and Version are the cluster that the data are of, and the RabbitMQ version that wrote them
	// last; empty if there are none.
	ClusterID string `json:"clusterId,omitempty"`
	Version   string `json:"version,omitempty"`
	// Serving tells whether the node accepts AMQP clients.
	Serving bool `json:"serving"`
	// Booting tells that RabbitMQ was started and has not come up since.
	Booting bool `json:"booting,omitempty"`
}
