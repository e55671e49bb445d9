package explain

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

const refusalLog = `2026-11-23 05:55:30 warren: rabbit@rabbit5 gets replicas
2026-11-23 05:55:38 warren: rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster, and nothing was changed:
  - quorum queue orders in virtual host / has members on rabbit@rabbit4, of which a majority is down
2026-11-23 05:55:38 warren: start the nodes that are down
`

func TestRefusalEndsTheWaitAndIsReported(t *testing.T) {
	docker := &enginetest.Fake{
		States: []enginetest.State{{Health: container.Starting}, {Health: container.Unhealthy}},
		Logs:   map[string]io.Reader{"formation": enginetest.Log(refusalLog)},
	}
	r := &refusalWatcher{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Equal(t, []string{"formation"}, docker.Removed)

	text := r.explain(t.Context())
	assert.True(t, strings.HasPrefix(text, "rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster"), text)
	assert.Contains(t, text, "quorum queue orders")
	assert.Contains(t, text, "run `pulumi up` again")
}

func TestWatchOfAFormationLeavesOneThatSucceedsAlone(t *testing.T) {
	docker := &enginetest.Fake{States: []enginetest.State{
		{Health: container.Starting}, {Health: container.Healthy},
	}}
	r := &refusalWatcher{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Empty(t, docker.Removed)
	assert.Contains(t, r.explain(t.Context()), "The container formation is gone", "there was no refusal to tell")
}

func TestRefusalIsBounded(t *testing.T) {
	log := "earlier\nx can't leave the cluster:\n" + strings.Repeat("  - a queue\n", 1000) + "do this"
	lines := strings.Split(Refusal(log), "\n")
	assert.Len(t, lines, refusalLines+1)
	assert.Contains(t, lines[0], "can't leave")
	assert.Equal(t, "do this", lines[len(lines)-1])
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
	cluster, err := topology.New(enginetest.Stack, topology.Config{})
	require.NoError(t, err)
	return cluster
}
