//go:build cluster

package soak

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/schedule"
	"warren/verify/traffic"
)

// A bug that somebody has put in is found under faults that overlap, and these are shrunk to the one that
// shows it.
func TestSeededBugsAreFoundAndShrunk(t *testing.T) {
	c := livetest.Open(t)
	at := func(name, node string, from, to int) schedule.Entry {
		return schedule.Entry{Fault: name, Node: node, From: time.Duration(from) * time.Second,
			To: time.Duration(to) * time.Second}
	}
	victim := c.Nodes()[1]
	killed := schedule.Plan{
		at("packets-duplicated", "", 0, 8), at("load-balancer-reloading", "", 1, 6),
		at("node-killed", victim.Name, 4, 8), at("node-starved", c.Nodes()[2].Name, 5, 9),
	}
	swapped := slices.Clone(killed)
	swapped[2].Fault = "volume-swapped"
	for name, bug := range map[string]struct {
		seed func(*scenario.ClusterRig)
		plan schedule.Plan
		// causes are the faults of which one must be left.
		causes []string
	}{
		"a producer that lies": {func(r *scenario.ClusterRig) {
			r.Traffic.Unconfirmed, r.Traffic.Rate = true, 250
		}, killed, []string{"node-killed", "load-balancer-reloading"}},
		"a consumer that acknowledges early": {func(r *scenario.ClusterRig) { r.Traffic.EarlyAck = true }, killed,
			[]string{"node-killed", "load-balancer-reloading"}},
		"a volume that was swapped": {func(r *scenario.ClusterRig) {
			r.Queue = traffic.Queue{Type: topology.ClassicQueue, Node: victim.NodeName}
			r.Traffic.Rate = 20
		}, swapped, []string{"volume-swapped"}},
	} {
		t.Run(name, func(t *testing.T) {
			rig := scenario.ClusterRig{
				Cluster: c,
				Queue:   traffic.Queue{Type: topology.QuorumQueue},
				Traffic: traffic.Config{Paths: traffic.Paths(c.Outputs()), Rate: 100, Size: 256},
			}
			bug.seed(&rig)
			require.NoError(t, rig.Sweep(t.Context()))
			limits := scenario.DefaultLimits()
			limits.Patience = 5 * time.Second
			planned := scenario.Planned("seeded", bug.plan)
			planned.Plan.Find = findOrSwap
			dir := t.TempDir()
			if reports := os.Getenv("WARREN_TEST_REPORT"); reports != "" {
				dir = filepath.Join(reports, t.Name())
			}
			suite := scenario.Suite{
				Runner: scenario.Runner{Cluster: c, Rig: rig, Limits: limits}, Dir: dir, Shrink: true,
				Done: func(s report.Scenario) { t.Logf("%s: %s%s", s.Description, s.Status(), s.Remark()) },
			}
			run, err := suite.Play(t.Context(), slices.Values([]scenario.Scenario{planned}))
			require.NoError(t, err)
			result := run.Scenarios[0]
			require.Equal(t, report.Failed, result.Status())
			require.Empty(t, result.Error)
			assert.Equal(t, checker.Lost, result.Verdict.Violations[0].Kind)
			t.Log(result.Smallest)
			assert.Contains(t, result.Smallest, "1 of 4 faults still fail")
			assert.Regexp(t, strings.Join(bug.causes, "|"), result.Smallest)
		})
	}
}

// findOrSwap is fault.FindAtOnce that knows one more: the node comes back with another message store.
func findOrSwap(name string) (fault.Overlapping, error) {
	if name != "volume-swapped" {
		return fault.FindAtOnce(name)
	}
	return fault.Overlapping{Inject: livetest.LoseMessageStore}, nil
}
