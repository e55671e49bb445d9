package topology

import (
	"fmt"
	"strings"
)

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
	Plugins          []string
	// ExtraConf are the operator's own lines of rabbitmq.conf.
	ExtraConf string
	Username  string

	// Hosts are the hosts that the stack is spread over; none if it runs on one engine.
	Hosts []HostConfig
	// LoadBalancerHosts are the names of the hosts with a load balancer: one empty name without hosts.
	LoadBalancerHosts []string

	// Application are the files with the application's topology, relative to the project's folder.
	Application []string
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
func (n Node) NodeName() string { return "rabbit@" + n.Name }

// Warnings lists what is allowed in this cluster but probably not intended.
func (c *Cluster) Warnings() []string {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if n := len(c.Nodes); n%2 == 0 {
		warn("warren:nodes gives %d nodes: as many failures as %d nodes survive, %d, and half of the nodes "+
			"cut off from the other half stop both; use an odd number", n, n-1, (n-1)/2)
	}
	if c.Series.Compare(NewestSeries) > 0 {
		warn("RabbitMQ %s is newer than %s, the newest series Warren was tested with", c.Series, NewestSeries)
	}
	if c.PartitionHandling != "" && !c.Series.HasPartitionHandling() {
		warn("warren:partitionHandling has no effect in RabbitMQ %s, where the metadata store is Raft's; "+
			"leave it out", c.Series)
	}
	if ram := c.nodesOfType(RAM); len(ram) > 0 {
		warn("%s is a RAM node: RabbitMQ deprecates these, and they are gone in 4.2 and later",
			strings.Join(ram, ", "))
	}
	if w := c.MemoryHighWatermark; w > maxSafeWatermark {
		warn("warren:memoryHighWatermark is %v: above %v a node may be killed for its memory before it "+
			"blocks publishers", w, maxSafeWatermark)
	}
	if c.HeartbeatSeconds < lowestSafeHeartbeat {
		warn("warren:heartbeatSeconds is %d: values below %d close healthy connections",
			c.HeartbeatSeconds, lowestSafeHeartbeat)
	}
	return append(warnings, c.hostWarnings()...)
}

func (c *Cluster) nodesOfType(t NodeType) []string {
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
