//go:build cluster

package fault_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/fault/packet"
	"warren/verify/fault/swap"
)

// TestEveryFaultTakesEffectAndIsHealed relies on Inject and Heal, which verify that themselves, and looks
// that the cluster suffers meanwhile and recovers.
func TestEveryFaultTakesEffectAndIsHealed(t *testing.T) {
	c := livetest.Open(t)
	target := livetest.QuorumQueue(t, c)
	// What the cluster does not take for a problem: it works, only not well, or it is over when Inject returns.
	quiet := []string{"slow-network", "packet-loss", "flapping-link", "rolling-restart",
		"cut-from-load-balancer", "leader-blinks", "everyone-blinks", "leader-starved",
		"everyone-starved", "packets-duplicated",
		"packets-reordered", "bandwidth-limited", "load-balancer-starved", "load-balancer-reloading"}
	for _, f := range slices.Concat(fault.Usual(), fault.Strain()) {
		t.Run(f.Name, func(t *testing.T) {
			if err := f.Available(c); err != nil {
				t.Skip(err)
			}
			livetest.Healthy(t, c)
			injection, err := f.Inject(t.Context(), c, target)
			require.NoError(t, err)
			t.Log(injection)
			if !slices.Contains(quiet, f.Name) {
				assert.NoError(t, suffers(t.Context(), c))
			}
			require.NoError(t, injection.Heal(t.Context()))
			assert.NoError(t, injection.Heal(t.Context()), "healing twice does no harm")
			livetest.Healthy(t, c)
			left, err := fault.Leftovers(t.Context(), c)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// suffers waits until something is wrong with the cluster.
func suffers(ctx context.Context, c *cluster.Cluster) error {
	return wait.Within(ctx, time.Minute, time.Second, "a problem", func(ctx context.Context) error {
		status, err := health.Observe(ctx, c)
		if err == nil && status.Healthy() {
			err = errors.New("nothing is wrong with the cluster")
		}
		return err
	})
}

func TestFaultWithoutEffectIsAnError(t *testing.T) {
	c := livetest.Open(t)
	_, err := fault.CutNothing(t.Context(), c)
	assert.ErrorContains(t, err, "rabbit1 still reaches")
	_, err = fault.RaiseNoAlarm(t.Context(), c)
	assert.ErrorContains(t, err, "expected a memory alarm, found none")
	left, err := fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, left, "a fault without effect is healed all the same")
}

// TestHealAllHealsWhatNobodyHealed injects faults of every sort and forgets about them.
func TestHealAllHealsWhatNobodyHealed(t *testing.T) {
	c := livetest.Open(t)
	target := livetest.QuorumQueue(t, c)
	for _, name := range []string{
		"leader-paused", "all-nodes-killed", "slow-network", "leader-starved", "memory-alarm",
		"cookie-changed", "volume-lost",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := fault.Find(name)
			require.NoError(t, err)
			_, err = f.Inject(t.Context(), c, target)
			require.NoError(t, err)
			require.NoError(t, fault.HealAll(t.Context(), c))
			livetest.Healthy(t, c)
			left, err := fault.Leftovers(t.Context(), c)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestLyingDisksAreTakenOff leaves nodes on disks that can be told to lie, as a run that was killed does. One
// of the disks has lost its process, and so the node all its files.
func TestLyingDisksAreTakenOff(t *testing.T) {
	c := livetest.Open(t)
	if err := swap.Available(t.Context(), c); err != nil {
		t.Skip(err)
	}
	require.NoError(t, fault.PutOnLyingDisks(t.Context(), c))
	left, err := fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Len(t, left, len(c.Nodes()), "%v", left)

	disks, err := packet.ByRole(t.Context(), c, topology.RoleLyingDisk)
	require.NoError(t, err)
	require.Len(t, disks, len(c.Nodes()))
	require.NoError(t, c.Docker().ContainerRemove(t.Context(), disks[0].ID,
		container.RemoveOptions{Force: true}))
	left, err = fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Len(t, left, len(c.Nodes()), "a disk without a process is still mounted: %v", left)

	require.NoError(t, fault.HealAll(t.Context(), c))
	livetest.Healthy(t, c)
	left, err = fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// helper is set in a process that injects a fault and waits to be killed.
const helper = "WARREN_TEST_INJECT"

// TestInject is no test: it is what the process does that TestKilledRunIsHealed kills.
func TestInject(t *testing.T) {
	name, set := os.LookupEnv(helper)
	if !set {
		t.Skip("only for TestKilledRunIsHealed")
	}
	c := livetest.Open(t)
	f, err := fault.Find(name)
	require.NoError(t, err)
	_, err = f.Inject(t.Context(), c, fault.Target{VHost: "/", Queue: "warren-test"})
	require.NoError(t, err)
	fmt.Println("injected")
	<-t.Context().Done()
}

func TestKilledRunIsHealed(t *testing.T) {
	if _, set := os.LookupEnv(helper); set {
		t.Skip("this is the process to be killed")
	}
	c := livetest.Open(t)
	livetest.QuorumQueue(t, c)

	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInject$")
	run.Env = append(os.Environ(), helper+"=pair-cut")
	run.Stderr = os.Stderr
	output, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "injected" {
		t.Log(lines.Text())
	}
	require.NoError(t, run.Process.Kill(), "in the middle of the partition")
	require.Error(t, run.Wait())

	left, err := fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	var found []string
	for _, l := range left {
		found = append(found, l.String())
	}
	assert.Contains(t, strings.Join(found, "\n"), "rabbit1: packet filters")
	require.NoError(t, suffers(t.Context(), c))

	require.NoError(t, fault.HealAll(t.Context(), c))
	livetest.Healthy(t, c)
	left, err = fault.Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, left)
}
