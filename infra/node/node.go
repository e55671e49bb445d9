// Package node holds the scripts that run inside the containers of a node: the entry point of the node itself and the membership that
// makes the node part of its cluster. They need bash, setpriv and RabbitMQ's command line tools, which both the official
// image and the project's own have.
package node

import (
	_ "embed"
	"time"
)

// JoinedFile exists in a membership's container while its node is a running member of the cluster.
const JoinedFile = "/run/warren/joined"

// StopTimeout is how long a node may take to stop before it is killed: waiting for other nodes' replicas, draining and
// shutting down. The start script knows it too.
const StopTimeout = 60 * time.Second

var (
	//go:embed cluster.bash
	cluster string
	//go:embed start-node.bash
	startNode string
	//go:embed join-cluster.bash
	joinCluster string
)

var (
	// Start is the script that starts, runs and stops a node. It is the entry point of a node's container, which it needs to enter as root,
	// with /etc/warren/erlang.cookie and /etc/warren/definitions.json. It learns its peers from rabbitmq.conf.
	Start = cluster + startNode
	// Join is the script that makes a node a member of its cluster. It is the entry point of a membership's container, which
	// it enters as root, with /etc/warren/erlang.cookie and, in the environment, WARREN_NODE (the node's host name), WARREN_NODES
	// (the host names of all nodes, separated by blanks) and WARREN_NODE_TYPE (disc or ram).
	Join = cluster + joinCluster
	// JoinHealthCheck is the health check of a membership's container.
	JoinHealthCheck = []string{"CMD", "test", "-e", JoinedFile}
)
