package stackconfig

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/topology"
)

// The defaults: three nodes of the current series on the standard ports.
const (
	defaultNodeCount        = 3
	defaultBindAddress      = "127.0.0.1"
	defaultHeartbeatSeconds = 60
	defaultUsername         = "admin"
)

var defaultPorts = PortsConfig{
	AMQP:                   5672,
	Management:             15672,
	LoadBalancerAMQP:       5671,
	LoadBalancerManagement: 15671,
	Stats:                  8404,
	Prometheus:             9090,
	Alertmanager:           9093,
	Grafana:                3000,
	TLSOffset:              100,
}

// New makes the cluster that c describes for a stack of that name. The error is a *ValidationError with every
// mistake in c.
func New(stack string, c Config) (*topology.Cluster, error) {
	cluster, problems := build(stack, c)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return cluster, nil
}

// build fills in the defaults and looks for mistakes. The cluster is usable only if there are none.
func build(stack string, c Config) (*topology.Cluster, problemList) {
	ports := c.Ports.withDefaults()
	image := cmp.Or(c.Image, topology.DefaultImage)
	cluster := &topology.Cluster{
		Stack: stack,
		Image: image,
		Nodes: c.nodes(ports),
		LoadBalancer: topology.LoadBalancer{
			Image:          cmp.Or(c.HAProxyImage, topology.DefaultHAProxyImage),
			AMQPPort:       ports.LoadBalancerAMQP,
			ManagementPort: ports.LoadBalancerManagement,
			StatsPort:      ports.Stats,
		},
		BindAddress:         cmp.Or(c.BindAddress, defaultBindAddress),
		PartitionHandling:   c.PartitionHandling,
		FailureDetection:    cmp.Or(c.FailureDetection, topology.DetectFast),
		MemoryHighWatermark: cmp.Or(c.MemoryHighWatermark, defaultMemoryHighWatermark),
		HeartbeatSeconds:    cmp.Or(c.HeartbeatSeconds, defaultHeartbeatSeconds),
		ConnectionMax:       cmp.Or(c.ConnectionMax, topology.DefaultConnectionMax),
		LogLevel:            cmp.Or(c.LogLevel, topology.LogInfo),
		Logs:                newLogs(c),
		Plugins:             slices.Clone(c.Plugins),
		ExtraConf:           strings.TrimSpace(c.RabbitMQConf),
		Username:            cmp.Or(c.Username, defaultUsername),
		VirtualAddress:      c.VirtualAddress,
		TLS:                 cmp.Or(c.TLS, topology.TLSOff),
		TLSPortOffset:       ports.TLSOffset,
		TLSNames:            append([]string(nil), c.TLSNames...), // nil if there is none
		TLSRenew:            c.TLSRenew,
		TLSInterNode:        c.TLSInterNode,
		TLSClientAuthority:  strings.TrimSpace(c.TLSClientAuthority),
		Application:         slices.Clone(c.Application),
	}
	if len(c.AdvancedConfig) > 0 {
		cluster.AdvancedConfig = maps.Clone(c.AdvancedConfig)
	}
	if c.Application == nil {
		cluster.Application = []string{topology.DefaultApplicationFile}
	}
	if len(c.Hosts) > 0 {
		cluster.Hosts = slices.Clone(c.Hosts)
	}
	if cluster.HasHosts() && cluster.HasTLS() {
		cluster.TLSInterNode = true
	}
	place(cluster, cmp.Or(c.LoadBalancers, defaultLoadBalancers))

	var problems problemList
	validateStackName(&problems, stack)
	cluster.Series = validateImages(&problems, image, c.Series, cluster.LoadBalancer.Image)
	if cluster.PartitionHandling == "" && cluster.Series.HasPartitionHandling() {
		cluster.PartitionHandling = topology.PartitionAutoheal
	}
	cluster.Monitoring = newMonitoring(&problems, c.Monitoring, ports)
	cluster.RemotePrometheus, cluster.WatchedQueues = c.Monitoring.Remote, slices.Clone(c.Monitoring.Queues)
	validateNodes(&problems, c, cluster)
	validateHosts(&problems, c, cluster)
	validateVirtualAddress(&problems, cluster)
	validatePorts(&problems, cluster)
	validateTLS(&problems, cluster)
	validatePlugins(&problems, c.Plugins, cluster.Series)
	validateSettings(&problems, cluster)
	validateApplication(&problems, cluster.Application)
	validateConnections(&problems, cluster)
	validateMemory(&problems, cmp.Or(c.MemoryLimit, defaultMemoryLimit), cluster)
	validateDisk(&problems, c.DiskFreeLimit, cluster)
	validateExtraConf(&problems, cluster)
	validateAdvancedConfig(&problems, cluster)
	return cluster, problems
}

func (p PortsConfig) withDefaults() PortsConfig {
	return PortsConfig{
		AMQP:                   cmp.Or(p.AMQP, defaultPorts.AMQP),
		Management:             cmp.Or(p.Management, defaultPorts.Management),
		LoadBalancerAMQP:       cmp.Or(p.LoadBalancerAMQP, defaultPorts.LoadBalancerAMQP),
		LoadBalancerManagement: cmp.Or(p.LoadBalancerManagement, defaultPorts.LoadBalancerManagement),
		Stats:                  cmp.Or(p.Stats, defaultPorts.Stats),
		Prometheus:             cmp.Or(p.Prometheus, defaultPorts.Prometheus),
		Alertmanager:           cmp.Or(p.Alertmanager, defaultPorts.Alertmanager),
		Grafana:                cmp.Or(p.Grafana, defaultPorts.Grafana),
		TLSOffset:              cmp.Or(p.TLSOffset, defaultPorts.TLSOffset),
	}
}

// nodes gives every node its name, type and ports.
func (c Config) nodes(ports PortsConfig) []topology.Node {
	list := c.Nodes.List
	if len(list) == 0 {
		count := c.Nodes.Count
		if count == 0 && !c.Nodes.explicit {
			count = defaultNodeCount
		}
		for i := range min(max(count, 0), maxNodes) {
			list = append(list, NodeConfig{Name: fmt.Sprintf("rabbit%d", i+1)})
		}
	}
	var nodes []topology.Node
	for i, n := range list {
		nodes = append(nodes, topology.Node{
			Name:           n.Name,
			Type:           cmp.Or(n.Type, c.NodeTypes[n.Name], topology.Disc),
			AMQPPort:       cmp.Or(n.AMQPPort, ports.AMQP+i),
			ManagementPort: cmp.Or(n.ManagementPort, ports.Management+i),
			Host:           n.Host,
		})
		if len(c.Hosts) > 0 {
			nodes[i].AMQPPort, nodes[i].ManagementPort = topology.AMQPPort, topology.ManagementPort
		}
	}
	return nodes
}
