package show

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/operate/doctor"
	"warren/operate/health"
	"warren/topology"
)

// ailing is a cluster of two nodes, one of which is down.
func ailing() health.Status {
	both := []string{"rabbit@rabbit1", "rabbit@rabbit2"}
	return health.Status{
		Nodes: []health.NodeStatus{
			{
				NodeOutput: topology.NodeOutput{Name: "rabbit1", NodeName: both[0], Container: "warren-test-rabbit1",
					Type: topology.Disc},
				State: "running", Runtime: true, AMQP: true, Version: "4.3.6", ActualType: topology.Disc,
				Members: both, Running: both[:1], CookieDigest: "do not show this",
				MemoryUsed: 130 << 20, MemoryLimit: 614 << 20, DiskFree: 68 << 30, Uptime: 211500 * time.Millisecond,
				Connections: 4, Leaders: 1, Replicas: 1,
			},
			{
				NodeOutput: topology.NodeOutput{Name: "rabbit2", NodeName: both[1], Container: "warren-test-rabbit2",
					Type: topology.Disc},
				State: "exited", Error: "container exited",
			},
		},
		Queues: []cluster.Queue{{
			VHost: "/", Name: "ha_queue", Type: "quorum", State: "running", GroupSize: 2,
			Leader: both[0], Members: both, Online: both[:1], Messages: 12, Consumers: 3,
		}},
		Helpers: []health.HelperStatus{
			{Container: "warren-test-rabbit1-join", Role: topology.RoleMembership, Node: "rabbit1", State: "running",
				Health: "healthy"},
			{Container: "warren-test-formation", Role: topology.RoleFormation, State: cluster.StateMissing},
		},
		LoadBalancer: health.LoadBalancerStatus{State: "running", Servers: []cluster.Server{
			{Proxy: "amqp", Mode: "tcp", Name: "rabbit1", Status: "UP"},
			{Proxy: "amqp", Mode: "tcp", Name: "rabbit2", Status: "DOWN"},
		}},
	}
}

func TestStatusOfANodeThatHasMeasuredNothingYet(t *testing.T) {
	status := ailing()
	status.Nodes[0].Uptime, status.Nodes[0].MemoryUsed, status.Nodes[0].DiskFree = 0, 0, 0
	var out bytes.Buffer
	require.NoError(t, Status(&out, status, false))
	assert.Regexp(t, `rabbit1 +disc +running +4\.3\.6 +- +- +- +4 `, out.String())
}

func TestStatusIsOneTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Status(&out, ailing(), false))
	assert.Equal(t,
		`NODE     TYPE  STATE    VERSION  UPTIME  MEMORY                  DISK FREE  CONNECTIONS  LEADERS  REPLICAS  BALANCED
rabbit1  disc  running  4.3.6    3m32s   130.0 MiB of 614.0 MiB  68.0 GiB   4            1        1         UP
rabbit2  disc  exited   -        -       -                       -          -            -        -         DOWN

QUEUES  COUNT  HEALTHY  MESSAGES  CONSUMERS
quorum  1      0        12        3

QUEUE     TYPE    STATE    LEADER   ONLINE  MESSAGES  CONSUMERS
ha_queue  quorum  running  rabbit1  1 of 2  12        3

Helpers: 1 of 2 at work.
FAILURE  rabbit2: container warren-test-rabbit2 is exited
FAILURE  ha_queue: its replicas on rabbit2 do not take part
FAILURE  warren-test-formation: the container that makes the cluster consist of the stack's nodes does not exist

`+"`warren doctor` says what this means and what to do.\n", out.String())
}

func TestDiagnosesAreShownWithTheirConsequences(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Diagnoses(&out,
		doctor.Diagnose(doctor.Examination{Status: ailing(), Stack: "test"})))
	assert.Equal(t, `FAILURE node-down
  Found  rabbit2: container warren-test-rabbit2 is exited
  Means  The node does not run. The others serve as long as they are a majority; fewer of them may fail than before.
  Fix    docker logs --tail 50 warren-test-rabbit2
         docker start warren-test-rabbit2

FAILURE helper-missing
  Found  warren-test-formation: the container that makes the cluster consist of the stack's nodes does not exist
  Means  Clients are not affected now. But nobody looks after the cluster for the next deployment: a node that has lost its `+
		`replicas does not get them back, and a node that is stopped may take the missing helpers for the end of the whole stack, `+
		`and stop without draining. Restarting the engine removes helpers, for example.
  Fix    # until this is done, drain a node before you stop it (rabbitmq-upgrade drain)
         pulumi up --stack test

These should go when the above is fixed:
  replica-offline        ha_queue: its replicas on rabbit2 do not take part
`, out.String())
}

func TestNothingWrongIsSaid(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Diagnoses(&out, nil))
	assert.Equal(t, "Nothing is wrong.\n", out.String())
}

// crowded is a cluster with many queues, of which some have hostile names and some lack replicas.
func crowded() health.Status {
	status := ailing()
	nodes := status.Queues[0].Members
	status.Nodes[1] = status.Nodes[0]
	status.Nodes[1].NodeOutput = topology.NodeOutput{Name: "rabbit2", NodeName: nodes[1],
		Container: "warren-test-rabbit2", Type: topology.Disc}
	status.Nodes[0].Running, status.Nodes[1].Running = nodes, nodes
	status.Helpers, status.LoadBalancer.Servers, status.Queues = nil, nil, nil
	for i := range 1000 {
		queue := cluster.Queue{
			VHost: "/", Name: fmt.Sprintf("quorum-%04d", i), Type: "quorum", State: "running", GroupSize: 2,
			Leader: nodes[i%2], Members: nodes, Online: nodes, Messages: 1,
		}
		if i%10 == 0 {
			queue.Members, queue.Online, queue.Leader = nodes[:1], nodes[:1], nodes[0]
			queue.Name += "\x1b[2J\n$(reboot)"
		}
		status.Queues = append(status.Queues, queue)
	}
	for i := range 10000 {
		status.Queues = append(status.Queues, cluster.Queue{
			VHost: "/", Name: fmt.Sprintf("classic-%05d", i), Type: "classic", State: "running", Members: nodes[:1],
			Online: nodes[:1],
		})
	}
	return status
}

func TestStatusOfManyQueuesIsReadable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Status(&out, crowded(), false))
	text := out.String()
	assert.Less(t, strings.Count(text, "\n"), 60)
	assert.Regexp(t, `(?m)^quorum +1000 +900 +1000 +0$`, text)
	assert.Regexp(t, `(?m)^classic +10000 +10000 +0 +0$`, text)
	assert.Contains(t, text, "and 80 more; --queues lists all")
	assert.Contains(t, text, "FAILURE  and 95 more of this kind (too-few-replicas)")
	assert.Contains(t, text, "WARNING  and 9995 more of this kind (not-replicated)")
	assert.NotContains(t, text, "quorum-0001")

	out.Reset()
	require.NoError(t, Status(&out, crowded(), true))
	assert.Contains(t, out.String(), "quorum-0001")
	assert.NotContains(t, out.String(), "of this kind")
}

func TestLongNamesAreCutUnlessAllIsAskedFor(t *testing.T) {
	status, long := ailing(), strings.Repeat("東", 255)
	status.Queues[0].Name = long
	var out bytes.Buffer
	require.NoError(t, Status(&out, status, false))
	assert.Contains(t, out.String(), "\n"+strings.Repeat("東", nameWidth-1)+"…  quorum")
	out.Reset()
	require.NoError(t, Status(&out, status, true))
	assert.Contains(t, out.String(), "\n"+long+"  quorum")
}

func TestDiagnosesOfManyQueuesAreReadable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Diagnoses(&out,
		doctor.Diagnose(doctor.Examination{Status: crowded(), Stack: "test"})))
	text := out.String()
	assert.Less(t, strings.Count(text, "\n"), 50)
	assert.Contains(t, text, "and 95 more")
	assert.Contains(t, text, "# for the other 95, `warren doctor --json` has the commands")
}

func TestNothingInAnOutputHarmsATerminal(t *testing.T) {
	status := crowded()
	status.Nodes[0].Partitions = []string{"rabbit@\x1b]0;title\a"}
	status.QueuesError = ""
	var out bytes.Buffer
	require.NoError(t, Status(&out, status, true))
	require.NoError(t, Diagnoses(&out, doctor.Diagnose(doctor.Examination{
		Status: status, Stack: "test", Leftovers: []string{"\x1b[31mred"},
		Logs: map[string]string{"rabbit1": "inconsistent_cluster \x1b[31m"},
	})))
	for _, r := range out.String() {
		require.True(t, r == '\n' || unicode.IsPrint(r), "%U", r)
	}
	assert.Contains(t, out.String(), `quorum-0000\x1b[2J\n$(reboot)`)
}
