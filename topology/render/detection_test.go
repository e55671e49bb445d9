package render_test

import (
	"strings"
	"testing"
	"time"

	"warren/topology"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// longestPause is the longest pause of a virtual machine that is no failure.
const longestPause = 2 * time.Second

func TestPausesAreNoFailures(t *testing.T) {
	for mode, d := range render.Detections {
		if d.NetTickTime > 0 {
			assert.Greater(t, d.NetTickTime*3/4, longestPause+time.Second,
				"%s: Erlang's lower bound, with a margin", mode)
			assert.Zero(t, d.NetTickTime%time.Second, "%s: net_ticktime is in whole seconds", mode)
		}
		paused := time.Duration(d.Fall)*d.CheckTimeout + time.Duration(d.Fall-1)*d.FastInterval
		assert.Greater(t, paused, longestPause+time.Second, "%s: HAProxy's checks", mode)
	}
}

func TestFastDetectionIsFast(t *testing.T) {
	d := render.Detections[topology.DetectFast]
	assert.LessOrEqual(t, d.CheckInterval+time.Duration(d.Fall-1)*d.FastInterval, time.Second,
		"a dead node is found within a second")
	assert.LessOrEqual(t, d.UserTimeout+d.NetTickTime/4, 4*time.Second,
		"an isolated node is found within four, even if nothing but ticks is sent")
}

func TestRelaxedDetectionIsSlowerThroughout(t *testing.T) {
	fast, relaxed := render.Detections[topology.DetectFast], render.Detections[topology.DetectRelaxed]
	assert.Greater(t, relaxed.UserTimeout, fast.UserTimeout)
	assert.Greater(t, relaxed.NetTickTime, fast.NetTickTime)
	assert.Greater(t, relaxed.CheckInterval, fast.CheckInterval)
	assert.Greater(t, relaxed.CheckTimeout, fast.CheckTimeout)
	assert.Greater(t, relaxed.ConnectTimeout, fast.ConnectTimeout)
}

// Where a network is slow, or nothing is tuned, a node that comes back within the random wait keeps what it
// led.
func TestOnlyFastDetectionElectsPromptly(t *testing.T) {
	for mode, d := range render.Detections {
		assert.Equal(t, mode == topology.DetectFast, d.PromptElection, mode)
		cluster, err := stackconfig.New("test", stackconfig.Config{FailureDetection: mode})
		require.NoError(t, err)
		assert.Equal(t, d.PromptElection, strings.Contains(render.ErlangArgs(cluster), topology.PromptElectionPath),
			mode)
	}
}

// RabbitMQ's scripts take the arguments apart at blanks, and know no quotes.
func TestErlangArgsHaveNoBlanksInside(t *testing.T) {
	cluster, err := stackconfig.New("test", stackconfig.Config{})
	require.NoError(t, err)
	fields := strings.Fields(render.ErlangArgs(cluster))
	assert.Equal(t, render.Start(topology.NodePulsePath, "15700"), fields[len(fields)-1])
	assert.Equal(t, render.Start(topology.PromptElectionPath, ""), fields[len(fields)-3])
}
