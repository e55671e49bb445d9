package health

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
)

// healthy is a cluster of three nodes with nothing wrong.
func healthy() Status {
	names := []string{"rabbit1", "rabbit2", "rabbit3"}
	erlang := []string{"rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"}
	status := Status{Time: time.Unix(0, 0)}
	for i, name := range names {
		status.Nodes = append(status.Nodes, NodeStatus{
			NodeOutput: topology.NodeOutput{Name: name, NodeName: erlang[i], Container: "warren-test-" + name,
				Type: topology.Disc},
			State: "running", Runtime: true, AMQP: true,
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
	for _, name := range names {
		status.Helpers = append(status.Helpers, HelperStatus{
			Container: "warren-test-" + name + "-join", Role: topology.RoleMembership, Node: name, State: "running",
			Health: "healthy",
		})
	}
	status.Helpers = append(status.Helpers,
		HelperStatus{Container: "warren-test-formation", Role: topology.RoleFormation, State: "running"},
		HelperStatus{Container: "warren-test-haproxy-config", Role: topology.RoleLoadBalancerConfig,
			State: "running", Health: "starting"})
	status.Series, status.Username = "4.3", "admin"
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
	*n = NodeStatus{NodeOutput: n.NodeOutput, State: state, Runtime: runtime, AMQP: amqp,
		CookieDigest: n.CookieDigest,
		Error:        "GET /api/nodes: context deadline exceeded"}
	if state != "running" {
		n.CookieDigest = ""
	}
}

// problemTest is a problem, and what makes a healthy cluster have it.
type problemTest struct {
	kind     Kind
	subject  string
	severity Severity
	detail   string
	spoil    func(*Status)
}

// problemTests provoke every kind of problem.
func problemTests() []problemTest {
	const node, queue = "rabbit2", "ha_queue"
	return []problemTest{
		{NodeMissing, node, Failure, "does not exist", func(s *Status) {
			unanswered(&s.Nodes[1], cluster.StateMissing, false, false)
		}},
		{NodeDown, node, Failure, "is exited", func(s *Status) { unanswered(&s.Nodes[1], "exited", false, false) }},
		{NodePaused, node, Failure, "is paused", func(s *Status) {
			unanswered(&s.Nodes[1], "paused", false, false)
		}},
		{NodeBooting, node, Failure, "no Erlang node", func(s *Status) {
			unanswered(&s.Nodes[1], "running", false, false)
		}},
		{AppStopped, node, Failure, "RabbitMQ on it does not", func(s *Status) {
			unanswered(&s.Nodes[1], "running", true, false)
		}},
		{ManagementSilent, node, Failure, "deadline", func(s *Status) {
			unanswered(&s.Nodes[1], "running", true, true)
		}},
		{ManagementRefuses, node, Failure, `refuses user "admin"`,
			func(s *Status) { unanswered(&s.Nodes[1], "running", true, true); s.Nodes[1].Refuses = true }},
		{AMQPSilent, node, Failure, "does not listen", func(s *Status) { s.Nodes[1].AMQP = false }},
		{NodeDrained, node, Failure, "maintenance", func(s *Status) { s.Nodes[1].Drained = true }},
		{NodeDrained, node, Failure, "maintenance", func(s *Status) {
			unanswered(&s.Nodes[1], "running", true, false)
			s.Nodes[1].Drained = true
		}},
		{WrongType, node, Failure, "a disc node and should be a ram node", func(s *Status) {
			s.Nodes[1].Type = topology.RAM
		}},
		{MembershipDiffers, node, Failure, "does not count rabbit1, rabbit3",
			func(s *Status) {
				s.Nodes[1].Members = []string{"rabbit@rabbit2"}
				s.Nodes[1].Running = s.Nodes[1].Members
			}},
		{NotInStack, "rabbit@rabbit9", Failure, "none of the stack's nodes, and a member of the cluster for " +
			"rabbit2", func(s *Status) {
			s.Nodes[1].Members = append([]string{"rabbit@rabbit9"}, s.Nodes[1].Members...)
		}},
		{Partition, node, Failure, "does not see rabbit3 running",
			func(s *Status) { s.Nodes[1].Running = []string{"rabbit@rabbit1", "rabbit@rabbit2"} }},
		{Partition, node, Failure, "has recorded a partition from rabbit1",
			func(s *Status) { s.Nodes[1].Partitions = []string{"rabbit@rabbit1"} }},
		{MemoryAlarm, node, Failure, "uses 128.0 MiB of memory and may use 1.0 GiB", func(s *Status) {
			s.Nodes[1].MemoryAlarm = true
		}},
		{DiskAlarm, node, Failure, "has 64.0 GiB of disk free and must have 2.0 GiB", func(s *Status) {
			s.Nodes[1].DiskAlarm = true
		}},
		{CookieMismatch, node, Failure, "not that of the other nodes", func(s *Status) {
			s.Nodes[1].CookieDigest = "another"
		}},
		{CookieUnreadable, node, Failure, "cannot be read", func(s *Status) { s.Nodes[1].CookieDigest = "" }},
		{VersionMismatch, node, Failure, "is 4.2.0, that of other nodes 4.3.6", func(s *Status) {
			s.Nodes[1].Version = "4.2.0"
		}},
		{VersionMismatch, node, Failure, "Erlang version is 27.0", func(s *Status) {
			s.Nodes[1].ErlangVersion = "27.0"
		}},
		{SeriesDiffers, node, Warning, "runs RabbitMQ 4.3.6, and the stack's outputs say 4.4", func(s *Status) {
			s.Series = "4.4"
		}},
		{FeatureFlagMismatch, node, Failure, "lacks the feature flags khepri_db",
			func(s *Status) { s.Nodes[1].FeatureFlags = []string{"quorum_queue"} }},
		{FeatureFlagMismatch, node, Failure, "has the feature flags new_flag enabled",
			func(s *Status) { s.Nodes[1].FeatureFlags = []string{"khepri_db", "new_flag", "quorum_queue"} }},
		{QueuesUnknown, "", Failure, "no node answers", func(s *Status) {
			s.Queues, s.QueuesError = nil, cluster.ErrNoNodeAnswers.Error()
		}},
		{QueueNoLeader, queue, Failure, "has no leader", func(s *Status) { s.Queues[0].Leader = "" }},
		{QueueNoLeader, queue, Failure, "rabbit2, rabbit3 take part", func(s *Status) {
			s.Queues[0].Online = s.Queues[0].Online[1:]
		}},
		{ReplicaOffline, queue, Failure, "replicas on rabbit3", func(s *Status) {
			s.Queues[0].Online = s.Queues[0].Online[:2]
		}},
		{TooFewReplicas, queue, Failure, "has 2 of 3 replicas, on rabbit1, rabbit2", func(s *Status) {
			s.Queues[0].Members, s.Queues[0].Online = s.Queues[0].Members[:2], s.Queues[0].Online[:2]
		}},
		{TooFewReplicas, "events", Failure, "has 1 of 3 replicas", func(s *Status) {
			s.Queues = append(s.Queues, stream(s.Nodes[:1]))
		}},
		{QueueNoLeader, "events", Failure, "rabbit1, rabbit2, rabbit3 take part", func(s *Status) {
			s.Queues = append(s.Queues, stream(s.Nodes))
			s.Queues[1].Leader = ""
		}},
		{ReplicaOffline, "events", Failure, "replicas on rabbit3", func(s *Status) {
			s.Queues = append(s.Queues, stream(s.Nodes))
			s.Queues[1].Online = s.Queues[1].Online[:2]
		}},
		{QueueHalfDeleted, queue, Failure, "names replicas on rabbit1, rabbit2, rabbit3, all of which run",
			func(s *Status) {
				s.Queues[0].Leader, s.Queues[0].Online = "", nil
			}},
		{ReplicaNotVoting, queue, Warning, "replicas on rabbit3 do not vote", func(s *Status) {
			s.Queues[0].NonVoters = []string{"rabbit@rabbit3"}
		}},
		{ReplicaBehind, queue, Warning, "rabbit2 lacks 7, rabbit3 lacks 1000 of the log's entries",
			func(s *Status) {
				s.Queues[0].Behind = map[string]int64{"rabbit@rabbit3": 1000, "rabbit@rabbit2": 7}
			}},
		{QueueDown, "legacy", Failure, "is crashed; it lives on rabbit3 alone", func(s *Status) {
			s.Queues = append(s.Queues, cluster.Queue{
				VHost: "/", Name: "legacy", Type: "classic", State: "crashed", Members: []string{"rabbit@rabbit3"},
			})
		}},
		{NotReplicated, "orders legacy", Warning, "lives on rabbit3 alone", func(s *Status) {
			s.Queues = append(s.Queues, cluster.Queue{VHost: "orders", Name: "legacy", Type: "classic",
				Members: []string{"rabbit@rabbit3"}})
		}},
		{LeadersNotSpread, "rabbit1", Warning, "leads 3 of 3 quorum queues; an even share is 1",
			func(s *Status) { s.Queues = append(s.Queues, s.Queues[0], s.Queues[0]) }},
		{LoadBalancerDown, "warren-test-haproxy", Failure, "container exited",
			func(s *Status) { s.LoadBalancer.Servers, s.LoadBalancer.Error = nil, "container exited" }},
		{ServerDown, node, Failure, "amqp has it as DOWN (L4CON)",
			func(s *Status) { s.LoadBalancer.Servers[2].Status, s.LoadBalancer.Servers[2].Check = "DOWN", "L4CON" }},
		{ServerWronglyUp, node, Failure, "amqp has it as UP", func(s *Status) { s.Nodes[1].AMQP = false }},
		{ServerMissing, node, Failure, "amqp does not know it",
			func(s *Status) {
				s.LoadBalancer.Servers = append(s.LoadBalancer.Servers[:2], s.LoadBalancer.Servers[3:]...)
			}},
		{HelperMissing, "warren-test-rabbit2-join", Failure, "looks after the membership of rabbit2 does not exist",
			func(s *Status) { s.Helpers[1].State = cluster.StateMissing }},
		{HelperDown, "warren-test-formation", Failure, "makes the cluster consist of the stack's nodes is exited",
			func(s *Status) { s.Helpers[3].State = "exited" }},
		{HelperUnhealthy, "warren-test-haproxy-config", Failure, "hands the load balancer its configuration " +
			"runs, and its health check fails",
			func(s *Status) { s.Helpers[4].Health = "unhealthy" }},
		{HelperUnhealthy, "warren-test-rabbit1-join", Failure,
			"fails: agent: lost: rabbit@rabbit1 was removed from its cluster",
			func(s *Status) {
				s.Helpers[0].Health, s.Helpers[0].Reason = "unhealthy", "agent: lost:\n rabbit@rabbit1 was removed "+
					"from its cluster"
			}},
		{CertificateRefused, "rabbit1", Failure, "unknown authority", func(s *Status) {
			s.Certificates = []CertificateStatus{{Subject: "rabbit1",
				Refused: "x509: certificate signed by unknown authority"}}
		}},
		{CertificateEnds, "rabbit1", Warning, "in 29 days", func(s *Status) {
			s.Certificates = []CertificateStatus{
				{Subject: "rabbit1", Ends: s.Time.Add(29*24*time.Hour + time.Minute)},
				{Subject: "rabbit2", Ends: s.Time.Add(31 * 24 * time.Hour)},
			}
		}},
		{OutputsIncomplete, "", Warning, "older version", func(s *Status) {
			s.Helpers, s.OutputsIncomplete = nil, true
		}},
		{NotSpread, node, Failure, "none of 6 connections, but 3 to rabbit1, 3 to rabbit3", func(s *Status) {
			s.Spread = &Spread{6, []NodeSpread{{"rabbit1", 0, 3}, {"rabbit2", 0, 0}, {"rabbit3", 0, 3}}}
		}},
	}
}

func TestProblems(t *testing.T) {
	for _, test := range problemTests() {
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

// stream is a stream with a replica on each of some nodes.
func stream(nodes []NodeStatus) cluster.Queue {
	queue := cluster.Queue{VHost: "/", Name: "events", Type: cluster.Stream, State: "running", GroupSize: 3}
	for _, node := range nodes {
		queue.Members = append(queue.Members, node.NodeName)
	}
	queue.Leader, queue.Online = queue.Members[0], queue.Members
	return queue
}

func TestEveryKindIsListedAndProvoked(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "kind.go", nil, 0)
	require.NoError(t, err)
	var declared []Kind
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, isValue := n.(*ast.ValueSpec); isValue {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			declared = append(declared, Kind(value))
		}
		return true
	})
	assert.ElementsMatch(t, declared, Kinds())
	provoked := map[Kind]bool{}
	for _, test := range problemTests() {
		provoked[test.kind] = true
	}
	for _, kind := range declared {
		assert.True(t, provoked[kind], kind)
	}
}

// TestHealthWithoutHelpers: a cluster without helpers is not healthy, and serves.
func TestHealthWithoutHelpers(t *testing.T) {
	status := healthy()
	status.Helpers[0].State = cluster.StateMissing
	assert.False(t, status.Healthy())
	assert.True(t, status.Serves())
	status.Nodes[0].AMQP = false
	assert.False(t, status.Serves())
}

func TestHelpersAreThoseThatTheOutputsName(t *testing.T) {
	c, err := stackconfig.New("test", stackconfig.Config{})
	require.NoError(t, err)
	outputs := c.Outputs(topology.Secrets{})
	var names []string
	for _, helper := range helpersOf(outputs) {
		names = append(names, helper.Container)
	}
	assert.Equal(t, []string{
		"warren-test-rabbit1-join", "warren-test-rabbit2-join", "warren-test-rabbit3-join", "warren-test-formation",
		"warren-test-haproxy-config",
	}, names)
	assert.False(t, outputsIncomplete(outputs))

	older := outputs
	older.Formation = ""
	assert.True(t, outputsIncomplete(older))

	foreign := topology.Outputs{Nodes: outputs.Nodes, Network: "by-hand"}
	foreign.Nodes = nil
	assert.Empty(t, helpersOf(foreign))
	assert.False(t, outputsIncomplete(foreign))
}

// TestQueueOfTwoNames: the subject of two queues may be the same, and is not what tells them apart.
func TestQueueOfTwoNames(t *testing.T) {
	status := healthy()
	status.Queues = []cluster.Queue{
		{VHost: "a", Name: "b c", Type: "classic", State: "down"},
		{VHost: "a b", Name: "c", Type: "classic", State: "down"},
	}
	problems := status.Problems()
	require.Len(t, problems, 2)
	assert.Equal(t, problems[0].Subject, problems[1].Subject)
	assert.NotEqual(t, problems[0].Queue, problems[1].Queue)
}

func TestQueueWhoseNodeIsDownIsNotHalfDeleted(t *testing.T) {
	status := healthy()
	unanswered(&status.Nodes[1], "exited", false, false)
	for _, i := range []int{0, 2} {
		status.Nodes[i].Running = []string{"rabbit@rabbit1", "rabbit@rabbit3"}
	}
	status.Queues[0].Leader, status.Queues[0].Online = "", nil
	for _, problem := range status.Problems() {
		assert.NotEqual(t, QueueHalfDeleted, problem.Kind, problem)
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
		{Kind: NodeDown, Severity: Failure, Subject: "rabbit2", Detail: "container is exited"},
		{Kind: NotReplicated, Severity: Warning, Subject: "legacy", Detail: "a classic queue"},
	}}
	assert.EqualError(t, err, "the cluster is not healthy: rabbit2: container is exited")
}

func TestBytes(t *testing.T) {
	assert.Equal(t, "512 B", Bytes(512))
	assert.Equal(t, "1.5 KiB", Bytes(1536))
	assert.Equal(t, "14.1 GiB", Bytes(15165901209))
	assert.Equal(t, "909.5 TiB", Bytes(1e15))
}
