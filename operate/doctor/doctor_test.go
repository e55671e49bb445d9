package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

// healthy is the examination of a cluster of three nodes with nothing wrong.
func healthy() Examination {
	erlang := []string{"rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"}
	e := Examination{Stack: "test", Network: "warren-test", Logs: map[string]string{},
		Own: map[string][]cluster.Queue{}}
	e.Status.Series = "4.3"
	for _, nodeName := range erlang {
		name := strings.TrimPrefix(nodeName, "rabbit@")
		e.Status.Nodes = append(e.Status.Nodes, health.NodeStatus{
			NodeOutput: topology.NodeOutput{Name: name, NodeName: nodeName, Container: "warren-test-" + name,
				Type: topology.Disc},
			State: "running", Runtime: true, AMQP: true, ActualType: topology.Disc,
			Members: erlang, Running: erlang, CookieDigest: "a digest", ClusterID: "home", Version: "4.3.6",
			FeatureFlags: []string{"khepri_db"},
		})
		e.Status.Helpers = append(e.Status.Helpers, health.HelperStatus{
			Container: "warren-test-" + name + "-join", Role: topology.RoleMembership, Node: name, State: "running",
			Health: "healthy",
		})
		e.Status.LoadBalancer.Servers = append(e.Status.LoadBalancer.Servers,
			cluster.Server{Proxy: "amqp", Mode: "tcp", Name: name, Status: "UP"})
	}
	e.Status.LoadBalancer.Container = "warren-test-haproxy"
	e.Status.Helpers = append(e.Status.Helpers, health.HelperStatus{
		Container: "warren-test-formation", Role: topology.RoleFormation, State: "running", Health: "healthy",
	})
	e.Status.Queues = []cluster.Queue{{
		VHost: "/", Name: "ha_queue", Type: "quorum", Durable: true, GroupSize: 3, Leader: erlang[0],
		Members: erlang, Online: erlang,
	}}
	return e
}

// gone makes rabbit2 a node that does not answer.
func gone(e *Examination, state string, runtime bool) {
	const i = 1
	n := &e.Status.Nodes[i]
	*n = health.NodeStatus{NodeOutput: n.NodeOutput, State: state, Runtime: runtime, Error: "no answer"}
	for j := range e.Status.Nodes {
		if j != i {
			e.Status.Nodes[j].Running = without(e.Status.Nodes[j].Running, n.NodeName)
		}
	}
	e.Status.Queues[0].Online = without(e.Status.Queues[0].Online, n.NodeName)
	e.Status.LoadBalancer.Servers[i].Status = "DOWN"
}

func without(names []string, name string) []string {
	var rest []string
	for _, n := range names {
		if n != name {
			rest = append(rest, n)
		}
	}
	return rest
}

func TestHealthyClusterGetsNoDiagnosis(t *testing.T) {
	assert.Empty(t, Diagnose(healthy()))
}

// diagnosisTest is a diagnosis, and what makes a healthy cluster have it.
type diagnosisTest struct {
	name  string
	found string // part of what was found
	fix   string // part of the commands
	spoil func(*Examination)
}

// diagnosisTests provoke every diagnosis.
func diagnosisTests() []diagnosisTest {
	return []diagnosisTest{
		{"node-missing", "rabbit2", "pulumi up --stack test", func(e *Examination) {
			gone(e, cluster.StateMissing, false)
		}},
		{"node-down", "rabbit2", "docker start warren-test-rabbit2", func(e *Examination) {
			gone(e, "exited", false)
		}},
		{"node-paused", "rabbit2", "docker unpause warren-test-rabbit2", func(e *Examination) {
			gone(e, "paused", false)
		}},
		{"node-not-up", "rabbit2", "docker logs --tail 50 warren-test-rabbit2", func(e *Examination) {
			gone(e, "running", false)
		}},
		{"app-stopped", "rabbit2", "rabbitmqctl start_app", func(e *Examination) { gone(e, "running", true) }},
		{"amqp-silent", "rabbit2", "rabbitmq-diagnostics listeners", func(e *Examination) {
			e.Status.Nodes[1].AMQP = false
		}},
		{"node-drained", "rabbit2", "rabbitmq-upgrade revive", func(e *Examination) {
			e.Status.Nodes[1].Drained = true
		}},
		{"wrong-type", "rabbit2", "change_cluster_node_type ram", func(e *Examination) {
			e.Status.Nodes[1].Type = topology.RAM
		}},
		{"partition", "rabbit2: does not see rabbit1, rabbit3", "docker network inspect warren-test",
			func(e *Examination) {
				e.Status.Nodes[1].Running = []string{"rabbit@rabbit2"}
			}},
		{"partition", "recorded a partition from rabbit1", "docker restart warren-test-rabbit2",
			func(e *Examination) {
				e.Status.Nodes[1].Partitions = []string{"rabbit@rabbit1"}
			}},
		{"memory-alarm", "rabbit2", "memory_breakdown", func(e *Examination) {
			e.Status.Nodes[1].MemoryAlarm = true
		}},
		{"disk-alarm", "rabbit2", "docker system df", func(e *Examination) { e.Status.Nodes[1].DiskAlarm = true }},
		{"cookie-mismatch", "rabbit2", "docker restart warren-test-rabbit2",
			func(e *Examination) { e.Status.Nodes[1].CookieDigest = "another" }},
		{"cookie-unreadable", "rabbit2", "docker restart warren-test-rabbit2",
			func(e *Examination) { e.Status.Nodes[1].CookieDigest = "" }},
		{"inconsistent-membership", "rabbit2: does not count rabbit1, rabbit3", "pulumi up --stack test",
			func(e *Examination) {
				away(e, nil)
			}},
		{"inconsistent-membership", "rabbit1: does not count rabbit2", "pulumi up --stack test", forget},
		{"inconsistent-membership", "rabbit2 logs: Error: {inconsistent_cluster", "docker restart " +
			"warren-test-rabbit2", func(e *Examination) {
			gone(e, "running", true)
			e.Logs["rabbit2"] = "booting\nError: {inconsistent_cluster,\"Node 'rabbit@rabbit2' thinks it's " +
				"clustered with node 'rabbit@rabbit1'\"}\n"
		}},
		{"not-in-stack", "rabbit@rabbit9: is none of the stack's nodes", "pulumi up --stack test",
			func(e *Examination) {
				stray(e, true)
			}},
		{"management-refuses", "rabbit2", "pulumi config set --secret warren:adminPassword --stack test",
			func(e *Examination) {
				gone(e, "running", true)
				e.Status.Nodes[1].AMQP, e.Status.Nodes[1].Refuses = true, true
			}},
		{"management-silent", "rabbit2", "rabbitmq-diagnostics check_running", func(e *Examination) {
			gone(e, "running", true)
			e.Status.Nodes[1].AMQP = true
		}},
		{"version-mismatch", "rabbit2", "pulumi up --stack test", func(e *Examination) {
			e.Status.Nodes[1].Version = "4.2.1"
		}},
		{"series-differs", "rabbit2: runs RabbitMQ 4.3.6", "pulumi up --stack test", func(e *Examination) {
			e.Status.Series = "4.4"
		}},
		{"feature-flag-mismatch", "rabbit2", "rabbitmqctl enable_feature_flag all", func(e *Examination) {
			e.Status.Nodes[1].FeatureFlags = []string{"quorum_queue"}
		}},
		{"queues-unknown", "no node answers", "fix the nodes", func(e *Examination) {
			e.Status.QueuesError = "no node answers"
		}},
		{"queue-half-deleted", "ha_queue: is half deleted", "rabbitmqctl delete_queue --vhost / -- ha_queue",
			func(e *Examination) {
				e.Status.Queues[0].Leader, e.Status.Queues[0].Online = "", nil
			}},
		{"queue-down", "legacy: is down", "docker logs --tail 50 warren-test-rabbit1", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues,
				cluster.Queue{VHost: "/", Name: "legacy", Type: "classic", State: "down",
					Members: []string{"rabbit@rabbit1"}})
		}},
		{"replica-not-voting", "rabbit3 do not vote", "quorum_status --vhost / -- ha_queue", func(e *Examination) {
			e.Status.Queues[0].NonVoters = []string{"rabbit@rabbit3"}
		}},
		{"replica-behind", "rabbit3 lacks 1000", "quorum_status --vhost / -- ha_queue", func(e *Examination) {
			e.Status.Queues[0].Behind = map[string]int64{"rabbit@rabbit3": 1000}
		}},
		{"replica-offline", "events: its replicas on rabbit3", "rabbitmq-streams stream_status --vhost / -- " +
			"events", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues, e.Status.Queues[0])
			e.Status.Queues[1].Type, e.Status.Queues[1].Name, e.Status.Queues[1].Online =
				"stream", "events", e.Status.Queues[0].Online[:2]
		}},
		{"too-few-replicas", "events: has 2 of 3", "rabbitmq-streams add_replica --vhost / -- events " +
			"rabbit@rabbit3", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues, e.Status.Queues[0])
			q := &e.Status.Queues[1]
			q.Type, q.Name, q.Members, q.Online = "stream", "events", q.Members[:2], q.Online[:2]
		}},
		{"helper-missing", "warren-test-rabbit2-join", "pulumi up --stack test", func(e *Examination) {
			e.Status.Helpers[1].State = "missing"
		}},
		{"helper-down", "warren-test-formation", "docker start warren-test-formation", func(e *Examination) {
			e.Status.Helpers[3].State = "exited"
		}},
		{"helper-down", "warren-test-formation", "docker unpause warren-test-formation", func(e *Examination) {
			e.Status.Helpers[3].State = "paused"
		}},
		{"helper-unhealthy", "warren-test-rabbit1-join", "docker logs --tail 50 warren-test-rabbit1-join",
			func(e *Examination) { e.Status.Helpers[0].Health = "unhealthy" }},
		{"certificate-ends", "certificate ends on", "pulumi up --stack test", func(e *Examination) {
			e.Status.Certificates = []health.CertificateStatus{{Subject: "rabbit1", Ends: e.Status.Time.Add(3600e9)}}
		}},
		{"certificate-refused", "clients refuse", "pulumi up --stack test", func(e *Examination) {
			e.Status.Certificates = []health.CertificateStatus{{Subject: "rabbit1", Refused: "it has expired"}}
		}},
		{"outputs-incomplete", "older version", "pulumi up --stack test", func(e *Examination) {
			e.Status.Helpers, e.Status.OutputsIncomplete = nil, true
		}},
		{"queue-without-leader", "ha_queue", "rabbitmq-queues quorum_status --vhost / -- ha_queue",
			func(e *Examination) { e.Status.Queues[0].Leader = "" }},
		{"replica-offline", "rabbit3", "quorum_status", func(e *Examination) {
			e.Status.Queues[0].Online = e.Status.Queues[0].Online[:2]
		}},
		{"too-few-replicas", "has 1 of 3 replicas", "add_member --vhost / -- ha_queue rabbit@rabbit3",
			func(e *Examination) {
				e.Status.Queues[0].Members, e.Status.Queues[0].Online =
					e.Status.Queues[0].Members[:1], e.Status.Queues[0].Online[:1]
			}},
		{"not-replicated", "legacy: a classic queue", "rabbitmqctl delete_queue --vhost / --if-empty --if-unused " +
			"-- legacy", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues,
				cluster.Queue{VHost: "/", Name: "legacy", Type: "classic", Members: []string{"rabbit@rabbit1"}})
		}},
		{"leaders-not-spread", "rabbit1", "rabbitmq-queues rebalance quorum", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues, e.Status.Queues[0], e.Status.Queues[0])
		}},
		{"load-balancer-down", "exited", "docker start warren-test-haproxy", func(e *Examination) {
			e.Status.LoadBalancer.Error = "container exited"
		}},
		{"server-down", "rabbit2: serves", "docker restart warren-test-haproxy", func(e *Examination) {
			e.Status.LoadBalancer.Servers[1].Status = "DOWN"
		}},
		{"server-wrongly-up", "rabbit2: does not serve", "docker restart warren-test-haproxy",
			func(e *Examination) {
				e.Status.Nodes[1].AMQP = false
			}},
		{"server-missing", "rabbit3", "pulumi up --stack test", func(e *Examination) {
			e.Status.LoadBalancer.Servers = e.Status.LoadBalancer.Servers[:2]
		}},
		{"connections-not-spread", "rabbit2", "docker restart warren-test-haproxy", func(e *Examination) {
			e.Status.Spread = &health.Spread{Opened: 4,
				Nodes: []health.NodeSpread{{Node: "rabbit1", Landed: 4}, {Node: "rabbit2"}}}
		}},
		{"left-by-fault", "rabbit2: packet filters", "warren doctor --heal --stack test", func(e *Examination) {
			e.Leftovers = []string{"rabbit2: packet filters in the chain WARREN-FAULT"}
		}},
	}
}

func TestDiagnoses(t *testing.T) {
	for _, test := range diagnosisTests() {
		t.Run(test.name+" "+test.found, func(t *testing.T) {
			e := healthy()
			test.spoil(&e)
			diagnosis := find(t, Diagnose(e), test.name, test.found)
			assert.Contains(t, strings.Join(diagnosis.Fix, "\n"), test.fix)
			assert.NotEmpty(t, diagnosis.Means)
		})
	}
}

// find returns the diagnosis of a name that found something.
func find(t *testing.T, diagnoses []Diagnosis, name, found string) Diagnosis {
	t.Helper()
	for _, d := range diagnoses {
		if d.Name == name && strings.Contains(d.Found, found) {
			return d
		}
	}
	require.Failf(t, "not diagnosed", "%s with %q among %+v", name, found, diagnoses)
	return Diagnosis{}
}

func TestEveryKindOfProblemIsExplainedAndTested(t *testing.T) {
	tested := map[string]bool{}
	for _, test := range diagnosisTests() {
		tested[test.name] = true
	}
	for _, kind := range health.Kinds() {
		if kind == health.MembershipDiffers {
			kind = Inconsistent // which it becomes
		} else {
			assert.Contains(t, explanations, kind)
		}
		assert.True(t, tested[string(kind)], kind)
	}
	assert.True(t, tested[LeftByFault])
}

func TestCausesComeBeforeTheirConsequences(t *testing.T) {
	e := healthy()
	gone(&e, "exited", false)
	e.Status.LoadBalancer.Servers[1].Status = "UP"
	diagnoses := Diagnose(e)
	require.Len(t, diagnoses, 3)
	assert.Equal(t, "node-down", diagnoses[0].Name)
	assert.False(t, diagnoses[0].Consequence)
	assert.True(t, find(t, diagnoses, "replica-offline", "rabbit2").Consequence)
	assert.True(t, find(t, diagnoses, "server-wrongly-up", "rabbit2").Consequence)
}

func TestPartitionIsAConsequenceOfAnotherCookie(t *testing.T) {
	e := healthy()
	e.Status.Nodes[1].CookieDigest, e.Status.Nodes[1].Running = "another", []string{"rabbit@rabbit2"}
	diagnoses := Diagnose(e)
	assert.Equal(t, "cookie-mismatch", diagnoses[0].Name)
	assert.True(t, find(t, diagnoses, "partition", "rabbit2").Consequence)
}

func TestNodeOfItsOwnClusterIsToldOnce(t *testing.T) {
	e := healthy()
	e.Status.Nodes[1].Members, e.Status.Nodes[1].Running = []string{"rabbit@rabbit2"}, []string{"rabbit@rabbit2"}
	for _, i := range []int{0, 2} {
		e.Status.Nodes[i].Members = []string{"rabbit@rabbit1", "rabbit@rabbit3"}
		e.Status.Nodes[i].Running = e.Status.Nodes[i].Members
	}
	var names []string
	for _, d := range Diagnose(e) {
		names = append(names, d.Name)
	}
	assert.Equal(t, []string{Inconsistent}, names)
}
