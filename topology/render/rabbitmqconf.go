package render

import (
	"slices"

	"warren/topology"
)

// RabbitMQConf renders rabbitmq.conf of a node. It holds no secret.
func RabbitMQConf(c *topology.Cluster, n topology.Node) string {
	return render("rabbitmq.conf.tmpl", rabbitmqConfData{Cluster: c, node: n})
}

// rabbitmqConfData is what the template of rabbitmq.conf needs.
type rabbitmqConfData struct {
	*topology.Cluster
	containerPorts
	node topology.Node
}

// Peers are the nodes that peer discovery looks for: the seeds, and the node itself, which it requires.
func (d rabbitmqConfData) Peers() []topology.Node {
	if slices.Contains(d.Seeds(), d.node) {
		return d.Seeds()
	}
	return append(slices.Clone(d.Seeds()), d.node)
}

// HasRAMNodes tells whether some node of the cluster is a RAM node.
func (d rabbitmqConfData) HasRAMNodes() bool { return len(d.NodesOfType(topology.RAM)) > 0 }

// DefinitionsPath is where the nodes read their definitions from.
func (rabbitmqConfData) DefinitionsPath() string { return topology.DefinitionsPath }
