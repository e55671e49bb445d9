package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
)

const refusalLog = `2026-11-23 05:55:30 warren: rabbit@rabbit5 gets replicas
2026-11-23 05:55:38 warren: rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster, and nothing was changed:
  - quorum queue orders in virtual host / has members on rabbit@rabbit4 rabbit@rabbit5 rabbit@rabbit3, of which a majority is down
2026-11-23 05:55:38 warren: start the nodes that are down
`

func TestFormationFailsTheDeploymentAndIsRepeated(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	formation := r.of(typeContainer)["formation"]
	assert.True(t, formation.inputs["wait"].BoolValue(), "the deployment waits for it")
	assert.True(t, formation.inputs["rm"].BoolValue(), "a formation that ended is missing, and made again")
	assert.Equal(t, roleFormation, labelsOf(formation.inputs)[labelRole])
	assert.Equal(t, []string{"watch-formation"}, formation.beforeCreate)
	assert.Equal(t, []string{"explain-formation"}, formation.onError)
}

func TestRefusalEndsTheWaitAndIsTold(t *testing.T) {
	docker := &fakeEngine{
		states: []nodeState{{0, container.Starting}, {0, container.Unhealthy}},
		logs:   map[string]io.Reader{"formation": dockerLog(t, refusalLog)},
	}
	r := &refusal{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Equal(t, []string{"formation"}, docker.removed)

	text := r.explain(t.Context())
	assert.True(t, strings.HasPrefix(text, "rabbit@rabbit4 rabbit@rabbit5 can't leave the cluster"), text)
	assert.Contains(t, text, "quorum queue orders")
	assert.Contains(t, text, "run `pulumi up` again")
}

func TestWatchOfAFormationLeavesOneThatSucceedsAlone(t *testing.T) {
	docker := &fakeEngine{states: []nodeState{{0, container.Starting}, {0, container.Healthy}}}
	r := &refusal{docker: docker, container: "formation", interval: time.Millisecond}
	r.watch(t.Context())
	assert.Empty(t, docker.removed)
	assert.Contains(t, r.explain(t.Context()), "The container formation is gone", "there was no refusal to tell")
}

func TestReasonsAreBounded(t *testing.T) {
	log := "earlier\nx can't leave the cluster:\n" + strings.Repeat("  - a queue\n", 1000) + "do this"
	lines := strings.Split(reasons(log), "\n")
	assert.Len(t, lines, refusalLines+1)
	assert.Contains(t, lines[0], "can't leave")
	assert.Equal(t, "do this", lines[len(lines)-1])
}

func TestFormationDoesNotWaitForANodeThatFailed(t *testing.T) {
	docker := &fakeEngine{states: []nodeState{{0, container.Starting}}}
	abandonFormation(t.Context(), docker, three(t))
	assert.Equal(t, []string{"warren-test-formation"}, docker.removed)

	docker = &fakeEngine{states: []nodeState{{0, container.Healthy}}}
	abandonFormation(t.Context(), docker, three(t))
	assert.Empty(t, docker.removed, "that of an earlier deployment stays")
}
