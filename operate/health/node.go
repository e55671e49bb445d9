package health

import (
	"maps"
	"slices"

	"warren/operate/cluster"
)

func (s Status) checkNode(problems *problemList, node NodeStatus) {
	fail := func(kind Kind, format string, args ...any) {
		problems.add(kind, Failure, node.Name, format, args...)
	}
	switch {
	case node.State == cluster.StateMissing:
		fail(NodeMissing, "container %s does not exist", node.Container)
		return
	case node.State == "paused":
		fail(NodePaused, "container %s is paused", node.Container)
		return
	case node.State != stateRunning:
		fail(NodeDown, "container %s is %s", node.Container, node.State)
		return
	case node.Refuses:
		fail(ManagementRefuses, "the management API refuses user %q with the password of the stack's "+
			"outputs", s.Username)
	case !node.Answers() && !node.Runtime:
		fail(NodeBooting, "the container runs, and no Erlang node in it accepts connections: it is starting, or "+
			"cannot start")
		return
	case !node.Answers() && !node.AMQP && node.Drained:
		fail(NodeDrained, "is drained for maintenance")
		return
	case !node.Answers() && !node.AMQP:
		fail(AppStopped, "the Erlang node runs, and RabbitMQ on it does not: starting, stopped, or waiting for "+
			"its peers")
		return
	case !node.Answers():
		fail(ManagementSilent, "the management API gives no answer: %s", node.Error)
		return
	}
	if !node.AMQP {
		fail(AMQPSilent, "RabbitMQ runs, and does not listen for AMQP clients")
	}
	if node.Drained {
		fail(NodeDrained, "is drained for maintenance")
	}
	if node.Refuses {
		return // nothing more is known
	}
	if node.ActualType != node.Type {
		fail(WrongType, "is a %s node and should be a %s node", node.ActualType, node.Type)
	}
	if node.MemoryAlarm {
		fail(MemoryAlarm, "uses %s of memory and may use %s: publishers are blocked in the whole cluster",
			Bytes(node.MemoryUsed), Bytes(node.MemoryLimit))
	}
	if node.DiskAlarm {
		fail(DiskAlarm, "has %s of disk free and must have %s: publishers are blocked in the whole cluster",
			Bytes(node.DiskFree), Bytes(node.DiskFreeLimit))
	}
	s.checkView(fail, node)
}

// checkView compares what a node knows of its peers with what they are.
func (s Status) checkView(fail func(Kind, string, ...any), node NodeStatus) {
	var unknown, unseen []string
	for _, peer := range s.Nodes {
		switch {
		case !slices.Contains(node.Members, peer.NodeName):
			unknown = append(unknown, peer.Name)
		case !node.Sees(peer) && peer.Answers():
			unseen = append(unseen, peer.Name)
		}
	}
	if len(unknown) > 0 {
		fail(MembershipDiffers, "does not count %s as a member of its cluster", join(unknown))
	}
	if len(unseen) > 0 {
		fail(Partition, "does not see %s running, and should", join(unseen))
	}
	if len(node.Partitions) > 0 {
		fail(Partition, "has recorded a partition from %s", join(node.Partitions))
	}
}

// checkMembers finds members of the cluster that are none of the stack's nodes.
func (s Status) checkMembers(problems *problemList) {
	countedBy := map[string][]string{}
	for _, node := range s.Nodes {
		for _, member := range node.Members {
			if !slices.ContainsFunc(s.Nodes, func(n NodeStatus) bool { return n.NodeName == member }) {
				countedBy[member] = append(countedBy[member], node.Name)
			}
		}
	}
	for _, member := range slices.Sorted(maps.Keys(countedBy)) {
		problems.add(NotInStack, Failure, member, "is none of the stack's nodes, and a member of the cluster for "+
			"%s", join(countedBy[member]))
	}
}
