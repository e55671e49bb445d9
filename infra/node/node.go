// Package node holds the scripts that run inside the containers of a cluster: the entry point of a node, the
// membership that makes it part of its cluster, and the formation that makes the cluster what the stack says.
// They need bash, setpriv and RabbitMQ's command line tools, which both the official image and the project's
// own have.
package node

import (
	_ "embed"
	"strings"
	"time"

	"warren/topology"
)

// Where the scripts are in their containers.
const (
	// StartPath is where a node's container has Start.
	StartPath = topology.UploadPath + "/start-node"
	// JoinPath is where a membership's container has Join.
	JoinPath = topology.UploadPath + "/join-cluster"
	// FormPath is where the formation's container has Form.
	FormPath = topology.UploadPath + "/form-cluster"
)

// Files in the containers that tell how far their scripts are.
const (
	// JoinedFile exists in a membership's container while its node is a running member of the cluster.
	JoinedFile = topology.RunPath + "/joined"
	// FormedFile exists in a formation's container once the cluster is what the stack says.
	FormedFile = topology.RunPath + "/formed"
	// RefusedFile exists there if it can't become that without a loss. The container's log says why.
	RefusedFile = topology.RunPath + "/refused"
)

// StopTimeout is how long a node may take to stop before it is killed: waiting for other nodes' replicas,
// draining and shutting down. The start script knows it too.
const StopTimeout = 60 * time.Second

// Refusal is the exit status of Form's check when nodes can't leave; its output says why.
const Refusal = 3

var (
	//go:embed cluster.bash
	cluster string
	//go:embed start-node.bash
	startNode string
	//go:embed join-cluster.bash
	joinCluster string
	//go:embed form-cluster.bash
	formCluster string
)

var (
	// Start is the script that starts, runs and stops a node. It is the entry point of a node's container, which
	// it needs to enter as root, with /etc/warren/erlang.cookie and /etc/warren/definitions.json. It learns the
	// seeds from rabbitmq.conf.
	Start = cluster + startNode
	// Join is the script that makes a node a member of its cluster. It is the entry point of a membership's
	// container, which it enters as root, with /etc/warren/erlang.cookie and, in the environment, WARREN_NODE
	// (the node's host name), WARREN_NODES (the host names of all nodes, separated by blanks) and
	// WARREN_NODE_TYPE (disc or ram).
	Join = cluster + joinCluster
	// Form is the script that makes the cluster consist of the stack's nodes. It is the entry point of the
	// formation's container, which it enters as root, with /etc/warren/erlang.cookie and WARREN_NODES. With the
	// argument "check", which it takes as user rabbitmq, it tells whether other nodes could leave, and changes
	// nothing.
	Form = cluster + formCluster
)

// Hosts are the host names of a cluster's nodes, as WARREN_NODES takes them.
func Hosts(cluster *topology.Cluster) string {
	var hosts []string
	for _, n := range cluster.Nodes {
		hosts = append(hosts, n.Name)
	}
	return strings.Join(hosts, " ")
}
