//go:build cluster

package fault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/verify/fault"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/traffic"
)

// TestDisksLieUnderTraffic plays every fault of disks. They take effect only where something is written.
func TestDisksLieUnderTraffic(t *testing.T) {
	c := livetest.Open(t)
	rig := scenario.ClusterRig{
		Cluster: c,
		Queue:   traffic.Queue{Type: "quorum"},
		Traffic: traffic.Config{Paths: traffic.Paths(c.Outputs()), Rate: 100, Size: 256},
	}
	for _, s := range scenario.Table(fault.Storage(), 0) {
		t.Run(s.Name, func(t *testing.T) {
			require.NoError(t, rig.Sweep(t.Context()))
			result, h := scenario.Runner{Cluster: c, Rig: rig, Limits: scenario.DefaultLimits()}.Play(t.Context(), s)
			if result.Skipped != "" {
				t.Skip(result.Skipped)
			}
			t.Logf("%s%s\n%s", result.Status(), result.Remark(), strings.Join(result.Injected, "\n"))
			if dir := os.Getenv("WARREN_TEST_REPORT"); dir != "" {
				dir = filepath.Join(dir, t.Name())
				run := scenario.NewRun(rig, 0)
				run.Scenarios, run.Took = []report.Scenario{result}, time.Since(result.Started)
				require.NoError(t, report.Write(dir, run))
				require.NoError(t, h.Save(filepath.Join(dir, "history.jsonl.gz")))
			}
			assert.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
		})
	}
}
