//go:build cluster

package health_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
)

func TestObservationIsComplete(t *testing.T) {
	c := livetest.Open(t)
	target := livetest.QuorumQueue(t, c)
	var status health.Status
	// A node that has just started has told no other of its memory and its disk yet.
	require.NoError(t, wait.Within(t.Context(), time.Minute, 500*time.Millisecond, "a full account",
		func(ctx context.Context) (err error) {
			if status, err = health.Observe(ctx, c); err != nil {
				return err
			}
			for _, node := range status.Nodes {
				if node.DiskFree == 0 {
					return fmt.Errorf("%s has told nothing of its disk yet", node.Name)
				}
			}
			return nil
		}))
	for _, node := range status.Nodes {
		assert.Equal(t, c.Outputs().RabbitMQSeries, series(node.Version), node.Name)
		assert.NotEmpty(t, node.ErlangVersion, node.Name)
		assert.NotEmpty(t, node.FeatureFlags, node.Name)
		assert.NotEmpty(t, node.CookieDigest, node.Name)
		assert.Len(t, node.Members, len(c.Nodes()), node.Name)
		assert.Len(t, node.Running, len(c.Nodes()), node.Name)
		assert.Positive(t, node.DiskFree, node.Name)
		assert.Positive(t, node.MemoryLimit, node.Name)
	}
	var found bool
	for _, queue := range status.Queues {
		if queue.Name == target.Queue {
			found = true
			assert.Len(t, queue.Members, 3)
			assert.Len(t, queue.Online, 3)
			assert.Contains(t, queue.Online, queue.Leader)
		}
	}
	assert.True(t, found, "queue %s among %v", target.Queue, status.Queues)
	assert.GreaterOrEqual(t, len(status.LoadBalancer.Servers), 2*len(c.Nodes()))
}

// series is the first two numbers of a version.
func series(version string) string {
	dots := 0
	for i, r := range version {
		if r == '.' {
			if dots++; dots == 2 {
				return version[:i]
			}
		}
	}
	return version
}

func TestConnectionsLandOnEveryNode(t *testing.T) {
	c := livetest.Open(t)
	spread, err := health.MeasureSpread(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, spread.Nodes, len(c.Nodes()))
	landed := 0
	for _, node := range spread.Nodes {
		landed += node.Landed
	}
	assert.Equal(t, spread.Opened, landed)
	// The cluster's own connections are few, so two new ones for each node reach every node.
	for _, node := range spread.Nodes {
		assert.Positive(t, node.Landed, "on %s", node.Node)
	}
}

// TestObservationIsBoundedWhileNodesAreSilent: a frozen node answers nothing, and its peers answer late.
func TestObservationIsBoundedWhileNodesAreSilent(t *testing.T) {
	c := livetest.Open(t)
	frozen := c.Nodes()[1]
	require.NoError(t, c.Pause(t.Context(), frozen.Container))
	start := time.Now()
	status, err := health.Observe(t.Context(), c)
	took := time.Since(start)
	require.NoError(t, c.Unpause(t.Context(), frozen.Container))
	require.NoError(t, err)
	assert.Less(t, took, 25*time.Second)
	assert.Equal(t, "paused", status.Nodes[1].State)
	assert.False(t, status.Healthy())
}

func TestWaitHealthyTellsWhatIsWrong(t *testing.T) {
	c := livetest.Open(t)
	node := c.Nodes()[0]
	require.NoError(t, c.Kill(t.Context(), node.Container))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := health.WaitHealthy(ctx, c)
	var unhealthy *health.UnhealthyError
	require.ErrorAs(t, err, &unhealthy)
	assert.ErrorContains(t, err, node.Name+": container "+node.Container+" is exited")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestKilledContainerStaysDeadUntilItIsStarted(t *testing.T) {
	c := livetest.Open(t)
	node := c.Nodes()[0]
	inspected, err := c.Inspect(t.Context(), node.Container)
	require.NoError(t, err)
	require.False(t, inspected.HostConfig.RestartPolicy.IsNone(), "the node has no restart policy, so this "+
		"shows nothing")
	require.NoError(t, c.Kill(t.Context(), node.Container))
	after, err := c.Inspect(t.Context(), node.Container)
	require.NoError(t, err)
	assert.False(t, after.State.Running)
	assert.False(t, after.State.Restarting)
}

func TestExec(t *testing.T) {
	c := livetest.Open(t)
	node := c.Nodes()[0]
	result, err := c.Exec(t.Context(), node.Container, "bash", "-c", "echo out; echo err >&2; exit 3")
	require.NoError(t, err)
	assert.Equal(t, cluster.ExecResult{ExitCode: 3, Stdout: "out\n", Stderr: "err\n"}, result)

	_, err = c.Run(t.Context(), node.Container, "bash", "-c", "echo no such luck >&2; exit 3")
	assert.ErrorContains(t, err, "exit status 3: no such luck")

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = c.Exec(ctx, node.Container, "sleep", "60")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}
