package state

import "warren/topology"

// View is a cluster as it was seen at one moment, together with the stack's nodes that are not members of it.
//
// If the stack's nodes are in more than one cluster, the view is of the one that [Home] names.
type View struct {
	// ClusterID is the permanent ID of the cluster; empty if no node runs as a member of one.
	ClusterID string `json:"clusterId"`
	// Nodes are the members of the cluster and all other nodes of the stack, each once, in the stack's order
	// first.
	Nodes []Node `json:"nodes"`
	// Metadata is the store of queues, users and policies.
	Metadata Metadata `json:"metadata"`
	// Queues are all queues and streams of all virtual hosts; see QueuesKnown.
	Queues []Queue `json:"queues"`
	// QueuesKnown is false if not all virtual hosts could be listed. Queues is then of no use to prove that
	// nothing is lost.
	QueuesKnown bool `json:"queuesKnown"`
	// Flags are the cluster's feature flags.
	Flags []FeatureFlag `json:"flags"`
	// Users are the cluster's users; none if they could not be listed.
	Users []User `json:"users"`
	// Lost are the replicas that nodes have lost and must get back, as the cluster itself remembers them.
	Lost []LostReplicas `json:"lost"`
	// LostKnown is false if what the cluster remembers could not be read.
	LostKnown bool `json:"lostKnown"`
}

// Node is what is seen of a node. If it is not in the view, it is only its name, and seen is false.
func (v *View) Node(name NodeName) (node Node, seen bool) {
	for i := range v.Nodes {
		if v.Nodes[i].Name == name {
			return v.Nodes[i], true
		}
	}
	return Node{Name: name}, false
}

// NodeName is the Erlang name of a node, such as "rabbit@rabbit1".
type NodeName string

// NodeState is what a node does.
type NodeState string

// The states of a node.
const (
	// StateUnknown is the state of a node about which nothing certain could be learned.
	StateUnknown NodeState = ""
	// Serving: RabbitMQ runs on the node, accepts clients, and the node itself says so.
	Serving NodeState = "serving"
	// Maintenance: RabbitMQ runs on the node, and the node is being drained or is drained, so that it accepts no
	// clients.
	Maintenance NodeState = "maintenance"
	// Starting: the Erlang VM runs and RabbitMQ boots in it.
	Starting NodeState = "starting"
	// AppStopped: the Erlang VM runs and RabbitMQ does not, as after `rabbitmqctl stop_app`.
	AppStopped NodeState = "app-stopped"
	// Down: the node does not answer, and no running member counts it among the running ones.
	Down NodeState = "down"
)

// Node is one node of the stack or of the cluster.
type Node struct {
	Name  NodeName  `json:"name"`
	State NodeState `json:"state"`
	// Member tells whether the cluster of the view counts the node among its members, running or not.
	Member Maybe[bool] `json:"member"`
	// ClusterID is the ID of the cluster that the node is in, or, of a node that does not run, was in last, as
	// its data say. Known and empty: it is in none, as an empty node.
	ClusterID Maybe[string] `json:"clusterId"`
	// Alone tells whether the node, by its own word, is the only member of the cluster it is in.
	Alone Maybe[bool] `json:"alone"`
	// OwnQueues is how many queues the cluster has that a running node is in, by its own word. It is needed of a
	// node that is alone.
	OwnQueues Maybe[int] `json:"ownQueues"`
	// Type is the node's type as the cluster has it.
	Type Maybe[topology.NodeType] `json:"type"`
	// Version is the RabbitMQ version that the node runs, or that wrote its data last, such as "4.3.6".
	Version Maybe[string] `json:"version"`
	// Data tells whether the node's volume holds the data of a node. A volume that does not exist holds none.
	Data Maybe[bool] `json:"data"`
	// Stopping tells that the node was told to stop: its own agent drains it. Nobody else is to revive it.
	Stopping bool `json:"stopping"`
	// Alarms are the resource alarms that are in effect on the node: "memory", "disk".
	Alarms []string `json:"alarms,omitempty"`

	// What follows is known to a deployment only.

	// Container tells whether the node has a container, running or not.
	Container Maybe[bool] `json:"container"`
	// Deployed tells whether the node was part of the stack after its last deployment that succeeded.
	Deployed Maybe[bool] `json:"deployed"`
	// HadData tells whether the stack had data when the node's container was created. A node without data whose
	// container was created when there were none has not come up yet.
	HadData Maybe[bool] `json:"hadData"`
	// Cookie is the fingerprint of the Erlang cookie that the node's container has.
	Cookie Maybe[string] `json:"cookie"`
	// Distribution is how the node in the container talks to other nodes: a value of
	// topology.LabelDistribution.
	Distribution Maybe[string] `json:"distribution"`
	// Owner identifies the deployment state that created the node's volume. Known and empty: created before
	// owners were recorded.
	Owner Maybe[string] `json:"owner"`
}

// Running tells whether RabbitMQ runs on the node, in service or not.
func (n Node) Running() bool { return n.State == Serving || n.State == Maintenance }

// Metadata is where a cluster keeps what it knows of itself.
type Metadata struct {
	// Store is "khepri" or "mnesia"; empty if unknown.
	Store Store `json:"store"`
	// Group is Khepri's Raft group. With Mnesia it has no replicas.
	Group Group `json:"group"`
}

// Store is a metadata store.
type Store string

// The metadata stores. Mnesia is gone since 4.3.
const (
	Khepri Store = "khepri"
	Mnesia Store = "mnesia"
)

// Group is a Raft group, or what is like one: the replicas of a quorum queue, of a stream or of Khepri.
type Group struct {
	// Leader is the node with the leader; empty if there is none or nobody knows.
	Leader   NodeName  `json:"leader"`
	Replicas []Replica `json:"replicas"`
}

// Replica is one member of a group.
type Replica struct {
	Node NodeName `json:"node"`
	// Online tells whether the replica's process runs and takes part in the group.
	Online Maybe[bool] `json:"online"`
	// Voter is false of a replica that was added and has not been promoted yet: it does not count for any
	// majority. All replicas of a stream are voters.
	Voter Maybe[bool] `json:"voter"`
	// CaughtUp tells whether the replica has everything that was committed when it was looked at, but for what
	// is on its way.
	CaughtUp Maybe[bool] `json:"caughtUp"`
	// Lost tells that the replica is not there although its node serves and has finished to recover its queues:
	// its data are gone. Slow is not lost, and neither is what could not be asked.
	Lost bool `json:"lost"`
}

// Available tells whether the replica certainly counts: a majority may be made with it.
func (r Replica) Available() bool {
	return r.Online.Is(true) && r.Voter.Is(true) && r.CaughtUp.Is(true)
}

// QueueType is a type of queue.
type QueueType string

// The queue types. Of other ones nothing is known, so that they are treated as classic.
const (
	Classic QueueType = topology.ClassicQueue
	Quorum  QueueType = topology.QuorumQueue
	Stream  QueueType = topology.StreamQueue
)

// QueueID names a queue.
type QueueID struct {
	VHost string `json:"vhost"`
	Name  string `json:"name"`
}

// Queue is a queue or stream.
type Queue struct {
	QueueID
	Type       QueueType `json:"type"`
	Durable    bool      `json:"durable"`
	Exclusive  bool      `json:"exclusive"`
	AutoDelete bool      `json:"autoDelete"`
	// Messages and Consumers are unknown of a queue that does not run.
	Messages  Maybe[int] `json:"messages"`
	Consumers Maybe[int] `json:"consumers"`
	// Wanted is the number of replicas that a policy or argument asks for; 0 if none does.
	Wanted int `json:"wanted"`
	// Group are the replicas. A classic queue has one, and the mirrors that 3.x may give it, of which CaughtUp
	// says whether they are synchronised.
	Group
}

// FeatureFlag is a feature flag.
type FeatureFlag struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Stable is false of experimental flags, which are left alone.
	Stable bool `json:"stable"`
}

// User is a user of the cluster.
type User struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// LostReplicas are the queues of which a node had a replica before its data were lost.
type LostReplicas struct {
	Node   NodeName  `json:"node"`
	Queues []QueueID `json:"queues"`
}
