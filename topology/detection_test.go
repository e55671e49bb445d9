package topology

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// longestPause is the longest pause of a virtual machine that is no failure.
const longestPause = 2 * time.Second

func TestPausesAreNoFailures(t *testing.T) {
	for mode, d := range detections {
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
	d := detections[DetectFast]
	assert.LessOrEqual(t, d.CheckInterval+time.Duration(d.Fall-1)*d.FastInterval, time.Second,
		"a dead node is found within a second")
	assert.LessOrEqual(t, d.UserTimeout+d.NetTickTime/4, 4*time.Second,
		"an isolated node is found within four, even if nothing but ticks is sent")
}

func TestRelaxedDetectionIsSlowerThroughout(t *testing.T) {
	fast, relaxed := detections[DetectFast], detections[DetectRelaxed]
	assert.Greater(t, relaxed.UserTimeout, fast.UserTimeout)
	assert.Greater(t, relaxed.NetTickTime, fast.NetTickTime)
	assert.Greater(t, relaxed.CheckInterval, fast.CheckInterval)
	assert.Greater(t, relaxed.CheckTimeout, fast.CheckTimeout)
	assert.Greater(t, relaxed.ConnectTimeout, fast.ConnectTimeout)
}

// Where a network is slow, or nothing is tuned, a node that comes back within the lot's time keeps what it
// led.
func TestOnlyFastDetectionElectsPromptly(t *testing.T) {
	for mode, d := range detections {
		assert.Equal(t, mode == DetectFast, d.PromptElection, mode)
		cluster, err := New("test", Config{FailureDetection: mode})
		require.NoError(t, err)
		assert.Equal(t, d.PromptElection, strings.Contains(cluster.ErlangArgs(), PromptElectionPath), mode)
	}
}

// RabbitMQ's scripts take the arguments apart at blanks, and know no quotes.
func TestErlangArgsHaveNoBlanksInside(t *testing.T) {
	cluster, err := New("test", Config{})
	require.NoError(t, err)
	fields := strings.Fields(cluster.ErlangArgs())
	assert.Equal(t, startPromptElection, fields[len(fields)-1])
}
