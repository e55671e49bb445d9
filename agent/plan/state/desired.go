package state

import (
	"slices"

	"warren/topology"
)

// Scope is what is decided about.
type Scope string

// The scopes. Each has a loop that looks, plans and acts.
const (
	// ScopeStart: the node Self has a container and RabbitMQ is about to be started in it. Done with [StartNode]
	// or [FoundCluster].
	ScopeStart Scope = "start"
	// ScopeStop: the node Self was told to stop. Done with [StopNode].
	ScopeStop Scope = "stop"
	// ScopeMembership: the node Self is to be a member in good order.
	ScopeMembership Scope = "membership"
	// ScopeFormation: the cluster is to consist of the stack's nodes, and its queues are to have their replicas.
	ScopeFormation Scope = "formation"
	// ScopeDeployment: the stack's containers and volumes are about to be changed. Its actions are the order of
	// a roll, and they are what `preview` shows.
	ScopeDeployment Scope = "deployment"
)

// Desired is what the operator wishes.
type Desired struct {
	Scope Scope `json:"scope"`
	// Self is the node that a start, a stop or a membership is about.
	Self NodeName `json:"self,omitempty"`
	// Nodes are the stack's nodes, in its order.
	Nodes []DesiredNode `json:"nodes"`
	// Destroy says that the operator destroys this stack, explicitly and with everything in it.
	Destroy bool `json:"destroy,omitempty"`
	// HadData says, of a start, that the stack had data when the node's container was created, so that the node
	// never founds a cluster. See [Action.MayFound].
	HadData bool `json:"hadData,omitempty"`
	// Established says, of a membership, that it was done before and only watches now: what the node has lost is
	// restored, and what an operator does to it by hand is left alone until the next deployment. If such a
	// membership waits for [IsMember], it is lost.
	Established bool `json:"established,omitempty"`
	// Users are, for a formation, the users that the stack's configuration names. Others that Warren created go.
	// If it is empty, no user goes.
	Users []string `json:"users,omitempty"`
	// OutOfTime says, of a stop, that there is no time left to wait: the engine kills what has not stopped.
	OutOfTime bool `json:"outOfTime,omitempty"`

	// What follows is for a deployment, and Series for a start as well.

	// Stack is the stack's name, which is in the names of its containers.
	Stack string `json:"stack,omitempty"`
	// Series is the RabbitMQ series of the stack's image.
	Series topology.Series `json:"series"`
	// Distribution is how the nodes are to talk to each other: a value of topology.LabelDistribution.
	Distribution string `json:"distribution,omitempty"`
	// Cookie is the fingerprint of the Erlang cookie that the nodes are to have.
	Cookie string `json:"cookie,omitempty"`
	// Owner identifies the deployment state that the stack is deployed from. Empty: not known yet, so that
	// nothing is refused for it.
	Owner string `json:"owner,omitempty"`
	// Away are the nodes on hosts whose engines do not answer.
	Away []NodeName `json:"away,omitempty"`
	// Changes are the nodes whose containers would be replaced, as far as that is known. It is needed while
	// nodes are away.
	Changes []NodeName `json:"changes,omitempty"`
	// Moves are the nodes that go to another host. Their data stay behind and are deleted.
	Moves []NodeName `json:"moves,omitempty"`
}

// DesiredNode is one of the stack's nodes.
type DesiredNode struct {
	Name NodeName          `json:"name"`
	Type topology.NodeType `json:"type"`
	// Seed: the node may found the cluster, together with the other seeds.
	Seed bool `json:"seed"`
}

// Has tells whether a node is one of the stack's.
func (d Desired) Has(node NodeName) bool {
	return slices.ContainsFunc(d.Nodes, func(n DesiredNode) bool { return n.Name == node })
}
