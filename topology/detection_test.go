package topology

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// longestPause is the longest pause of a virtual machine that is no failure.
const longestPause = 2 * time.Second

func TestPausesAreNoFailures(t *testing.T) {
	for mode, d := range detections {
		if d.NetTickTime > 0 {
			assert.Greater(t, d.NetTickTime*3/4, longestPause+time.Second, "%s: Erlang's lower bound, with a margin", mode)
			assert.Zero(t, d.NetTickTime%time.Second, "%s: net_ticktime is in whole seconds", mode)
		}
		paused := time.Duration(d.Fall)*d.CheckTimeout + time.Duration(d.Fall-1)*d.FastInterval
		assert.Greater(t, paused, longestPause+time.Second, "%s: HAProxy's checks", mode)
	}
}

func TestFastDetectionIsFast(t *testing.T) {
	d := detections[DetectFast]
	assert.LessOrEqual(t, d.CheckInterval+time.Duration(d.Fall-1)*d.FastInterval, time.Second, "a dead node is found within a second")
	assert.LessOrEqual(t, d.UserTimeout+d.NetTickTime/4, 4*time.Second, "an isolated node is found within four, even if nothing but ticks is sent")
}

func TestRelaxedDetectionIsSlowerThroughout(t *testing.T) {
	fast, relaxed := detections[DetectFast], detections[DetectRelaxed]
	assert.Greater(t, relaxed.UserTimeout, fast.UserTimeout)
	assert.Greater(t, relaxed.NetTickTime, fast.NetTickTime)
	assert.Greater(t, relaxed.CheckInterval, fast.CheckInterval)
	assert.Greater(t, relaxed.CheckTimeout, fast.CheckTimeout)
	assert.Greater(t, relaxed.ConnectTimeout, fast.ConnectTimeout)
}
