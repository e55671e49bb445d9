//go:build cluster

package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/fault/resource"
	"warren/verify/history"
	"warren/verify/report"
	"warren/verify/traffic"
)

func onCluster(c *cluster.Cluster) ClusterRig {
	return ClusterRig{
		Cluster: c,
		Queue:   traffic.Queue{Type: "quorum"},
		Traffic: traffic.Config{Paths: traffic.Paths(c.Outputs()), Rate: 100, Size: 256},
	}
}

// patient are limits for a machine that runs other tests at the same time: what is tested here is what
// becomes of the messages, not how soon a node boots.
func patient() Limits {
	limits := DefaultLimits()
	limits.Healthy, limits.Flow = 6*time.Minute, time.Minute
	return limits
}

// playOn plays a scenario, and saves its report in the folder that WARREN_TEST_REPORT names, if any.
func playOn(t *testing.T, rig ClusterRig, s Scenario, limits Limits) (report.Scenario, history.History) {
	t.Helper()
	require.NoError(t, rig.Sweep(t.Context()))
	runner := Runner{Cluster: rig.Cluster, Rig: rig, Limits: limits, Progress: func(p Progress) {
		if p.Changed {
			t.Logf("%5.1f s: %s", p.Elapsed.Seconds(), p.Phase)
		}
	}}
	result, h := runner.Play(t.Context(), s)
	t.Logf("%s%s", result.Status(), result.Remark())
	if dir := os.Getenv("WARREN_TEST_REPORT"); dir != "" {
		dir = filepath.Join(dir, t.Name())
		run := NewRun(rig, 0)
		run.Scenarios, run.Took = []report.Scenario{result}, result.Took
		require.NoError(t, report.Write(dir, run))
		require.NoError(t, h.Save(filepath.Join(dir, "history.jsonl.gz")))
	}
	return result, h
}

func TestShortSelectionPasses(t *testing.T) {
	c := livetest.Open(t)
	faults, err := Select(fault.All(), []string{"leader-killed", "pair-cut", "all-nodes-killed", "memory-alarm"})
	require.NoError(t, err)
	for _, s := range Table(faults, 0) {
		t.Run(s.Name, func(t *testing.T) {
			result, h := playOn(t, onCluster(c), s, patient())
			require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
			assert.Zero(t, result.Verdict.Lost.Count)
			assert.Zero(t, result.Verdict.Unexpected.Count)
			assert.Greater(t, result.Verdict.Acknowledged, 1000)
			assert.NotZero(t, result.Recovery)
			stored := 0
			for _, p := range h.Publishes {
				if p.Path == history.Stored && p.Outcome == history.Confirmed {
					stored++
				}
			}
			assert.Greater(t, stored, 100, "the cluster had something to lose")
		})
	}
}

// TestStarvedClusterLosesNothing plays faults on a machine that has too little processor time, where clients
// give up on calls that are answered later. WARREN_TEST_REPEAT says how often; once without it.
func TestStarvedClusterLosesNothing(t *testing.T) {
	c := livetest.Open(t)
	repeat, err := strconv.Atoi(cmp.Or(os.Getenv("WARREN_TEST_REPEAT"), "1"))
	require.NoError(t, err)
	faults, err := Select(fault.All(), []string{"load-balancer-killed"})
	require.NoError(t, err)
	faults[0].Expect = checker.Expectation{} // nothing about how soon
	var containers []string
	for _, node := range c.Nodes() {
		containers = append(containers, node.Container)
	}
	starved, err := resource.ThrottleContainers(t.Context(), c, "starved", containers, 0.25)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, starved.Heal(context.Background())) })
	for n := range repeat {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			result, _ := playOn(t, onCluster(c), Single(faults[0], 0), patient())
			require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
		})
	}
}

// diskLost kills the node of a classic queue and deletes the messages it had on disk, as if the disk had been
// replaced.
func diskLost() fault.Fault {
	return fault.Fault{
		Name: "message-store-lost",
		Description: "The node of the queue is killed and its message store deleted; then the node is " +
			"started again.",
		Available: func(*cluster.Cluster) error { return nil },
		Inject: func(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
			node, err := c.Leader(ctx, target.VHost, target.Queue)
			if err != nil {
				return nil, err
			}
			return livetest.LoseMessageStore(ctx, c, node)
		},
	}
}

func TestClassicQueueWhoseDiskIsLostLosesMessages(t *testing.T) {
	c := livetest.Open(t)
	rig := onCluster(c)
	rig.Queue = traffic.Queue{Type: "classic", Node: c.Nodes()[1].NodeName}
	limits := patient()
	limits.Patience = 5 * time.Second
	result, _ := playOn(t, rig, Single(diskLost(), 5*time.Second), limits)

	require.Empty(t, result.Error)
	requireLost(t, result)
}

func TestProducerWithoutConfirmsLosesMessages(t *testing.T) {
	c := livetest.Open(t)
	rig := onCluster(c)
	rig.Traffic.Unconfirmed = true
	rig.Traffic.Rate = 250 // the more is under way, the more is lost
	limits := patient()
	limits.Patience = 5 * time.Second
	killed, err := Select(fault.All(), []string{"all-nodes-killed"})
	require.NoError(t, err)
	killed[0].Expect = checker.Expectation{} // "sent" is no confirm, and goes on without a quorum
	result, _ := playOn(t, rig, Single(killed[0], 0), limits)

	require.Empty(t, result.Error)
	requireLost(t, result)
}

// requireLost requires that the checker failed the scenario over lost messages, and named them.
func requireLost(t *testing.T, result report.Scenario) {
	t.Helper()
	require.Equal(t, report.Failed, result.Status())
	v := result.Verdict
	require.Positive(t, v.Lost.Count)
	require.NotEmpty(t, v.Lost.IDs)
	require.Len(t, v.Violations, 1)
	assert.Equal(t, checker.Lost, v.Violations[0].Kind)
	assert.Equal(t, v.Lost.IDs, v.Violations[0].Messages.IDs)
	t.Logf("%s First of them: %s", v.Violations[0].Text, v.Lost.IDs[0])
}

func TestFaultWithoutEffectIsAnErrorOnTheCluster(t *testing.T) {
	c := livetest.Open(t)
	toothless := fault.Fault{Name: "toothless", Available: func(*cluster.Cluster) error { return nil },
		Inject: func(context.Context, *cluster.Cluster, fault.Target) (fault.Injection, error) {
			return nil, errors.New("rabbit1 still reaches rabbit2")
		}}
	result, _ := playOn(t, onCluster(c), Single(toothless, time.Second), patient())
	require.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "rabbit1 still reaches rabbit2")
}

func TestInterruptedScenarioLeavesAHealthyCluster(t *testing.T) {
	c := livetest.Open(t)
	faults, err := Select(fault.All(), []string{"pair-cut"})
	require.NoError(t, err)
	ctx, interrupt := context.WithCancelCause(t.Context())
	runner := Runner{Cluster: c, Rig: onCluster(c), Limits: patient(), Progress: func(p Progress) {
		if p.Phase == "hold" {
			interrupt(fmt.Errorf("somebody pressed Ctrl-C"))
		}
	}}
	result, _ := runner.Play(ctx, Single(faults[0], time.Hour))
	assert.Contains(t, result.Error, "somebody pressed Ctrl-C")
	left, err := fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, left)
}
