package health

import (
	"slices"
	"time"

	"warren/operate/cluster"
	"warren/topology"
)

// Status is what state a cluster is in, at one moment, from outside and as each of its nodes sees it.
type Status struct {
	Time time.Time `json:"time"`
	// Nodes are those that the stack should have, in its order.
	Nodes []NodeStatus `json:"nodes"`
	// Queues are the cluster's, exclusive ones left out, sorted by vhost and name. QueuesError says why they
	// are not known.
	Queues      []cluster.Queue `json:"queues"`
	QueuesError string          `json:"queuesError,omitempty"`

	// LoadBalancer is the first load balancer, LoadBalancers are all.
	LoadBalancer  LoadBalancerStatus   `json:"loadBalancer"`
	LoadBalancers []LoadBalancerStatus `json:"loadBalancers,omitempty"`
	// Helpers are the containers that look after the cluster.
	Helpers []HelperStatus `json:"helpers"`
	// Certificates are those that nodes and load balancers present; none without TLS.
	Certificates []CertificateStatus `json:"certificates,omitempty"`
	// OutputsIncomplete tells that the stack's outputs do not name its helpers, as an older version wrote them.
	OutputsIncomplete bool `json:"outputsIncomplete,omitempty"`
	// Series is the RabbitMQ series, and Username the administrator, that the stack's outputs name.
	Series   string `json:"series"`
	Username string `json:"-"`

	// Spread is where connections through the load balancer land, if that was tried.
	Spread *Spread `json:"spread,omitempty"`
}

// NodeStatus is the state of one node.
type NodeStatus struct {
	topology.NodeOutput

	// State is the container's: "running", "paused", "exited", "missing", ...
	State string `json:"state"`
	// Runtime tells whether the Erlang virtual machine accepts connections from other nodes. It does so while
	// the application is stopped, too.
	Runtime bool `json:"runtime"`
	// AMQP tells whether the node listens for AMQP clients.
	AMQP bool `json:"amqp"`
	// Error says why the node's management API gave no answer; the fields below are then not known.
	Error string `json:"error,omitempty"`
	// Refuses tells that it answered, and refuses the credentials of the stack's outputs.
	Refuses bool `json:"refuses,omitempty"`

	Version       string `json:"version,omitempty"`
	ErlangVersion string `json:"erlangVersion,omitempty"`
	// ClusterID is the permanent ID of the cluster that the node is in, empty if it is not known.
	ClusterID string `json:"clusterId,omitempty"`
	// ActualType is the type the node has, where Type is the one it should have.
	ActualType topology.NodeType `json:"actualType,omitempty"`
	// Members are the nodes (Erlang names) that this node counts as members of its cluster, and Running those
	// of them that it sees running, itself included.
	Members []string `json:"members,omitempty"`
	Running []string `json:"running,omitempty"`
	// Partitions are the nodes that this node has recorded a partition from (series before 4.3).
	Partitions []string `json:"partitions,omitempty"`
	// drainedPeers are the nodes that this node sees in maintenance mode.
	drainedPeers []string
	// FeatureFlags are those enabled.
	FeatureFlags []string `json:"-"`
	// CookieDigest is a digest of the Erlang cookie, for comparison within this one status. It is empty if the
	// cookie cannot be read.
	CookieDigest string `json:"-"`

	// Drained tells whether the node is in maintenance mode. It then serves nobody, not even its management
	// API; its peers know.
	Drained     bool `json:"drained"`
	MemoryAlarm bool `json:"memoryAlarm"`
	DiskAlarm   bool `json:"diskAlarm"`
	// Memory and disk are in bytes, the limits those at which alarms are raised.
	MemoryUsed    int64         `json:"memoryUsed"`
	MemoryLimit   int64         `json:"memoryLimit"`
	DiskFree      int64         `json:"diskFree"`
	DiskFreeLimit int64         `json:"diskFreeLimit"`
	Uptime        time.Duration `json:"uptime"`
	// Connections are of AMQP clients. Leaders counts the queues led here, Replicas those with a replica here.
	Connections int `json:"connections"`
	Leaders     int `json:"leaders"`
	Replicas    int `json:"replicas"`
}

// Answers tells whether the node's management API answered.
func (n NodeStatus) Answers() bool { return n.Error == "" }

// Sees tells whether the node sees another one running.
func (n NodeStatus) Sees(other NodeStatus) bool { return slices.Contains(n.Running, other.NodeName) }

// LoadBalancerStatus is the state of a load balancer.
type LoadBalancerStatus struct {
	topology.LoadBalancerOutput
	// State is the container's.
	State string `json:"state"`
	// Error says why the statistics could not be read.
	Error   string           `json:"error,omitempty"`
	Servers []cluster.Server `json:"servers"`
}

// stateRunning is the state of a container that runs.
const stateRunning = "running"
