package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/node"
	"warren/topology"
)

func TestNodesThatCanNotLeaveAreToldBeforeAnythingIsTouched(t *testing.T) {
	log, err := io.ReadAll(dockerLog(t, refusalLog))
	require.NoError(t, err)
	five := containersWith("healthy", "healthy", "healthy", "healthy", "healthy")
	docker := &fakeEngine{containers: five, exec: &execResult{node.Refusal, log}}

	err = check(t, docker, topology.Config{})
	require.ErrorContains(t, err, "rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster")
	assert.ErrorContains(t, err, "quorum queue orders")
	require.Len(t, docker.execs, 1)
	assert.Contains(t, docker.execs[0].Env, "WARREN_NODES=rabbit1 rabbit2 rabbit3")
	assert.Equal(t, "rabbitmq", docker.execs[0].User)

	docker.exec = &execResult{0, bytes.NewBufferString("").Bytes()}
	assert.NoError(t, check(t, docker, topology.Config{}), "they can")

	docker.exec = nil
	assert.NoError(t, check(t, docker, topology.Config{}), "there is nobody to ask; the formation will be")
}

func TestNobodyIsAskedWhenNoNodeLeaves(t *testing.T) {
	docker := &fakeEngine{containers: containersWith("healthy", "healthy", "healthy"), exec: &execResult{node.Refusal, nil}}
	assert.NoError(t, check(t, docker, topology.Config{}))
	assert.Empty(t, docker.execs)
}
