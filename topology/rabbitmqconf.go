package topology

import (
	"slices"

	"warren/topology/internal/rabbitmqconf"
)

// SeedCount is how many nodes are seeds.
const SeedCount = 3

// Seeds are the first nodes of the cluster. A new node asks them which cluster to join. No file names the
// other nodes, so that adding or removing one changes no file of those that stay.
func (c *Cluster) Seeds() []Node { return c.Nodes[:min(SeedCount, len(c.Nodes))] }

// RabbitMQConf renders rabbitmq.conf of a node. It holds no secret.
func (c *Cluster) RabbitMQConf(n Node) string {
	return render("rabbitmq.conf.tmpl", rabbitmqConfData{Cluster: c, node: n})
}

// rabbitmqConfData is what the template of rabbitmq.conf needs.
type rabbitmqConfData struct {
	*Cluster
	containerPorts
	node Node
}

// Peers are the nodes that peer discovery looks for: the seeds, and the node itself, which it requires.
func (d rabbitmqConfData) Peers() []Node {
	if slices.Contains(d.Seeds(), d.node) {
		return d.Seeds()
	}
	return append(slices.Clone(d.Seeds()), d.node)
}

// HasRAMNodes tells whether some node of the cluster is a RAM node.
func (d rabbitmqConfData) HasRAMNodes() bool { return len(d.nodesOfType(RAM)) > 0 }

// DefinitionsPath is where the nodes read their definitions from.
func (rabbitmqConfData) DefinitionsPath() string { return DefinitionsPath }

// validateExtraConf checks the operator's own lines of rabbitmq.conf.
func validateExtraConf(problems *problemList, c *Cluster) {
	for _, r := range rabbitmqconf.Refusals(c.ExtraConf, c.renderedKeys(), portUses) {
		problems.add("rabbitmqConf", r.Wrong, r.Remedy)
	}
}

// renderedKeys are the keys in the rabbitmq.conf of any node, without the operator's own lines.
func (c *Cluster) renderedKeys() []string {
	without := *c
	without.ExtraConf = ""
	var keys []string
	for _, n := range c.Nodes {
		settings, _ := rabbitmqconf.Parse(without.RabbitMQConf(n))
		for _, s := range settings {
			keys = append(keys, s.Canonical)
		}
	}
	return keys
}

// portUses are the ports that are taken inside a node's container.
var portUses = map[int]string{
	epmdPort:         "epmd, the Erlang port mapper",
	AMQPPort:         "AMQP",
	ManagementPort:   "the management interface",
	PrometheusPort:   "the metrics",
	DistributionPort: "the Erlang distribution",
}
