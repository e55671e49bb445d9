//go:build cluster

package hosts

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/hostfault"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/traffic"
)

// TestFaultsOfHosts injects every fault of hosts into a stack with a virtual address, under traffic on all
// paths, and judges it. WARREN_TEST_FAULTS names some of them only.
func TestFaultsOfHosts(t *testing.T) {
	l, hosts := newLab(t, "faults", 3)
	require.NoError(t, l.Load(t.Context(), topology.KeepalivedImage, topology.NetworkToolsImage))
	bytes := l.Hosts[0].Address.As4()
	bytes[3] = 100
	address := netip.AddrFrom4(bytes).String()
	s := livestack.New(t, map[string]any{
		"warren:hosts": hosts, "warren:ports": nil, "warren:virtualAddress": address,
	})
	c := open(t, s.MustUp())
	assert.Contains(t, c.Outputs().AMQPURL, "@"+address+":")
	require.NoError(t, confirm(t.Context(), c.Outputs().AMQPURL))

	killed, err := fault.Find("load-balancer-killed")
	require.NoError(t, err)
	only := os.Getenv("WARREN_TEST_FAULTS")
	for _, f := range append(hostfault.All(), killed) {
		if only != "" && !slices.Contains(strings.Split(only, ","), f.Name) {
			continue
		}
		t.Run(f.Name, func(t *testing.T) { judge(t, c, f) })
	}
	s.Destroy()
	assert.Empty(t, leftovers(t, hosts, s.Cluster))
}

// judge injects a fault under traffic on all paths, and logs what it cost.
func judge(t *testing.T, c *cluster.Cluster, f fault.Fault) {
	t.Helper()
	require.NoError(t, f.Available(c))
	rig := scenario.ClusterRig{
		Cluster: c, Queue: traffic.Queue{Type: "quorum"},
		Traffic: traffic.Config{Paths: traffic.Paths(c.Outputs()), Rate: 100, Size: 256},
	}
	require.NoError(t, rig.Sweep(t.Context()))
	runner := scenario.Runner{Cluster: c, Rig: rig, Limits: scenario.DefaultLimits()}
	runner.Limits.Healthy, runner.Limits.Flow = 8*time.Minute, 2*time.Minute
	result, h := runner.Play(t.Context(), scenario.Single(f, 0))
	t.Logf("%s %s; %v; recovered after %.1f s; %d confirmed, %d lost", result.Status(), result.Remark(),
		result.Injected, result.Recovery.Seconds(), result.Verdict.Acknowledged, result.Verdict.Lost.Count)
	for _, of := range result.Verdict.Faults {
		for _, path := range slices.Sorted(maps.Keys(of.Confirms)) {
			t.Logf("longest time without a confirm, %q: %.2f s", path, of.Confirms[path].Seconds())
		}
	}
	if dir := os.Getenv("WARREN_TEST_REPORT"); dir != "" {
		dir = filepath.Join(dir, f.Name)
		run := scenario.NewRun(rig, 0)
		run.Scenarios, run.Took = []report.Scenario{result}, result.Took
		require.NoError(t, report.Write(dir, run))
		require.NoError(t, h.Save(filepath.Join(dir, "history.jsonl.gz")))
	}
	assert.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
	assert.Zero(t, result.Verdict.Lost.Count)
	assert.Greater(t, result.Verdict.Acknowledged, 500)
}
