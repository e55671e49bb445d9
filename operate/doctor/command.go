package doctor

import (
	"strings"

	"warren/agent/plan"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

// shell is a command line of bash that runs a command with these words as they are.
func shell(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if strings.ContainsRune(word, 0) {
			return "# no command line can hold a name with a NUL byte: use the management interface for " +
				plan.ShellQuote(word)
		}
		quoted[i] = plan.ShellQuote(word)
	}
	return strings.Join(quoted, " ")
}

// in is a command line that runs a command in a node's container.
func in(node health.NodeStatus, words ...string) string {
	return shell(append([]string{"docker", "exec", node.Container}, words...)...)
}

// queueCommand is a command line that runs a command of one of RabbitMQ's tools about a queue in a node's
// container. What follows "--" is no option, whatever a queue is called.
func queueCommand(
	node health.NodeStatus, queue plan.QueueID, tool, command string, options []string, more ...string,
) string {
	words := append([]string{tool, command, "--vhost", queue.VHost}, options...)
	return in(node, append(append(words, "--", queue.Name), more...)...)
}

// logs are the last lines that a container wrote.
func logs(container string) string { return shell("docker", "logs", "--tail", "50", container) }

// up deploys the stack.
func (c *consultation) up() string { return shell("pulumi", "up", "--stack", c.Stack) }

// again asks the doctor again.
func (c *consultation) again() string { return shell("warren", "doctor", "--stack", c.Stack) }

// status shows the replicas of a queue.
func (c *consultation) status(queue plan.QueueID, queueType string) string {
	if queueType == cluster.Stream {
		return queueCommand(c.anyNode(), queue, "rabbitmq-streams", "stream_status", nil)
	}
	return queueCommand(c.anyNode(), queue, "rabbitmq-queues", "quorum_status", nil)
}

// addReplica adds a replica of a queue on a node.
func (c *consultation) addReplica(queue plan.QueueID, queueType string, on string) string {
	if queueType == cluster.Stream {
		return queueCommand(c.anyNode(), queue, "rabbitmq-streams", "add_replica", nil, on)
	}
	return queueCommand(c.anyNode(), queue, "rabbitmq-queues", "add_member", nil, on)
}

// perform is a command that does an action of the planner, for a cluster that has no agents; empty if there
// is none.
func (c *consultation) perform(a plan.Action) string {
	node := string(a.Node)
	remote := func(tool string, words ...string) string {
		return in(c.peerOf(node), append([]string{tool, "-n", node}, words...)...)
	}
	switch a.Verb {
	case plan.DrainNode:
		return remote("rabbitmq-upgrade", "drain")
	case plan.ReviveNode:
		return remote("rabbitmq-upgrade", "revive")
	case plan.StopApp:
		return remote("rabbitmqctl", "stop_app")
	case plan.StartApp:
		return remote("rabbitmqctl", "start_app")
	case plan.ForgetNode:
		return in(c.peerOf(node), "rabbitmqctl", "forget_cluster_node", node)
	case plan.AddReplica:
		return c.addReplica(a.Queue, string(a.QueueType), node)
	case plan.RemoveReplica:
		if a.QueueType == plan.Stream {
			return queueCommand(c.peerOf(node), a.Queue, "rabbitmq-streams", "delete_replica", nil, node)
		}
		return queueCommand(c.peerOf(node), a.Queue, "rabbitmq-queues", "delete_member", nil, node)
	default:
		return ""
	}
}

// nodeOf returns the node that a problem is about.
func (c *consultation) nodeOf(p health.Problem) health.NodeStatus {
	for _, node := range c.Status.Nodes {
		if node.Name == p.Subject {
			return node
		}
	}
	return health.NodeStatus{NodeOutput: topology.NodeOutput{Name: p.Subject, Container: p.Subject}}
}

// anyNode returns a node that answers, if there is one.
func (c *consultation) anyNode() health.NodeStatus { return c.peerOf("") }

// peerOf returns a node other than the one with an Erlang name that answers, if there is one.
func (c *consultation) peerOf(nodeName string) health.NodeStatus {
	var peer health.NodeStatus
	for _, node := range c.Status.Nodes {
		if node.NodeName != nodeName && (peer.Name == "" || node.Answers() && !peer.Answers()) {
			peer = node
		}
	}
	return peer
}
