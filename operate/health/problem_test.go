package health

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/operate/cluster"
	"warren/topology"
)

// healthy is a cluster of three nodes with nothing wrong.
func healthy() Status {
	names := []string{"rabbit1", "rabbit2", "rabbit3"}
	erlang := []string{"rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"}
	status := Status{Time: time.Unix(0, 0)}
	for i, name := range names {
		status.Nodes = append(status.Nodes, NodeStatus{
			NodeOutput: topology.NodeOutput{Name: name, NodeName: erlang[i], Container: "warren-test-" + name, Type: topology.Disc},
			State:      "running", Runtime: true, AMQP: true,
			Version: "4.3.6", ErlangVersion: "29.1", ActualType: topology.Disc,
			Members: erlang, Running: erlang,
			FeatureFlags: []string{"khepri_db", "quorum_queue"}, CookieDigest: "a digest",
			MemoryUsed: 1 << 27, MemoryLimit: 1 << 30, DiskFree: 1 << 36, DiskFreeLimit: 1 << 31,
		})
		for _, proxy := range []cluster.Server{{Proxy: "amqp", Mode: "tcp"}, {Proxy: "management", Mode: "http"}} {
			proxy.Name, proxy.Status, proxy.Check = name, "UP", "L7OK"
			status.LoadBalancer.Servers = append(status.LoadBalancer.Servers, proxy)
		}
	}
	status.LoadBalancer.Container, status.LoadBalancer.State = "warren-test-haproxy", "running"
	status.Queues = []cluster.Queue{{
		VHost: "/", Name: "ha_queue", Type: "quorum", State: "running", GroupSize: 3,
		Leader: erlang[0], Members: erlang, Online: erlang,
	}}
	return status
}

func TestHealthyClusterHasNoProblems(t *testing.T) {
	assert.Empty(t, healthy().Problems())
	assert.True(t, healthy().Healthy())
}

// unanswered is what is known of a node whose management API gives no answer.
func unanswered(n *NodeStatus, state string, runtime, amqp bool) {
	*n = NodeStatus{NodeOutput: n.NodeOutput, State: state, Runtime: runtime, AMQP: amqp, CookieDigest: n.CookieDigest,
		Error: "GET /api/nodes: context deadline exceeded"}
	if state != "running" {
		n.CookieDigest = ""
	}
}

func TestProblems(t *testing.T) {
	const node, queue = "rabbit2", "ha_queue"
	for _, test := range []struct {
		kind     Kind
		subject  string
		severity Severity
		detail   string
		spoil    func(*Status)
	}{
		{NodeMissing, node, Failure, "does not exist", func(s *Status) { unanswered(&s.Nodes[1], cluster.StateMissing, false, false) }},
		{NodeDown, node, Failure, "is exited", func(s *Status) { unanswered(&s.Nodes[1], "exited", false, false) }},
		{NodePaused, node, Failure, "is paused", func(s *Status) { unanswered(&s.Nodes[1], "paused", false, false) }},
		{NodeBooting, node, Failure, "no Erlang node", func(s *Status) { unanswered(&s.Nodes[1], "running", false, false) }},
		{AppStopped, node, Failure, "RabbitMQ on it does not", func(s *Status) { unanswered(&s.Nodes[1], "running", true, false) }},
		{ManagementSilent, node, Failure, "deadline", func(s *Status) { unanswered(&s.Nodes[1], "running", true, true) }},
		{AMQPSilent, node, Failure, "does not listen", func(s *Status) { s.Nodes[1].AMQP = false }},
		{NodeDrained, node, Failure, "maintenance", func(s *Status) { s.Nodes[1].Drained = true }},
		{NodeDrained, node, Failure, "maintenance", func(s *Status) { unanswered(&s.Nodes[1], "running", true, false); s.Nodes[1].Drained = true }},
		{WrongType, node, Failure, "a disc node and should be a ram node", func(s *Status) { s.Nodes[1].Type = topology.RAM }},
		{MembershipDiffers, node, Failure, "does not count rabbit1, rabbit3",
			func(s *Status) {
				s.Nodes[1].Members = []string{"rabbit@rabbit2"}
				s.Nodes[1].Running = s.Nodes[1].Members
			}},
		{Stranger, "rabbit@rabbit9", Failure, "not in the stack, and is a member of the cluster for rabbit2", func(s *Status) {
			s.Nodes[1].Members = append([]string{"rabbit@rabbit9"}, s.Nodes[1].Members...)
		}},
		{Partition, node, Failure, "does not see rabbit3 running",
			func(s *Status) { s.Nodes[1].Running = []string{"rabbit@rabbit1", "rabbit@rabbit2"} }},
		{Partition, node, Failure, "has recorded a partition from rabbit1",
			func(s *Status) { s.Nodes[1].Partitions = []string{"rabbit@rabbit1"} }},
		{MemoryAlarm, node, Failure, "uses 128.0 MiB of memory and may use 1.0 GiB", func(s *Status) { s.Nodes[1].MemoryAlarm = true }},
		{DiskAlarm, node, Failure, "has 64.0 GiB of disk free and must have 2.0 GiB", func(s *Status) { s.Nodes[1].DiskAlarm = true }},
		{CookieMismatch, node, Failure, "not that of the other nodes", func(s *Status) { s.Nodes[1].CookieDigest = "another" }},
		{CookieUnreadable, node, Failure, "cannot be read", func(s *Status) { s.Nodes[1].CookieDigest = "" }},
		{VersionMismatch, node, Failure, "is 4.2.0, that of other nodes 4.3.6", func(s *Status) { s.Nodes[1].Version = "4.2.0" }},
		{VersionMismatch, node, Failure, "Erlang version is 27.0", func(s *Status) { s.Nodes[1].ErlangVersion = "27.0" }},
		{FeatureFlagMismatch, node, Failure, "lacks the feature flags khepri_db",
			func(s *Status) { s.Nodes[1].FeatureFlags = []string{"quorum_queue"} }},
		{FeatureFlagMismatch, node, Failure, "has the feature flags new_flag enabled",
			func(s *Status) { s.Nodes[1].FeatureFlags = []string{"khepri_db", "new_flag", "quorum_queue"} }},
		{QueuesUnknown, "", Failure, "no node answers", func(s *Status) { s.Queues, s.QueuesError = nil, cluster.ErrNoNodeAnswers.Error() }},
		{QueueNoLeader, queue, Failure, "has no leader", func(s *Status) { s.Queues[0].Leader = "" }},
		{QueueNoLeader, queue, Failure, "rabbit2, rabbit3 take part", func(s *Status) { s.Queues[0].Online = s.Queues[0].Online[1:] }},
		{ReplicaOffline, queue, Failure, "replicas on rabbit3", func(s *Status) { s.Queues[0].Online = s.Queues[0].Online[:2] }},
		{TooFewReplicas, queue, Failure, "has 2 of 3 replicas, on rabbit1, rabbit2", func(s *Status) {
			s.Queues[0].Members, s.Queues[0].Online = s.Queues[0].Members[:2], s.Queues[0].Online[:2]
		}},
		{NotReplicated, "orders legacy", Warning, "lives on rabbit3 alone", func(s *Status) {
			s.Queues = append(s.Queues, cluster.Queue{VHost: "orders", Name: "legacy", Type: "classic", Members: []string{"rabbit@rabbit3"}})
		}},
		{LeadersNotSpread, "rabbit1", Warning, "leads 3 of 3 quorum queues; an even share is 1",
			func(s *Status) { s.Queues = append(s.Queues, s.Queues[0], s.Queues[0]) }},
		{LoadBalancerDown, "warren-test-haproxy", Failure, "container exited",
			func(s *Status) { s.LoadBalancer.Servers, s.LoadBalancer.Error = nil, "container exited" }},
		{ServerDown, node, Failure, "amqp holds it for DOWN (L4CON)",
			func(s *Status) { s.LoadBalancer.Servers[2].Status, s.LoadBalancer.Servers[2].Check = "DOWN", "L4CON" }},
		{ServerWronglyUp, node, Failure, "amqp holds it for UP", func(s *Status) { s.Nodes[1].AMQP = false }},
		{ServerMissing, node, Failure, "amqp does not know it",
			func(s *Status) {
				s.LoadBalancer.Servers = append(s.LoadBalancer.Servers[:2], s.LoadBalancer.Servers[3:]...)
			}},
		{NotSpread, node, Failure, "none of 6 connections, but 3 to rabbit1, 3 to rabbit3", func(s *Status) {
			s.Spread = &Spread{6, []NodeSpread{{"rabbit1", 0, 3}, {"rabbit2", 0, 0}, {"rabbit3", 0, 3}}}
		}},
	} {
		t.Run(string(test.kind)+" "+test.detail, func(t *testing.T) {
			status := healthy()
			test.spoil(&status)
			var found []string
			for _, problem := range status.Problems() {
				if problem.Kind == test.kind && problem.Subject == test.subject {
					assert.Equal(t, test.severity, problem.Severity)
					found = append(found, problem.Detail)
				}
			}
			assert.NotEmpty(t, found, "all problems: %v", status.Problems())
			assert.Contains(t, joinLines(found), test.detail)
			assert.Equal(t, test.severity == Warning, status.Healthy())
		})
	}
}

func joinLines(lines []string) string {
	var text string
	for _, line := range lines {
		text += line + "\n"
	}
	return text
}

func TestNodeThatIsDownIsNotCalledPartitioned(t *testing.T) {
	status := healthy()
	unanswered(&status.Nodes[1], "exited", false, false)
	for _, i := range []int{0, 2} {
		status.Nodes[i].Running = []string{"rabbit@rabbit1", "rabbit@rabbit3"}
	}
	for _, problem := range status.Problems() {
		assert.NotEqual(t, Partition, problem.Kind, problem)
	}
}

func TestMinorityNodeMayBeKeptFromClients(t *testing.T) {
	status := healthy()
	status.Nodes[1].Running = []string{"rabbit@rabbit2"}
	status.LoadBalancer.Servers[2].Status = "DOWN"
	for _, problem := range status.Problems() {
		assert.NotEqual(t, ServerDown, problem.Kind, problem)
	}
}

func TestNodeWithMoreSessionsMayGetNoConnections(t *testing.T) {
	status := healthy()
	status.Spread = &Spread{6, []NodeSpread{{"rabbit1", 0, 3}, {"rabbit2", 9, 0}, {"rabbit3", 0, 3}}}
	assert.Empty(t, status.Problems())
}

func TestQueueMayHaveFewerReplicasThanNodes(t *testing.T) {
	status := healthy()
	status.Queues[0].GroupSize = 1
	status.Queues[0].Members, status.Queues[0].Online = status.Queues[0].Members[:1], status.Queues[0].Online[:1]
	assert.Empty(t, status.Problems())
}

func TestUnhealthyErrorTellsFailuresOnly(t *testing.T) {
	err := &UnhealthyError{[]Problem{
		{NodeDown, Failure, "rabbit2", "container is exited"},
		{NotReplicated, Warning, "legacy", "a classic queue"},
	}}
	assert.EqualError(t, err, "the cluster is not healthy: rabbit2: container is exited")
}

func TestBytes(t *testing.T) {
	assert.Equal(t, "512 B", Bytes(512))
	assert.Equal(t, "1.5 KiB", Bytes(1536))
	assert.Equal(t, "14.1 GiB", Bytes(15165901209))
	assert.Equal(t, "909.5 TiB", Bytes(1e15))
}
