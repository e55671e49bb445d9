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
	e := Examination{Stack: "test", Logs: map[string]string{}}
	for _, nodeName := range erlang {
		name := strings.TrimPrefix(nodeName, "rabbit@")
		e.Status.Nodes = append(e.Status.Nodes, health.NodeStatus{
			NodeOutput: topology.NodeOutput{Name: name, NodeName: nodeName, Container: "warren-test-" + name, Type: topology.Disc},
			State:      "running", Runtime: true, AMQP: true, ActualType: topology.Disc,
			Members: erlang, Running: erlang, CookieDigest: "a digest",
		})
		e.Status.LoadBalancer.Servers = append(e.Status.LoadBalancer.Servers,
			cluster.Server{Proxy: "amqp", Mode: "tcp", Name: name, Status: "UP"})
	}
	e.Status.LoadBalancer.Container = "warren-test-haproxy"
	e.Status.Queues = []cluster.Queue{{
		VHost: "/", Name: "ha_queue", Type: "quorum", GroupSize: 3, Leader: erlang[0], Members: erlang, Online: erlang,
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

func TestDiagnoses(t *testing.T) {
	for _, test := range []struct {
		name  string
		found string // part of what was found
		mend  string // part of the commands
		spoil func(*Examination)
	}{
		{"node-missing", "rabbit2", "pulumi up --stack test", func(e *Examination) { gone(e, cluster.StateMissing, false) }},
		{"node-down", "rabbit2", "docker start warren-test-rabbit2", func(e *Examination) { gone(e, "exited", false) }},
		{"node-paused", "rabbit2", "docker unpause warren-test-rabbit2", func(e *Examination) { gone(e, "paused", false) }},
		{"node-not-up", "rabbit2", "docker logs --tail 50 warren-test-rabbit2", func(e *Examination) { gone(e, "running", false) }},
		{"app-stopped", "rabbit2", "rabbitmqctl start_app", func(e *Examination) { gone(e, "running", true) }},
		{"amqp-silent", "rabbit2", "rabbitmq-diagnostics listeners", func(e *Examination) { e.Status.Nodes[1].AMQP = false }},
		{"node-drained", "rabbit2", "rabbitmq-upgrade revive", func(e *Examination) { e.Status.Nodes[1].Drained = true }},
		{"wrong-type", "rabbit2", "change_cluster_node_type ram", func(e *Examination) { e.Status.Nodes[1].Type = topology.RAM }},
		{"partition", "rabbit2: does not see rabbit1, rabbit3", "docker network inspect warren-test", func(e *Examination) {
			e.Status.Nodes[1].Running = []string{"rabbit@rabbit2"}
		}},
		{"partition", "recorded a partition from rabbit1", "docker restart warren-test-rabbit2", func(e *Examination) {
			e.Status.Nodes[1].Partitions = []string{"rabbit@rabbit1"}
		}},
		{"memory-alarm", "rabbit2", "memory_breakdown", func(e *Examination) { e.Status.Nodes[1].MemoryAlarm = true }},
		{"disk-alarm", "rabbit2", "docker system df", func(e *Examination) { e.Status.Nodes[1].DiskAlarm = true }},
		{"cookie-mismatch", "rabbit2", "docker restart warren-test-rabbit2",
			func(e *Examination) { e.Status.Nodes[1].CookieDigest = "another" }},
		{"cookie-unreadable", "rabbit2", "docker restart warren-test-rabbit2",
			func(e *Examination) { e.Status.Nodes[1].CookieDigest = "" }},
		{"inconsistent-membership", "rabbit2: does not count rabbit1, rabbit3", "warren-test-rabbit2 rabbitmqctl reset",
			func(e *Examination) {
				e.Status.Nodes[1].Members, e.Status.Nodes[1].Running = []string{"rabbit@rabbit2"}, []string{"rabbit@rabbit2"}
			}},
		{"inconsistent-membership", "rabbit1: does not count rabbit2", "forget_cluster_node rabbit@rabbit2", func(e *Examination) {
			for _, i := range []int{0, 2} {
				e.Status.Nodes[i].Members, e.Status.Nodes[i].Running = []string{"rabbit@rabbit1", "rabbit@rabbit3"}, []string{"rabbit@rabbit1", "rabbit@rabbit3"}
			}
		}},
		{"inconsistent-membership", "rabbit2 logs: Error: {inconsistent_cluster", "start_app", func(e *Examination) {
			gone(e, "running", true)
			e.Logs["rabbit2"] = "booting\nError: {inconsistent_cluster,\"Node 'rabbit@rabbit2' thinks it's clustered with node 'rabbit@rabbit1'\"}\n"
		}},
		{"stranger", "rabbit@rabbit9: is not in the stack", "forget_cluster_node rabbit@rabbit9", func(e *Examination) {
			for i := range e.Status.Nodes {
				e.Status.Nodes[i].Members = append([]string{"rabbit@rabbit9"}, e.Status.Nodes[i].Members...)
			}
		}},
		{"queue-without-leader", "ha_queue", "rabbitmq-queues quorum_status --vhost / ha_queue",
			func(e *Examination) { e.Status.Queues[0].Leader = "" }},
		{"replica-offline", "rabbit3", "quorum_status", func(e *Examination) { e.Status.Queues[0].Online = e.Status.Queues[0].Online[:2] }},
		{"too-few-replicas", "has 1 of 3 replicas", "add_member --vhost / ha_queue rabbit@rabbit3", func(e *Examination) {
			e.Status.Queues[0].Members, e.Status.Queues[0].Online = e.Status.Queues[0].Members[:1], e.Status.Queues[0].Online[:1]
		}},
		{"not-replicated", "legacy: a classic queue", "rabbitmqctl delete_queue --vhost / --if-empty legacy", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues, cluster.Queue{VHost: "/", Name: "legacy", Type: "classic", Members: []string{"rabbit@rabbit1"}})
		}},
		{"leaders-not-spread", "rabbit1", "rabbitmq-queues rebalance quorum", func(e *Examination) {
			e.Status.Queues = append(e.Status.Queues, e.Status.Queues[0], e.Status.Queues[0])
		}},
		{"load-balancer-down", "exited", "docker start warren-test-haproxy", func(e *Examination) { e.Status.LoadBalancer.Error = "container exited" }},
		{"server-down", "rabbit2: serves", "docker restart warren-test-haproxy", func(e *Examination) { e.Status.LoadBalancer.Servers[1].Status = "DOWN" }},
		{"server-wrongly-up", "rabbit2: does not serve", "docker restart warren-test-haproxy", func(e *Examination) { e.Status.Nodes[1].AMQP = false }},
		{"server-missing", "rabbit3", "pulumi up --stack test", func(e *Examination) { e.Status.LoadBalancer.Servers = e.Status.LoadBalancer.Servers[:2] }},
		{"connections-not-spread", "rabbit2", "docker restart warren-test-haproxy", func(e *Examination) {
			e.Status.Spread = &health.Spread{Opened: 4, Nodes: []health.NodeSpread{{Node: "rabbit1", Landed: 4}, {Node: "rabbit2"}}}
		}},
		{"membership-unwatched", "rabbit2", "pulumi up --stack test", func(e *Examination) {
			e.Watches = map[string]string{"rabbit1": "running", "rabbit2": cluster.StateMissing, "rabbit3": "paused"}
		}},
		{"left-by-fault", "rabbit2: packet filters", "warren doctor --heal --stack test", func(e *Examination) {
			e.Leftovers = []string{"rabbit2: packet filters in the chain WARREN-FAULT"}
		}},
	} {
		t.Run(test.name+" "+test.found, func(t *testing.T) {
			e := healthy()
			test.spoil(&e)
			diagnosis := find(t, Diagnose(e), test.name, test.found)
			assert.Contains(t, strings.Join(diagnosis.Mend, "\n"), test.mend)
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

func TestEveryKindOfProblemIsExplained(t *testing.T) {
	for _, kind := range health.Kinds() {
		if kind == health.MembershipDiffers {
			continue // becomes the diagnosis Inconsistent
		}
		assert.Contains(t, explanations, kind)
	}
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
