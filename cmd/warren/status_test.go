package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

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
				NodeOutput: topology.NodeOutput{Name: "rabbit1", NodeName: both[0], Container: "warren-test-rabbit1", Type: topology.Disc},
				State:      "running", Runtime: true, AMQP: true, Version: "4.3.6", ActualType: topology.Disc,
				Members: both, Running: both[:1], CookieDigest: "do not show this",
				MemoryUsed: 130 << 20, MemoryLimit: 614 << 20, DiskFree: 68 << 30, Uptime: 211500 * time.Millisecond,
				Connections: 4, Leaders: 1, Replicas: 1,
			},
			{
				NodeOutput: topology.NodeOutput{Name: "rabbit2", NodeName: both[1], Container: "warren-test-rabbit2", Type: topology.Disc},
				State:      "exited", Error: "container exited",
			},
		},
		Queues: []cluster.Queue{{
			VHost: "/", Name: "ha_queue", Type: "quorum", State: "running", GroupSize: 2,
			Leader: both[0], Members: both, Online: both[:1], Messages: 12, Consumers: 3,
		}},
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
	require.NoError(t, printStatus(&out, status))
	assert.Regexp(t, `rabbit1 +disc +running +4\.3\.6 +- +- +- +4 `, out.String())
}

func TestStatusIsOneTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printStatus(&out, ailing()))
	assert.Equal(t, `NODE     TYPE  STATE    VERSION  UPTIME  MEMORY                  DISK FREE  CONNECTIONS  LEADERS  REPLICAS  BALANCED
rabbit1  disc  running  4.3.6    3m32s   130.0 MiB of 614.0 MiB  68.0 GiB   4            1        1         UP
rabbit2  disc  exited   -        -       -                       -          -            -        -         DOWN

QUEUE     TYPE    STATE    LEADER   ONLINE  MESSAGES  CONSUMERS
ha_queue  quorum  running  rabbit1  1 of 2  12        3

FAILURE  rabbit2: container warren-test-rabbit2 is exited
FAILURE  ha_queue: its replicas on rabbit2 do not take part

`+"`warren doctor` says what this means and what to do.\n", out.String())
}

func TestStatusForPrograms(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, showStatus(&out, ailing(), true))
	var status struct {
		Healthy  bool
		Problems []health.Problem
		Nodes    []struct{ Name, State string }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &status))
	assert.False(t, status.Healthy)
	assert.Equal(t, health.NodeDown, status.Problems[0].Kind)
	assert.Equal(t, "exited", status.Nodes[1].State)
	assert.NotContains(t, out.String(), "do not show this")
}

func TestDiagnosesAreShownWithTheirConsequences(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printDiagnoses(&out, doctor.Diagnose(doctor.Examination{Status: ailing(), Stack: "test"})))
	assert.Equal(t, `FAILURE node-down
  Found  rabbit2: container warren-test-rabbit2 is exited
  Means  The node does not run. The others serve as long as they are a majority; they can spare one node fewer than before.
  Mend   docker logs --tail 50 warren-test-rabbit2
         docker start warren-test-rabbit2

These should go when the above is mended:
  replica-offline        ha_queue: its replicas on rabbit2 do not take part
`, out.String())
}

func TestNothingWrongIsSaid(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printDiagnoses(&out, nil))
	assert.Equal(t, "Nothing is wrong.\n", out.String())
}
