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

	PartitionHandling PartitionHandling
	FailureDetection  FailureDetection
	// MemoryLimit is in bytes; 0 for none.
	MemoryLimit         int64
	MemoryHighWatermark float64
	// DiskFreeLimit is in bytes.
	DiskFreeLimit    int64
	HeartbeatSeconds int
	ConnectionMax    int
	LogLevel         LogLevel
	Logs             Logs
	Plugins          []string
	// ExtraConf are the operator's own lines of rabbitmq.conf.
	ExtraConf string
	// AdvancedConfig are the operator's own settings of advanced.config, as Erlang terms separated by commas, by
	// the name of the application that they are for.
	AdvancedConfig map[string]string
	Username       string

	// Hosts are the hosts that the stack is spread over; none if it runs on one engine.
	Hosts []Host
	// LoadBalancerHosts are the names of the hosts with a load balancer: one empty name without hosts.
	LoadBalancerHosts []string
	// VirtualAddress is an address that one of the hosts with a load balancer has at any time; empty if there is
	// none.
	VirtualAddress string

	// TLS says whether clients' connections are encrypted.
	TLS TLS
	// TLSPortOffset is how much higher the port on the host with TLS is than the one in plain text.
	TLSPortOffset int
	// TLSNames are further names and addresses by which clients reach the stack.
	TLSNames []string
	// TLSRenew is any text. Another one renews all certificates.
	TLSRenew string
	// TLSClientAuthority is the certificate of the authority, in PEM, whose certificates clients may show
	// instead of a password; empty if they can't.
	TLSClientAuthority string
	// TLSInterNode says that nodes talk to each other over TLS, and recognise each other by certificates. All
	// nodes of a cluster do, or none does.
	TLSInterNode bool

	// Application are the files with the application's topology, relative to the project's folder.
	Application []string

	// Monitoring is nil if the stack has no Prometheus of its own.
	Monitoring *Monitoring
	// RemotePrometheus is the URL of a Prometheus elsewhere that watches the stack; empty if none does.
	RemotePrometheus string
	// WatchedQueues are regular expressions of names of queues that are watched each by itself.
	WatchedQueues []string
}

// Node is one node of a cluster.
type Node struct {
	// Name is the host name inside the stack's network, such as "rabbit1".
	Name string
	Type NodeType
	// AMQPPort and ManagementPort are published on the host.
	AMQPPort       int
	ManagementPort int
	// Host is the name of the host that the node is on; empty if the stack runs on one engine.
	Host string
}

// LoadBalancer is the HAProxy of a cluster; its ports are published on the host. If there are several, they
// are alike.
type LoadBalancer struct {
	Image          string
	AMQPPort       int
	ManagementPort int
	StatsPort      int
}

// NodeName is the node's Erlang name, such as "rabbit@rabbit1".
func (n Node) NodeName() string { return NodeName(n.Name) }

// NodesOfType are the names of the nodes of a type.
func (c *Cluster) NodesOfType(t NodeType) []string {
	var names []string
	for _, n := range c.Nodes {
		if n.Type == t {
			names = append(names, n.Name)
		}
	}
	return names
}

// Quorum is the smallest number of nodes that is a majority of the cluster.
func (c *Cluster) Quorum() int { return len(c.Nodes)/2 + 1 }

// SeedCount is how many nodes are seeds.
const SeedCount = 3

// Seeds are the first nodes of the cluster. A new node asks them which cluster to join. No file names the
// other nodes, so that adding or removing one changes no file of those that stay.
func (c *Cluster) Seeds() []Node { return c.Nodes[:min(SeedCount, len(c.Nodes))] }
