//go:build cluster

package remote

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/verify/report"
	"warren/verify/scenario"
)

// A cluster of which only addresses are known is broken by a command, and judged.
func TestClusterIsBrokenByACommand(t *testing.T) {
	c := livetest.Open(t)
	there := Cluster{URIs: c.Outputs().AMQPURLs, TLS: c.TLS(), Rate: 50, Size: 256}
	require.NoError(t, there.Validate())
	node := c.Nodes()[0].Container
	fault := ByCommands("docker kill "+node, "docker start "+node)
	runner := scenario.Runner{Rig: there, Limits: scenario.DefaultLimits()}
	result, h := runner.Play(t.Context(), scenario.Single(fault, 10*time.Second))
	require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
	assert.Zero(t, result.Verdict.Lost.Count)
	assert.Greater(t, result.Verdict.Acknowledged, 1000)
	require.Len(t, h.Faults, 1)
	t.Logf("%d confirmed, %d lost; no confirm for %s", result.Verdict.Acknowledged, result.Verdict.Lost.Count,
		result.Verdict.Overall.Confirms.Longest.Length())
}
