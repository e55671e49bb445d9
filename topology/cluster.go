package topology

// Cluster is a validated description of one stack's cluster. Everything that is rendered or provisioned is
// derived from it.
type Cluster struct {
	// Stack is the name of the Pulumi stack.
	Stack  string
	Series Series
	Image  string
	Nodes  []Node

	LoadBalancer LoadBalancer
	BindAddress  string

	PartitionHandling string
	FailureDetection  string
	// MemoryLimit is in bytes; 0 for none.
	MemoryLimit         int64
	MemoryHighWatermark float64
	// DiskFreeLimit is in the notation of rabbitmq.conf.
	DiskFreeLimit    string
	HeartbeatSeconds int
	ConnectionMax    int
	LogLevel         string
	Plugins          []string
	RabbitMQConf     string
	Username         string
}

// Node is one node of a cluster.
type Node struct {
	// Name is the host name inside the stack's network, such as "rabbit1".
	Name string
	Type NodeType
	// AMQPPort and ManagementPort are published on the host.
	AMQPPort       int
	ManagementPort int
}

// LoadBalancer is the HAProxy of a cluster; its ports are published on the host.
type LoadBalancer struct {
	Image          string
	AMQPPort       int
	ManagementPort int
	StatsPort      int
}

// NodeName is the node's Erlang name, such as "rabbit@rabbit1".
func (n Node) NodeName() string { return "rabbit@" + n.Name }
