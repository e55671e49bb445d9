package render

import "warren/topology"

// containerPorts gives templates the ports inside the containers.
type containerPorts struct{}

// AMQPPort is the port of AMQP 0-9-1.
func (containerPorts) AMQPPort() int { return topology.AMQPPort }

// ManagementPort is the port of the management interface.
func (containerPorts) ManagementPort() int { return topology.ManagementPort }

// PrometheusPort is the port of a node's metrics.
func (containerPorts) PrometheusPort() int { return topology.PrometheusPort }

// BalancerMetricsPort is the port of HAProxy's metrics.
func (containerPorts) BalancerMetricsPort() int { return topology.BalancerMetricsPort }

// BalancerMetricsTLSPort is the port of HAProxy's metrics over TLS.
func (containerPorts) BalancerMetricsTLSPort() int { return topology.BalancerMetricsTLSPort }

// AgentPort is the port of a node's agent.
func (containerPorts) AgentPort() int { return topology.AgentPort }

// AMQPTLSPort is the port of AMQP 0-9-1 over TLS.
func (containerPorts) AMQPTLSPort() int { return topology.AMQPTLSPort }

// ManagementTLSPort is the port of the management interface over TLS.
func (containerPorts) ManagementTLSPort() int { return topology.ManagementTLSPort }

// StatsTLSPort is the port of HAProxy's statistics page over TLS.
func (containerPorts) StatsTLSPort() int { return topology.StatsTLSPort }

// StatsPort is the port of HAProxy's statistics page.
func (containerPorts) StatsPort() int { return topology.StatsPort }
