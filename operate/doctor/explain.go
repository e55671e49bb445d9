package doctor

import (
	"fmt"
	"slices"
	"strings"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

// explain says what a problem means and how to mend it.
type explain func(Examination, health.Problem) (means string, mend []string)

var explanations = map[health.Kind]explain{
	health.NodeMissing: func(e Examination, p health.Problem) (string, []string) {
		return "The stack has this node, and its container is gone: somebody removed it. Its volume may still be there.",
			[]string{"pulumi up --stack " + e.Stack}
	},
	health.NodeDown: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "The node does not run. The others serve as long as they are a majority; they can spare one node fewer than before.",
			[]string{"docker logs --tail 50 " + n.Container, "docker start " + n.Container}
	},
	health.NodePaused: func(e Examination, p health.Problem) (string, []string) {
		return "The node's processes are frozen. Its connections are open and silent, so clients hang until they give up by themselves.",
			[]string{"docker unpause " + nodeOf(e, p).Container}
	},
	health.NodeBooting: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "RabbitMQ has not started in this container. If that does not change within a minute or two, its log says why.",
			[]string{"docker logs --tail 50 " + n.Container}
	},
	health.AppStopped: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "The Erlang node is up without RabbitMQ. It starts just now, waits for its peers, or somebody stopped it (stop_app).",
			[]string{"docker logs --tail 50 " + n.Container, ctl(n, "start_app")}
	},
	health.ManagementSilent: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "The node serves AMQP clients; its management API does not answer in time. It waits for a peer that is gone, " +
				"as long as that has not been noticed (net_ticktime), or the node is overloaded.",
			[]string{"# look again in a minute; if it lasts:", "docker exec " + n.Container + " rabbitmq-diagnostics check_running"}
	},
	health.AMQPSilent: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "RabbitMQ runs, and clients cannot connect: its listeners are closed, or the port is not published.",
			[]string{"docker exec " + n.Container + " rabbitmq-diagnostics listeners", "docker port " + n.Container}
	},
	health.NodeDrained: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "The node is in maintenance mode: it takes no clients and leads no queues. Somebody drained it, or its restart was interrupted.",
			[]string{"docker exec " + n.Container + " rabbitmq-upgrade revive"}
	},
	health.WrongType: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "A disc node keeps the cluster's metadata on disk, a RAM node takes it from the disc nodes when it starts.",
			[]string{ctl(n, "stop_app"), ctl(n, "change_cluster_node_type "+string(n.Type)), ctl(n, "start_app")}
	},
	health.Stranger: func(e Examination, p health.Problem) (string, []string) {
		return "A node was taken out of the stack and not out of the cluster. It counts for majorities, and for the replicas of queues, and will never be there.",
			[]string{ctl(anyNode(e), "forget_cluster_node "+p.Subject)}
	},
	health.Partition: partition,
	health.MemoryAlarm: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "Publishers are blocked in the whole cluster until the node needs less memory, so that consumers can drain queues.",
			[]string{
				"docker exec " + n.Container + " rabbitmq-diagnostics memory_breakdown --unit mb",
				"# consume what is queued; or allow more:",
				"pulumi config set warren:memoryHighWatermark 0.7 --stack " + e.Stack + " && pulumi up --stack " + e.Stack,
			}
	},
	health.DiskAlarm: func(e Examination, p health.Problem) (string, []string) {
		return "Publishers are blocked in the whole cluster until there is more disk free. A node without disk would stop, and might lose data.",
			[]string{
				"docker system df",
				"# free some; or ask for less, for test stacks only:",
				"pulumi config set warren:diskFreeLimit 1GB --stack " + e.Stack + " && pulumi up --stack " + e.Stack,
			}
	},
	health.CookieMismatch: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "Nodes and tools talk to each other only with the same Erlang cookie. Peers refuse this node (they log 'Invalid challenge reply'), " +
				"at once or when it is next restarted. Every start of the container writes the stack's cookie again.",
			[]string{"docker restart " + n.Container}
	},
	health.CookieUnreadable: func(e Examination, p health.Problem) (string, []string) {
		n := nodeOf(e, p)
		return "Without a cookie the node cannot join its peers, and rabbitmqctl cannot talk to it. Every start of the container writes the stack's cookie again.",
			[]string{"docker restart " + n.Container}
	},
	health.VersionMismatch: func(e Examination, p health.Problem) (string, []string) {
		return "Nodes of different versions work together only for the time of a rolling upgrade. One was interrupted, or an image's tag moved.",
			[]string{"pulumi up --stack " + e.Stack}
	},
	health.FeatureFlagMismatch: func(e Examination, p health.Problem) (string, []string) {
		return "A node without a feature flag that others have enabled cannot stay in the cluster.",
			[]string{ctl(nodeOf(e, p), "enable_feature_flag all")}
	},
	health.QueuesUnknown: func(e Examination, p health.Problem) (string, []string) {
		return "No node could say which queues there are.", []string{"# mend the nodes first"}
	},
	health.QueueNoLeader: func(e Examination, p health.Problem) (string, []string) {
		return "Fewer than a majority of the queue's replicas take part. Nothing can be published to it or consumed from it, and nothing confirmed is lost, " +
				"until enough of them are back.",
			[]string{"# start the nodes of its replicas; if they run:", quorumStatus(e, p)}
	},
	health.ReplicaOffline: func(e Examination, p health.Problem) (string, []string) {
		return "The queue works as long as a majority of its replicas takes part, and survives the failure of fewer nodes than it should.",
			[]string{"# start the nodes of its replicas; if they run:", quorumStatus(e, p)}
	},
	health.TooFewReplicas: func(e Examination, p health.Problem) (string, []string) {
		queue := queueOf(e, p)
		mend := []string{quorumStatus(e, p)}
		for _, node := range e.Status.Nodes {
			if !slices.Contains(queue.Members, node.NodeName) && len(queue.Members)+len(mend)-1 < queue.GroupSize {
				mend = append(mend, fmt.Sprintf("docker exec %s rabbitmq-queues add_member --vhost %s %s %s",
					node.Container, queue.VHost, queue.Name, node.NodeName))
			}
		}
		return "The queue survives the failure of fewer nodes than it was declared for. It was declared while nodes were missing, or a node has lost its replica.", mend
	},
	health.NotReplicated: func(e Examination, p health.Problem) (string, []string) {
		queue := queueOf(e, p)
		return "A classic queue lives on one node: it is gone while that node is, and lost with its disk. Replicated queues are declared with x-queue-type=quorum; " +
				"the type of a queue cannot be changed.",
			[]string{
				"# once it is empty and its clients are stopped:",
				fmt.Sprintf("docker exec %s rabbitmqctl delete_queue --vhost %s --if-empty %s", anyNode(e).Container, queue.VHost, queue.Name),
				"# then let the application declare it as a quorum queue; for the tutorial's:",
				"warren declare --stack " + e.Stack,
			}
	},
	health.LeadersNotSpread: func(e Examination, p health.Problem) (string, []string) {
		return "The leader of a queue does most of its work. After a restart of nodes, leaders gather on those that ran on.",
			[]string{"docker exec " + anyNode(e).Container + " rabbitmq-queues rebalance quorum"}
	},
	health.LoadBalancerDown: func(e Examination, p health.Problem) (string, []string) {
		balancer := e.Status.LoadBalancer.Container
		return "Clients that know the load balancer only are cut off; those that know the nodes are not.",
			[]string{"docker logs --tail 50 " + balancer, "docker start " + balancer}
	},
	health.ServerDown: func(e Examination, p health.Problem) (string, []string) {
		balancer := e.Status.LoadBalancer.Container
		return "Load balancer and cluster disagree: the node serves, and gets no clients. Its check fails, or its name leads to an old address, " +
				"or the network between the two is cut. It may also just be about to notice.",
			[]string{"# look again in some seconds; if it lasts:", "docker logs --tail 50 " + balancer, "docker restart " + balancer}
	},
	health.ServerWronglyUp: func(e Examination, p health.Problem) (string, []string) {
		balancer := e.Status.LoadBalancer.Container
		return "Load balancer and cluster disagree: the node does not serve, and is sent clients. The load balancer is about to notice, or does not check.",
			[]string{"# look again in some seconds; if it lasts:", "docker logs --tail 50 " + balancer, "docker restart " + balancer}
	},
	health.ServerMissing: func(e Examination, p health.Problem) (string, []string) {
		return "The load balancer was configured for other nodes than the cluster has.", []string{"pulumi up --stack " + e.Stack}
	},
	health.NotSpread: func(e Examination, p health.Problem) (string, []string) {
		balancer := e.Status.LoadBalancer.Container
		return "The load balancer holds the node for up and gives it no connections: others carry its load.",
			[]string{"docker logs --tail 50 " + balancer, "docker restart " + balancer}
	},
}

// unexplained is for a problem that nothing more is known of than what it says.
func unexplained(e Examination, _ health.Problem) (string, []string) {
	return "See what was found.", []string{"warren status --stack " + e.Stack}
}

// partition explains nodes that run and do not see each other.
func partition(e Examination, p health.Problem) (string, []string) {
	n := nodeOf(e, p)
	if len(n.Partitions) > 0 {
		return "The network between nodes was cut, both sides went on by themselves, and each has its own truth now (split brain). One side must give up what " +
				"happened to it. With cluster_partition_handling = autoheal or pause_minority RabbitMQ does that by itself within a minute.",
			[]string{
				"# if it lasts, restart the nodes of the side that fewer clients have used:",
				"docker restart " + n.Container,
			}
	}
	return "The nodes run and cannot talk to each other: the network between them is cut, or they do not have the same cookie. A majority goes on; " +
			"a minority confirms nothing, and joins again by itself when the network is whole.",
		[]string{
			"docker network inspect warren-" + e.Stack,
			ctl(n, "cluster_status"),
		}
}

// nodeOf returns the node that a problem is about.
func nodeOf(e Examination, p health.Problem) health.NodeStatus {
	for _, node := range e.Status.Nodes {
		if node.Name == p.Subject {
			return node
		}
	}
	return health.NodeStatus{NodeOutput: topology.NodeOutput{Name: p.Subject, Container: p.Subject}}
}

// queueOf returns the queue that a problem is about.
func queueOf(e Examination, p health.Problem) cluster.Queue {
	for _, queue := range e.Status.Queues {
		if queue.String() == p.Subject {
			return queue
		}
	}
	return cluster.Queue{VHost: "/", Name: p.Subject}
}

// anyNode returns a node that answers, if there is one.
func anyNode(e Examination) health.NodeStatus { return peerOf(e.Status, "") }

// ctl is a command of rabbitmqctl on a node.
func ctl(node health.NodeStatus, command string) string {
	return "docker exec " + node.Container + " rabbitmqctl " + command
}

func quorumStatus(e Examination, p health.Problem) string {
	queue := queueOf(e, p)
	return strings.Join([]string{"docker exec", anyNode(e).Container, "rabbitmq-queues quorum_status --vhost", queue.VHost, queue.Name}, " ")
}
