package doctor

import (
	"fmt"

	"warren/operate/health"
	"warren/topology/meaning"
)

func nodeMissing(c *consultation, _ health.Problem) (string, []string) {
	return "The stack has this node, and its container is gone: somebody removed it. Its volume may still be " +
			"there, and is kept.",
		[]string{c.up()}
}

func nodeDown(c *consultation, p health.Problem) (string, []string) {
	n := c.nodeOf(p)
	return meaning.NodeDown,
		[]string{logs(n.Container), shell("docker", "start", n.Container)}
}

func nodePaused(c *consultation, p health.Problem) (string, []string) {
	return "The node's processes are frozen. Its connections are open and silent, so clients hang until they " +
			"give up by themselves.",
		[]string{shell("docker", "unpause", c.nodeOf(p).Container)}
}

func nodeBooting(c *consultation, p health.Problem) (string, []string) {
	return "RabbitMQ has not started in this container. If that does not change within a minute or two, its " +
			"log says why.",
		[]string{logs(c.nodeOf(p).Container)}
}

func appStopped(c *consultation, p health.Problem) (string, []string) {
	n := c.nodeOf(p)
	return "The Erlang node is up without RabbitMQ. It is starting, waits for its peers, or somebody stopped " +
			"it (stop_app).",
		[]string{logs(n.Container), in(n, "rabbitmqctl", "start_app")}
}

func managementSilent(c *consultation, p health.Problem) (string, []string) {
	return "The node serves AMQP clients, and its management API does not answer in time. Either it waits for " +
			"a peer that is gone, until that is noticed (net_ticktime), or the node is overloaded.",
		[]string{"# look again in a minute; if it lasts:", in(c.nodeOf(p), "rabbitmq-diagnostics", "check_running")}
}

func managementRefuses(c *consultation, p health.Problem) (string, []string) {
	// Users are the cluster's, so that the same commands serve for all nodes that refuse.
	n := c.nodeOf(p)
	for _, node := range c.Status.Nodes {
		if node.Refuses {
			n = node
			break
		}
	}
	return "The node runs, and does not know this user, or knows it by another password. Either somebody " +
			"changed the user with rabbitmqctl, or the outputs are those of an update that was refused or " +
			"interrupted before it reached the node. The stack's AMQP URLs have the same user and password, so " +
			"that its clients are refused as well.",
		[]string{
			"# is the user there?",
			in(n, "rabbitmqctl", "list_users"),
			"# if its password was changed on purpose, tell the stack (it asks for the password); if not, leave " +
				"this out:",
			shell("pulumi", "config", "set", "--secret", "warren:adminPassword", "--stack", c.Stack),
			"# this brings nodes and outputs together:",
			c.up(),
			"# if that changes nothing: any node that starts gives the user the stack's password again, for the " +
				"cluster",
			shell("docker", "restart", n.Container),
		}
}

func amqpSilent(c *consultation, p health.Problem) (string, []string) {
	n := c.nodeOf(p)
	return "RabbitMQ runs, and clients can't connect: its listeners are closed, or the port is not published.",
		[]string{in(n, "rabbitmq-diagnostics", "listeners"), shell("docker", "port", n.Container)}
}

func nodeDrained(c *consultation, p health.Problem) (string, []string) {
	return "The node is in maintenance mode: it takes no clients and leads no queues. Somebody drained it, or " +
			"its restart was interrupted.",
		[]string{in(c.nodeOf(p), "rabbitmq-upgrade", "revive")}
}

func wrongType(c *consultation, p health.Problem) (string, []string) {
	n := c.nodeOf(p)
	return "A disc node keeps the cluster's metadata on disk, a RAM node takes it from the disc nodes when it " +
			"starts.",
		[]string{
			in(n, "rabbitmqctl", "stop_app"),
			in(n, "rabbitmqctl", "change_cluster_node_type", string(n.Type)),
			in(n, "rabbitmqctl", "start_app"),
		}
}

// partition explains nodes that run and do not see each other.
func partition(c *consultation, p health.Problem) (string, []string) {
	n := c.nodeOf(p)
	if len(n.Partitions) > 0 {
		return "The network between nodes was cut, both sides went on by themselves, and each has its own " +
				"version of things now (split brain). One side must give up what happened to it. With " +
				"cluster_partition_handling = autoheal or pause_minority, RabbitMQ does that by itself within a " +
				"minute.",
			[]string{
				fmt.Sprintf("# if it lasts, choose the side to give up. A node that restarts takes over what the other "+
					"side has: %s loses the", n.Name),
				"# declarations that were made, and the messages that were published to classic queues, on its side " +
					"during the partition",
				shell("docker", "restart", n.Container),
			}
	}
	return meaning.NodesSeparated,
		[]string{shell("docker", "network", "inspect", c.Network), in(n, "rabbitmqctl", "cluster_status")}
}

func memoryAlarm(c *consultation, p health.Problem) (string, []string) {
	return meaning.MemoryAlarm,
		append([]string{
			in(c.nodeOf(p), "rabbitmq-diagnostics", "memory_breakdown", "--unit", "mb"),
			"# consume what is queued; or allow more:",
		}, c.configure("memoryHighWatermark", "0.7")...)
}

func diskAlarm(c *consultation, _ health.Problem) (string, []string) {
	return meaning.DiskAlarm,
		append([]string{
			shell("docker", "system", "df"),
			"# free some; or ask for less, for test stacks only:",
		}, c.configure("diskFreeLimit", "1GB")...)
}

// configure changes a setting of the stack.
func (c *consultation) configure(key, value string) []string {
	return []string{shell("pulumi", "config", "set", "warren:"+key, value, "--stack", c.Stack), c.up()}
}

func cookieMismatch(c *consultation, p health.Problem) (string, []string) {
	return "Nodes and tools talk to each other only with the same Erlang cookie. Peers refuse this node (they " +
			"log 'Invalid challenge reply'), at once or when it is next restarted. Every start of the container " +
			"writes the stack's cookie again.",
		restartOne(c.nodeOf(p))
}

func cookieUnreadable(c *consultation, p health.Problem) (string, []string) {
	return "Without a cookie the node can't join its peers, and rabbitmqctl can't talk to it. Every start of " +
			"the container writes the stack's cookie again.",
		restartOne(c.nodeOf(p))
}

// restartOne restarts a node.
func restartOne(n health.NodeStatus) []string {
	return []string{
		"# one node at a time: `warren status` shows when it is back",
		shell("docker", "restart", n.Container),
	}
}

func versionMismatch(c *consultation, _ health.Problem) (string, []string) {
	return "Nodes of different versions work together only for the time of a rolling upgrade. One was " +
			"interrupted, or an image's tag moved.",
		[]string{c.up()}
}

func seriesDiffers(c *consultation, _ health.Problem) (string, []string) {
	return "The stack's outputs are not those of the deployment that made this node: an upgrade was refused " +
			"or interrupted, or an image's tag moved. `pulumi up` goes on with it, or says why it refuses.",
		[]string{c.up()}
}

func featureFlagMismatch(c *consultation, p health.Problem) (string, []string) {
	return "A node without a feature flag that others have enabled can't stay in the cluster.",
		[]string{in(c.nodeOf(p), "rabbitmqctl", "enable_feature_flag", "all")}
}
