package doctor

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/operate/health"
)

// inconsistentSignatures are what a node logs that cannot start because others do not count it as a member,
// or because it counts itself to another cluster.
var inconsistentSignatures = []string{"inconsistent_cluster", "thinks it's clustered with",
	"thinks it's part of"}

// inconsistent finds the nodes about whose membership others disagree.
func (c *consultation) inconsistent(problems []health.Problem) []Diagnosis {
	var diagnoses []Diagnosis
	for _, node := range c.Status.Nodes {
		var found []string
		for _, problem := range problems {
			if problem.Kind == health.MembershipDiffers && oddOneOut(c.Status, problem.Subject) == node.Name {
				found = append(found, problem.String())
			}
		}
		for _, line := range strings.Split(c.Logs[node.Name], "\n") {
			if matches(line, inconsistentSignatures) {
				found = append(found, node.Name+" logs: "+strings.TrimSpace(line))
				break
			}
		}
		if len(found) > 0 {
			diagnoses = append(diagnoses, c.inconsistentNode(node, found))
		}
	}
	return diagnoses
}

func matches(line string, signatures []string) bool {
	return slices.ContainsFunc(signatures, func(signature string) bool {
		return strings.Contains(line, signature)
	})
}

// oddOneOut returns the node to blame for a membership problem of a node (both by host name): the node
// itself if it is in a cluster of its own, else the one that it does not count, or that most do not.
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
		if !slices.Contains(complaining.Members, other.NodeName) &&
			countedBy(status, other) <= len(status.Nodes)/2 {
			return other.Name
		}
	}
	return subject
}

// countedBy returns how many nodes count a node as a member of their cluster; those that do not answer
// count for it.
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

// inconsistentNode is the diagnosis of a node about whose membership others disagree. What happens to it is
// for the planner to say: it may hold the only copy of everything.
func (c *consultation) inconsistentNode(node health.NodeStatus, found []string) Diagnosis {
	means, fix := c.settle(node)
	return Diagnosis{
		Name: Inconsistent, Severity: health.Failure, Found: strings.Join(found, "; "), Fix: fix,
		Means: fmt.Sprintf("%s and its peers disagree about who is in the cluster: one was reset, or forgotten, "+
			"while the other did not "+
			"know. Until that is settled, %s can't start, or is a cluster of its own, which clients may take for "+
			"the real one. %s",
			node.Name, node.Name, means),
	}
}

// holds asks the planner whether something is certain of a node.
func (c *consultation) holds(predicate plan.Predicate, node health.NodeStatus) bool {
	name := plan.NodeName(node.NodeName)
	needs := plan.Action{Node: name, Needs: []plan.Condition{{Predicate: predicate, Node: name}}}
	return len(needs.Unmet(c.view, c.desired(plan.ScopeMembership, node.NodeName))) == 0
}

// settle says how a node comes back into the cluster, or why nothing is done to it.
func (c *consultation) settle(node health.NodeStatus) (means string, fix []string) {
	decision := c.decide(plan.ScopeMembership, node.NodeName)
	if texts := refusals(plan.NodeName(node.NodeName), decision); len(texts) > 0 {
		return "Nothing is done to it: " + strings.Join(texts, " "), []string{
			"# compare what is on either side, before you decide:",
			in(node, "rabbitmqctl", "cluster_status"),
			in(c.peerOf(node.NodeName), "rabbitmqctl", "cluster_status"),
			"# then do what is said above, and look again:", c.again(),
		}
	}
	switch {
	case !node.Answers() && c.deployed():
		return "Its data are kept.", []string{
			"# when it starts, it joins as a new member if its former cluster runs and has let it go, and then " +
				"keeps its old data",
			"# aside on its volume; otherwise it says why it does not start",
			shell("docker", "restart", node.Container), logs(node.Container), "# if it does not come back:", c.up(),
			"# when it is back, look at its replicas:", c.again(),
		}
	case !node.Answers():
		return "Nobody can tell what it has while it does not run, so that nothing is advised that would delete " +
				"it.",
			[]string{logs(node.Container), in(c.peerOf(node.NodeName), "rabbitmqctl", "cluster_status")}
	case c.deployed():
		means = "`pulumi up` settles it, and refuses if something would be lost."
		if next := steps(decision); next != "" {
			means += " Next: " + next + "."
		}
		return means, []string{c.up(), "# its queues may lack its replicas now; look again:", c.again()}
	case c.holds(plan.NothingOwn, node) && c.holds(plan.ClusterServes, node) && len(decision.Actions) > 0:
		return "It is alone in a cluster that has no queues, and the others serve.", []string{
			"# this deletes what only " + node.Name + " has: the users, virtual hosts, policies and exchanges of " +
				"its cluster of one.",
			"# It has no queues and no messages. Export the rest first if it is needed:",
			in(node, "rabbitmqctl", "export_definitions", "-"),
			in(node, "rabbitmqctl", "stop_app"),
			in(node, "rabbitmqctl", "reset"),
			in(node, "rabbitmqctl", "join_cluster", c.peerOf(node.NodeName).NodeName),
			in(node, "rabbitmqctl", "start_app"),
		}
	default:
		return "It is not certain what only it has, so that nothing is advised that would delete it.", []string{
			in(node, "rabbitmqctl", "cluster_status"), in(c.peerOf(node.NodeName), "rabbitmqctl", "cluster_status"),
		}
	}
}
