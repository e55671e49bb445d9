package stackconfig

import (
	"warren/topology"
	"warren/topology/internal/rabbitmqconf"
	"warren/topology/render"
)

// validateExtraConf checks the operator's own lines of rabbitmq.conf.
func validateExtraConf(problems *problemList, c *topology.Cluster) {
	for _, r := range rabbitmqconf.Refusals(c.ExtraConf, renderedKeys(c), portUses(c)) {
		problems.add("rabbitmqConf", r.Wrong, r.Remedy)
	}
}

// renderedKeys are the keys in the rabbitmq.conf of any node, without the operator's own lines.
func renderedKeys(c *topology.Cluster) []string {
	without := *c
	without.ExtraConf = ""
	var keys []string
	for _, n := range c.Nodes {
		settings, _ := rabbitmqconf.Parse(render.RabbitMQConf(&without, n))
		for _, s := range settings {
			keys = append(keys, s.Canonical)
		}
	}
	return keys
}

// portUses are the ports that are taken inside a node's container.
func portUses(c *topology.Cluster) map[int]string {
	uses := map[int]string{
		topology.EPMDPort:         "epmd, the Erlang port mapper",
		topology.AMQPPort:         "AMQP",
		topology.ManagementPort:   "the management interface",
		topology.PrometheusPort:   "the metrics",
		topology.DistributionPort: "the Erlang distribution",
	}
	if c.HasTLS() {
		uses[topology.AMQPTLSPort], uses[topology.ManagementTLSPort] = "AMQP over TLS", "the management "+
			"interface over TLS"
		uses[topology.PrometheusTLSPort] = "the metrics over TLS"
	}
	return uses
}
