package doctor

import (
	"fmt"
	"slices"
	"strings"

	"warren/operate/health"
)

// oddOneOut returns the node to blame for a membership problem of a node (both by host name): the node itself if it is
// in a cluster of its own, else the one that it does not count, or that most do not.
func oddOneOut(status health.Status, subject string) string {
	i := slices.IndexFunc(status.Nodes, func(n health.NodeStatus) bool { return n.Name == subject })
	if i < 0 {
		return subject
	}
	complaining := status.Nodes[i]
	if countedBy(status, complaining) <= len(status.Nodes)/2 {
		return subject
	}
	for _, other := range status.Nodes {
		if !slices.Contains(complaining.Members, other.NodeName) && countedBy(status, other) <= len(status.Nodes)/2 {
			return other.Name
		}
	}
	return subject
}

// countedBy returns how many nodes count a node as a member of their cluster; those that do not answer count for it.
func countedBy(status health.Status, node health.NodeStatus) int {
	n := 0
	for _, other := range status.Nodes {
		if other.Name != node.Name && (!other.Answers() || slices.Contains(other.Members, node.NodeName)) {
			n++
		}
	}
	if node.Answers() && len(node.Members) > 1 || !node.Answers() {
		n++
	}
	return n
}

// inconsistentNode is the diagnosis of a node about whose membership others disagree.
func inconsistentNode(e Examination, node health.NodeStatus, found []string) Diagnosis {
	peer := peerOf(e.Status, node.Name)
	mend := []string{
		"# " + node.Name + " loses what it has and takes it anew from the others:",
		ctl(node, "stop_app"),
		ctl(node, "reset"),
		"# this may fail, if it is forgotten already:",
		ctl(peer, "forget_cluster_node "+node.NodeName),
		ctl(node, "start_app"),
		"# queues may lack its replicas now; ask again:",
		"warren doctor --stack " + e.Stack,
	}
	return Diagnosis{
		Name: Inconsistent, Severity: health.Failure,
		Found: strings.Join(found, "; "),
		Means: fmt.Sprintf("%s and its peers disagree about who is in the cluster: one was reset, or forgotten, while the other did not know. "+
			"Until that is settled %s cannot start, or is a cluster of its own, which clients may take for the real one.", node.Name, node.Name),
		Mend: mend,
	}
}

// peerOf returns a node other than the one named that answers, if there is one.
func peerOf(status health.Status, name string) health.NodeStatus {
	var peer health.NodeStatus
	for _, node := range status.Nodes {
		if node.Name != name && (peer.Name == "" || node.Answers() && !peer.Answers()) {
			peer = node
		}
	}
	return peer
}
