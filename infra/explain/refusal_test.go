package explain

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/helper"
	"warren/agent/peer"
	"warren/agent/plan"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func TestRefusalEndsTheWaitAndIsReported(t *testing.T) {
	result, err := json.Marshal(helper.Result{Phase: peer.Refused, Refusals: []plan.Refusal{{
		Kind: plan.DurableQueues, Rule: plan.RuleDurable, Nodes: []plan.NodeName{"rabbit@rabbit5"},
		Queues: []plan.QueueID{{VHost: "/", Name: "orders"}},
	}}})
	require.NoError(t, err)
	docker := &enginetest.Fake{
		States: []enginetest.State{{Restarts: 0, Health: container.Starting},
			{Restarts: 0, Health: container.Unhealthy}},
		Exec: &enginetest.ExecResult{Output: enginetest.Output(string(result))},
	}
	r := &refusalWatcher{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Equal(t, []string{"formation"}, docker.Removed)

	text := r.explain(t.Context(), "It failed.", "formation")
	assert.Contains(t, text, "It failed.")
	assert.Contains(t, text, "rabbit@rabbit5")
	assert.Contains(t, text, "orders")
	assert.Contains(t, text, "run `pulumi up` again")
}

func TestWatchOfAFormationLeavesOneThatSucceedsAlone(t *testing.T) {
	docker := &enginetest.Fake{States: []enginetest.State{
		{Health: container.Starting}, {Health: container.Healthy},
	}}
	r := &refusalWatcher{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Empty(t, docker.Removed)
	text := r.explain(t.Context(), "", "formation")
	assert.Contains(t, text, "The container formation is gone", "there was no refusal to tell")
}

func TestFormationDoesNotWaitForANodeThatFailed(t *testing.T) {
	docker := &enginetest.Fake{States: []enginetest.State{{Health: container.Starting}}}
	abandonFormation(t.Context(), docker, threeNodes(t))
	assert.Equal(t, []string{"warren-test-formation"}, docker.Removed)

	docker = &enginetest.Fake{States: []enginetest.State{{Health: container.Healthy}}}
	abandonFormation(t.Context(), docker, threeNodes(t))
	assert.Empty(t, docker.Removed, "that of an earlier deployment stays")
}

// threeNodes is the default cluster.
func threeNodes(t *testing.T) *topology.Cluster {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{})
	require.NoError(t, err)
	return cluster
}
