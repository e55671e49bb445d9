package topology

import "strings"

// Host names inside a stack's network that are no node's.
const (
	// LoadBalancerHost is the host name of the load balancer.
	LoadBalancerHost = "haproxy"
	// FormationHost is the host name of the container that makes the cluster consist of the stack's nodes.
	FormationHost = "formation"
	// KeepalivedHost begins the names of what gives hosts the virtual address.
	KeepalivedHost = "keepalived"
	// PrometheusHost, AlertmanagerHost and GrafanaHost are the host names of the containers that watch the
	// stack.
	PrometheusHost   = "prometheus"
	AlertmanagerHost = "alertmanager"
	GrafanaHost      = "grafana"
)

// nodeNamePrefix begins the Erlang name of every node; its host name follows.
const nodeNamePrefix = "rabbit@"

// NodeName is the Erlang name of the node with a host name, such as "rabbit@rabbit1".
func NodeName(host string) string { return nodeNamePrefix + host }

// HostOfNode is the host name of the node with an Erlang name.
func HostOfNode(nodeName string) string { return strings.TrimPrefix(nodeName, nodeNamePrefix) }

// What is appended to the name of a node or of the load balancer to name what belongs to it.
const (
	MembershipSuffix = "-join"
	VolumeSuffix     = "-data"
	// MinoritySuffix names the servers in haproxy.cfg that serve while no node has a majority.
	MinoritySuffix = "-minority"
	ConfigSuffix   = "-config"
	TLSSuffix      = "-tls"
)

// Ports inside the containers; those on the host are in Node and LoadBalancer.
const (
	AMQPPort       = 5672
	ManagementPort = 15672
	PrometheusPort = 15692
	StatsPort      = 8404
	// BalancerMetricsPort is where HAProxy has its metrics, for the stack's own network.
	BalancerMetricsPort = 8405
	// PrometheusWebPort and AlertmanagerWebPort are where Prometheus and Alertmanager answer.
	PrometheusWebPort   = 9090
	AlertmanagerWebPort = 9093
	// GrafanaWebPort is where Grafana answers.
	GrafanaWebPort = 3000
	// The same with TLS.
	AMQPTLSPort       = 5671
	ManagementTLSPort = 15671
	StatsTLSPort      = 8443
	PrometheusTLSPort = 15691
	// BalancerMetricsTLSPort is where HAProxy has its metrics over TLS.
	BalancerMetricsTLSPort = 8406
	// EPMDPort is where Erlang nodes ask for the ports of others.
	EPMDPort = 4369
	// DistributionPort is where a node's Erlang virtual machine listens for other nodes and command-line
	// tools.
	DistributionPort = 25672
	// AgentPort is where the agent in a container says how it stands, within the stack's network.
	AgentPort = 15700
	// FormationPort is where the formation's agent does. It may be on a host with a node, whose agent has
	// the other port.
	FormationPort = 15701
)

// StatsPath is where the load balancer shows its statistics, at its StatsPort.
const StatsPath = "/stats"

// AgentPortOf is the port of the agent in the container with a host name.
func AgentPortOf(host string) int {
	if host == FormationHost {
		return FormationPort
	}
	return AgentPort
}

// Every name carries the stack's, so that any number of stacks live on one engine.

// namePrefix begins the names of everything that Warren makes on an engine.
const namePrefix = "warren-"

// NetworkName is the name of the stack's Docker network.
func (c *Cluster) NetworkName() string { return namePrefix + c.Stack }

// StackOfNetwork is the name of the stack whose Docker network has that name.
func StackOfNetwork(network string) string { return strings.TrimPrefix(network, namePrefix) }

// ContainerName is the name of the container that runs node n.
func (c *Cluster) ContainerName(n Node) string { return c.NetworkName() + "-" + n.Name }

// VolumeName is the name of the volume that holds the data of node n.
func (c *Cluster) VolumeName(n Node) string { return c.ContainerName(n) + VolumeSuffix }

// TLSVolumeName is the name of the volume over which node n gets its certificate.
func (c *Cluster) TLSVolumeName(n Node) string { return c.ContainerName(n) + TLSSuffix }

// MembershipHost is the host name of the container that makes node n a member of its cluster.
func MembershipHost(n Node) string { return n.Name + MembershipSuffix }

// MembershipContainerName is the name of the container that makes node n a member of its cluster.
func (c *Cluster) MembershipContainerName(n Node) string {
	return c.ContainerName(n) + MembershipSuffix
}

// FormationContainerName is the name of the container that makes the cluster consist of the stack's nodes.
func (c *Cluster) FormationContainerName() string { return c.NetworkName() + "-" + FormationHost }

// LoadBalancerConfigContainerName is the name of the container that gives HAProxy its configuration.
func (c *Cluster) LoadBalancerConfigContainerName() string {
	return c.Balancers()[0].ConfigContainerName()
}

// LoadBalancerVolumeName is the name of the volume over which HAProxy gets its configuration.
func (c *Cluster) LoadBalancerVolumeName() string { return c.Balancers()[0].VolumeName() }

// LoadBalancerContainerName is the name of the container that runs HAProxy, the first if there are several.
func (c *Cluster) LoadBalancerContainerName() string { return c.Balancers()[0].ContainerName() }
