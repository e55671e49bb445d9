package doctor

import (
	"slices"

	"warren/agent/plan"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

// viewOf is the cluster as the planner looks at it, from what the doctor saw. What it did not see is unknown.
func viewOf(e Examination) plan.View {
	v := plan.View{Nodes: nodesOf(e.Status)}
	v.ClusterID = plan.Home(v.Nodes)
	var members, running []string
	agree := 0
	for i, node := range e.Status.Nodes {
		if !v.Nodes[i].ClusterID.Is(v.ClusterID) {
			continue
		}
		n := agreeing(e.Status, node)
		if n > agree || n == agree && len(node.Running) > len(running) {
			agree, members, running, v.Flags = n, node.Members, node.Running, flagsOf(node)
		}
	}
	for _, member := range members {
		name := plan.NodeName(member)
		if slices.ContainsFunc(v.Nodes, func(n plan.Node) bool { return n.Name == name }) {
			continue
		}
		n := plan.Node{Name: name, State: plan.Down}
		if slices.Contains(running, member) {
			n.State, n.ClusterID, n.Data = plan.Serving, plan.Known(v.ClusterID), plan.Known(true)
		}
		v.Nodes = append(v.Nodes, n)
	}
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if members != nil {
			n.Member = plan.Known(slices.Contains(members, string(n.Name)))
		}
		if id, known := n.ClusterID.Get(); known && id != v.ClusterID {
			if queues, listed := e.Own[e.Status.Nodes[i].Name]; listed {
				n.OwnQueues = plan.Known(len(queues))
			}
		}
	}
	v.Metadata = metadataOf(members, running, v.Flags)
	if e.Status.QueuesError == "" {
		// What the cluster remembers of lost replicas matters to nothing that is asked here.
		v.QueuesKnown, v.LostKnown = true, true
		for _, queue := range e.Status.Queues {
			v.Queues = append(v.Queues, queueOf(queue))
		}
	}
	return v
}

// agreeing counts the nodes that name the same members as a node does.
func agreeing(status health.Status, node health.NodeStatus) int {
	n := 0
	for _, other := range status.Nodes {
		if slices.Equal(other.Members, node.Members) {
			n++
		}
	}
	return n
}

// nodesOf are the stack's nodes as they say they are themselves.
func nodesOf(status health.Status) []plan.Node {
	var nodes []plan.Node
	for _, node := range status.Nodes {
		n := plan.Node{Name: plan.NodeName(node.NodeName), State: stateOf(node)}
		n.Container = plan.Known(node.State != cluster.StateMissing)
		if node.Answers() {
			n.Data = plan.Known(true)
			n.Alone = plan.Known(len(node.Members) == 1)
			n.Type, n.Version = plan.Known(node.ActualType), plan.Known(node.Version)
			if node.ClusterID != "" {
				n.ClusterID = plan.Known(node.ClusterID)
			}
			if node.MemoryAlarm {
				n.Alarms = append(n.Alarms, "memory")
			}
			if node.DiskAlarm {
				n.Alarms = append(n.Alarms, "disk")
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func stateOf(node health.NodeStatus) plan.NodeState {
	switch {
	case node.State == cluster.StateMissing, node.State == "exited", node.State == "created",
		node.State == "dead":
		return plan.Down
	case node.Drained:
		return plan.Maintenance
	case node.Answers() && node.AMQP:
		return plan.Serving
	default:
		return plan.StateUnknown
	}
}

func flagsOf(node health.NodeStatus) []plan.FeatureFlag {
	var flags []plan.FeatureFlag
	for _, name := range node.FeatureFlags {
		flags = append(flags, plan.FeatureFlag{Name: name, Enabled: true, Stable: true})
	}
	return flags
}

// khepri is the feature flag of the metadata store that replaced Mnesia.
const khepri = "khepri_db"

// metadataOf is the metadata store, of which a member that runs has all there is.
func metadataOf(members, running []string, flags []plan.FeatureFlag) plan.Metadata {
	if !slices.ContainsFunc(flags, func(f plan.FeatureFlag) bool { return f.Name == khepri }) {
		return plan.Metadata{Store: plan.Mnesia}
	}
	m := plan.Metadata{Store: plan.Khepri}
	for _, member := range members {
		runs := plan.Known(slices.Contains(running, member))
		m.Group.Replicas = append(m.Group.Replicas, plan.Replica{
			Node: plan.NodeName(member), Online: runs, Voter: plan.Known(true), CaughtUp: runs,
		})
	}
	return m
}

func queueOf(queue cluster.Queue) plan.Queue {
	q := plan.Queue{
		QueueID: queue.ID(), Type: plan.QueueType(queue.Type), Durable: queue.Durable, AutoDelete: queue.AutoDelete,
		Messages: plan.Known(queue.Messages), Wanted: queue.GroupSize,
	}
	if queue.Consumers != cluster.UnknownConsumers {
		q.Consumers = plan.Known(queue.Consumers)
	}
	if slices.Contains(queue.Online, queue.Leader) {
		q.Leader = plan.NodeName(queue.Leader)
	}
	for _, member := range queue.Members {
		online := slices.Contains(queue.Online, member)
		_, lags := queue.Behind[member]
		q.Replicas = append(q.Replicas, plan.Replica{
			Node: plan.NodeName(member), Online: plan.Known(online), CaughtUp: plan.Known(online && !lags),
			Voter: plan.Known(!slices.Contains(queue.NonVoters, member)),
		})
	}
	return q
}

// desired is what the stack's outputs ask for, in a scope.
func (c *consultation) desired(scope plan.Scope, self string) plan.Desired {
	d := plan.Desired{Scope: scope, Self: plan.NodeName(self)}
	for i, node := range c.Status.Nodes {
		d.Nodes = append(d.Nodes, plan.DesiredNode{
			Name: plan.NodeName(node.NodeName), Type: node.Type, Seed: i < topology.SeedCount,
		})
	}
	d.Series, _ = topology.ParseSeries(c.Status.Series)
	return d
}
