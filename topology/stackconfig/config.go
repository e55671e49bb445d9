package stackconfig

import (
	"bytes"
	"encoding/json"

	"warren/topology"
)

// Config is what an operator may say about a stack's cluster, as written under the namespace "warren" in
// Pulumi.<stack>.yaml. The zero value of every field means "the default". The defaults together give three
// nodes of the current series on the standard ports. New turns a Config into a Cluster and reports every
// mistake in it at once.
type Config struct {
	// Nodes is either a count (3 gives rabbit1, rabbit2, rabbit3) or a list.
	Nodes NodesConfig `json:"nodes"`
	// Image is the RabbitMQ image. Its tag names the series ("rabbitmq:4.3-management"), unless Series does.
	Image string `json:"image"`
	// Series is the RabbitMQ series, such as "4.3", for images whose tag does not name it.
	Series string `json:"series"`
	// HAProxyImage is the load balancer's image.
	HAProxyImage string `json:"haproxyImage"`
	// Ports are the base ports on the host.
	Ports PortsConfig `json:"ports"`
	// BindAddress is the host address all ports are published on. Default 127.0.0.1.
	BindAddress string `json:"bindAddress"`
	// NodeTypes gives the type ("disc" or "ram") of nodes by name; a node not named is a disc node.
	NodeTypes map[string]topology.NodeType `json:"nodeTypes"`
	// PartitionHandling is what nodes do after a network partition. It has an effect in series before 4.3
	// only.
	PartitionHandling topology.PartitionHandling `json:"partitionHandling"`
	// FailureDetection is DetectFast (default), DetectRelaxed (for slow networks) or DetectStock (the
	// defaults of RabbitMQ and HAProxy).
	FailureDetection topology.FailureDetection `json:"failureDetection"`
	// MemoryLimit is the memory limit of each node's container, such as "4GiB"; "none" leaves a node all
	// memory of its machine. Default "1GiB".
	MemoryLimit string `json:"memoryLimit"`
	// MemoryHighWatermark is the share of its memory at which a node blocks publishers. Default 0.6.
	MemoryHighWatermark float64 `json:"memoryHighWatermark"`
	// DiskFreeLimit is the free disk space below which publishers are blocked, such as "1.5GB". Default 1.5
	// times MemoryLimit, and at least "2GB".
	DiskFreeLimit string `json:"diskFreeLimit"`
	// HeartbeatSeconds is the AMQP heartbeat the server proposes. Default 60.
	HeartbeatSeconds int `json:"heartbeatSeconds"`
	// ConnectionMax is the most AMQP connections a node accepts. Default 4096.
	ConnectionMax int `json:"connectionMax"`
	// LogLevel is the level of the log on the console and in the file. Default LogInfo.
	LogLevel topology.LogLevel `json:"logLevel"`
	// LogFormat is that of nodes and agents on the console: topology.LogText (default) or LogJSON.
	LogFormat topology.LogFormat `json:"logFormat"`
	// LogDriver is the engine's log driver for all containers. Default topology.DefaultLogDriver.
	LogDriver string `json:"logDriver"`
	// LogOptions are the driver's. The default bounds the logs of the default driver; for another one there is
	// none.
	LogOptions map[string]string `json:"logOptions"`
	// Plugins are enabled in addition to rabbitmq_management and rabbitmq_prometheus.
	Plugins []string `json:"plugins"`
	// RabbitMQConf are lines that are appended to the generated rabbitmq.conf. Keys that Warren depends on
	// are refused.
	RabbitMQConf string `json:"rabbitmqConf"`
	// AdvancedConfig are settings for advanced.config that rabbitmq.conf has no key for: Erlang terms separated
	// by commas, by the name of the application that they are for. Keys that Warren depends on are refused.
	AdvancedConfig map[string]string `json:"advancedConfig"`
	// Username is the administrator's. Default "admin".
	Username string `json:"username"`
	// Hosts are the hosts that the stack is spread over. Without any, it runs on one engine.
	Hosts []topology.Host `json:"hosts"`
	// LoadBalancers is how many of the hosts have a load balancer. Default 2, and 1 without hosts.
	LoadBalancers int `json:"loadBalancers"`
	// VirtualAddress is an IP address on the hosts' network that one of the hosts with a load balancer has at
	// any time, for clients that know one address only. It needs two load balancers. Default none.
	VirtualAddress string `json:"virtualAddress"`
	// TLS says whether clients' connections are encrypted: topology.TLSOff (default), TLSOptional or
	// TLSRequired.
	TLS topology.TLS `json:"tls"`
	// TLSNames are the host names and IP addresses by which clients reach the stack, in addition to those that
	// certificates have anyway.
	TLSNames []string `json:"tlsNames"`
	// TLSRenew is any text. Another one renews all certificates.
	TLSRenew string `json:"tlsRenew"`
	// TLSClientAuthority is the certificate of an authority, or of several, in PEM. Clients may then show a
	// certificate of theirs instead of a password; its common name is the name of the user.
	TLSClientAuthority string `json:"tlsClientCaCertificate"`
	// TLSInterNode lets nodes talk to each other over TLS. Nodes on several hosts always do if TLS is not off.
	TLSInterNode bool `json:"tlsInterNode"`
	// Application are the files with the application's topology, relative to the project's folder. Default
	// DefaultApplicationFile.
	Application FilesConfig `json:"application"`
	// Monitoring gives the stack a Prometheus and an Alertmanager. Default off.
	Monitoring MonitoringConfig `json:"monitoring"`
}

// FilesConfig is one file or a list of files. The zero value means the default; a [] that was unmarshalled
// does not.
type FilesConfig []string

// UnmarshalJSON reads text or a list.
func (f *FilesConfig) UnmarshalJSON(data []byte) error {
	var list []string
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		*f = append(FilesConfig{}, list...)
		return nil
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*f = FilesConfig{one}
	return nil
}

// NodesConfig is the nodes of a cluster: a count, or a list of nodes. It unmarshals from either. The zero
// value means the default; a 0 or [] that was unmarshalled does not.
type NodesConfig struct {
	Count int
	List  []NodeConfig

	explicit bool
}

// UnmarshalJSON reads a number or a list.
func (n *NodesConfig) UnmarshalJSON(data []byte) error {
	*n = NodesConfig{explicit: true}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return json.Unmarshal(data, &n.List)
	}
	return json.Unmarshal(data, &n.Count)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (n NodesConfig) MarshalJSON() ([]byte, error) {
	if len(n.List) > 0 {
		return json.Marshal(n.List)
	}
	return json.Marshal(n.Count)
}

// NodeConfig describes one node of a list. A port that is 0 follows from the base ports and the node's place.
type NodeConfig struct {
	Name           string            `json:"name"`
	Type           topology.NodeType `json:"type,omitempty"`
	AMQPPort       int               `json:"amqpPort,omitempty"`
	ManagementPort int               `json:"managementPort,omitempty"`
	// Host is the name of the host that the node must be on. Without it, nodes are spread over zones, then
	// hosts.
	Host string `json:"host,omitempty"`
}

// PortsConfig are ports on the host. Node i (from 0) gets AMQP+i and Management+i.
type PortsConfig struct {
	AMQP                   int `json:"amqp,omitempty"`                   // default 5672
	Management             int `json:"management,omitempty"`             // default 15672
	LoadBalancerAMQP       int `json:"loadBalancerAmqp,omitempty"`       // default 5671
	LoadBalancerManagement int `json:"loadBalancerManagement,omitempty"` // default 15671
	Stats                  int `json:"stats,omitempty"`                  // default 8404
	Prometheus             int `json:"prometheus,omitempty"`             // default 9090
	Alertmanager           int `json:"alertmanager,omitempty"`           // default 9093
	Grafana                int `json:"grafana,omitempty"`                // default 3000
	// TLSOffset is how much higher the port with TLS is than the one in plain text; default 100.
	TLSOffset int `json:"tlsOffset,omitempty"`
}
