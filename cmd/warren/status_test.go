package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/health"
	"warren/topology"
)

func TestStatusForPrograms(t *testing.T) {
	both := []string{"rabbit@rabbit1", "rabbit@rabbit2"}
	ailing := health.Status{Nodes: []health.NodeStatus{
		{
			NodeOutput: topology.NodeOutput{Name: "rabbit1", NodeName: both[0], Type: topology.Disc},
			State:      "running", Runtime: true, AMQP: true, ActualType: topology.Disc,
			Members: both, Running: both[:1], CookieDigest: "do not show this",
		},
		{
			NodeOutput: topology.NodeOutput{Name: "rabbit2", NodeName: both[1], Type: topology.Disc},
			State:      "exited", Error: "container exited",
		},
	}}
	var out bytes.Buffer
	require.NoError(t, display{json: true}.status(&out, ailing, alertStatus{}))
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
