package preflight

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/infra/node"
	"warren/topology"
)

func TestNodesThatCanNotLeaveAreReportedBeforeAnythingIsTouched(t *testing.T) {
	const refusal = `2026-11-23 05:55:38 warren: rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster:
  - quorum queue orders in virtual host / has members on rabbit@rabbit4, of which a majority is down
2026-11-23 05:55:38 warren: start the nodes that are down
`
	log, err := io.ReadAll(enginetest.Log(refusal))
	require.NoError(t, err)
	five := enginetest.Nodes("healthy", "healthy", "healthy", "healthy", "healthy")
	docker := &enginetest.Fake{Containers: five, Exec: &enginetest.ExecResult{Status: node.Refusal, Output: log}}

	err = check(t, docker, topology.Config{})
	require.ErrorContains(t, err, "rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster")
	assert.ErrorContains(t, err, "quorum queue orders")
	require.Len(t, docker.Execs, 1)
	assert.Contains(t, docker.Execs[0].Env, "WARREN_NODES=rabbit1 rabbit2 rabbit3")
	assert.Equal(t, "rabbitmq", docker.Execs[0].User)

	docker.Exec = &enginetest.ExecResult{Status: 0}
	assert.NoError(t, check(t, docker, topology.Config{}), "they can")

	docker.Exec = nil
	assert.NoError(t, check(t, docker, topology.Config{}), "there is nobody to ask; the formation will be")
}

func TestNobodyIsAskedWhenNoNodeLeaves(t *testing.T) {
	docker := &enginetest.Fake{
		Containers: enginetest.Nodes("healthy", "healthy", "healthy"),
		Exec:       &enginetest.ExecResult{Status: node.Refusal},
	}
	assert.NoError(t, check(t, docker, topology.Config{}))
	assert.Empty(t, docker.Execs)
}
