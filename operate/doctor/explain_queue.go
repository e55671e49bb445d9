package doctor

import (
	"slices"

	"warren/operate/health"
	"warren/topology/meaning"
)

func queuesUnknown(*consultation, health.Problem) (string, []string) {
	return "No node could say which queues there are.", []string{"# fix the nodes first"}
}

// queueHalfDeleted explains a queue that is there by name only. Deleting it loses what its replicas have on
// disk, if they have anything: that they do not run may have another cause.
func queueHalfDeleted(c *consultation, p health.Problem) (string, []string) {
	queue := c.queueOf(p)
	return "The cluster knows the queue, and none of its replicas runs although their nodes do. Most likely " +
			"its deletion was interrupted, and its messages are gone. It takes no messages, and its replicas can't " +
			"be changed; nothing else waits for it.",
		[]string{
			"# if nobody deleted it, its replicas failed to start, and its messages may still be on the nodes' " +
				"disks. Then find out why",
			"# and do not delete it:",
			logs(c.anyNode().Container),
			"# if its deletion was meant, this finishes it; what is left of its messages is lost:",
			queueCommand(c.anyNode(), queue.ID(), "rabbitmqctl", "delete_queue", nil),
		}
}

func queueNoLeader(c *consultation, p health.Problem) (string, []string) {
	return meaning.QueueNoLeader,
		[]string{"# start the nodes of its replicas; if they run:", c.status(p.Queue, c.queueOf(p).Type)}
}

func replicaOffline(c *consultation, p health.Problem) (string, []string) {
	return meaning.ReplicaOffline,
		[]string{"# start the nodes of its replicas; if they run:", c.status(p.Queue, c.queueOf(p).Type)}
}

func replicaNotVoting(c *consultation, p health.Problem) (string, []string) {
	return "A replica that was added votes only once it has caught up. Until then the queue survives the " +
			"failure of fewer nodes than it seems to. Do not stop or remove nodes with its other replicas.",
		[]string{"# look again in a minute; if it lasts:", c.status(p.Queue, c.queueOf(p).Type)}
}

func replicaBehind(c *consultation, p health.Problem) (string, []string) {
	return "A replica is still to receive what the others have confirmed: it was away, or its node or network " +
			"is slow. It does not help the queue to survive a failure yet. Do not stop nodes with its other " +
			"replicas.",
		[]string{
			"# look again in a minute; if the number does not fall, its node is overloaded or its disk is slow:",
			c.status(p.Queue, c.queueOf(p).Type),
		}
}

func tooFewReplicas(c *consultation, p health.Problem) (string, []string) {
	queue := c.queueOf(p)
	fix := []string{c.status(p.Queue, queue.Type)}
	lacks := queue.Lacks(len(c.Status.Nodes))
	for _, node := range c.Status.Nodes {
		if lacks > 0 && !slices.Contains(queue.Members, node.NodeName) {
			fix = append(fix, c.addReplica(p.Queue, queue.Type, node.NodeName))
			lacks--
		}
	}
	return meaning.TooFewReplicas + " The commands add what is missing, and each takes effect once the new " +
			"replica has caught up.",
		fix
}

func queueDown(c *consultation, p health.Problem) (string, []string) {
	fix := []string{"# start its node; if it runs, its log says why the queue does not:"}
	for _, node := range c.Status.Nodes {
		if slices.Contains(c.queueOf(p).Members, node.NodeName) {
			fix = append(fix, logs(node.Container))
		}
	}
	return meaning.QueueDown, fix
}

func notReplicated(c *consultation, p health.Problem) (string, []string) {
	return "A classic queue lives on one node: it is gone while that node is, and lost with its disk. " +
			"Replicated queues are declared with x-queue-type=quorum; the type of a queue can't be changed.",
		[]string{
			"# once its clients are stopped; it deletes the queue and its bindings, and refuses if there are " +
				"messages or consumers:",
			queueCommand(c.anyNode(), p.Queue, "rabbitmqctl", "delete_queue", []string{"--if-empty", "--if-unused"}),
			"# then let the application declare it as a quorum queue; for the queues of the stack's own application:",
			shell("warren", "declare", "--stack", c.Stack),
		}
}

func leadersNotSpread(c *consultation, _ health.Problem) (string, []string) {
	return meaning.LeadersNotSpread,
		[]string{in(c.anyNode(), "rabbitmq-queues", "rebalance", "quorum")}
}
