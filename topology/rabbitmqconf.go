package topology

// RabbitMQConf renders rabbitmq.conf. It holds no secret and is the same on every node of a cluster.
func (c *Cluster) RabbitMQConf() string { return render("rabbitmq.conf.tmpl", rabbitmqConfData{c}) }

// rabbitmqConfData is what the template of rabbitmq.conf needs.
type rabbitmqConfData struct{ *Cluster }

// HasRAMNodes tells whether some node of the cluster is a RAM node.
func (d rabbitmqConfData) HasRAMNodes() bool { return len(d.nodesOfType(RAM)) > 0 }

// DefinitionsPath is where the nodes read their definitions from.
func (rabbitmqConfData) DefinitionsPath() string { return DefinitionsPath }
