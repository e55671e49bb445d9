//go:build cluster

package health_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
)

// balanced is what the load balancer has of a node for AMQP.
func balanced(ctx context.Context, c *cluster.Cluster, node string) (cluster.Server, error) {
	servers, err := c.Servers(ctx)
	if err != nil {
		return cluster.Server{}, err
	}
	for _, s := range servers {
		if s.Proxy == "amqp" && s.Name == node {
			return s, nil
		}
	}
	return cluster.Server{}, fmt.Errorf("the load balancer does not know %s", node)
}

// becomes waits until the load balancer has a node in a state for a reason, and logs how long that took.
func becomes(t *testing.T, c *cluster.Cluster, node, state, reason string) {
	t.Helper()
	start := time.Now()
	require.NoError(t, wait.Within(t.Context(), livetest.Patience, 20*time.Millisecond, node+" to be "+state,
		func(ctx context.Context) error {
			s, err := balanced(ctx, c, node)
			switch {
			case err != nil:
				return err
			case !strings.HasPrefix(s.Status, state) || !strings.Contains(s.Why(), reason):
				return fmt.Errorf("it is %s (check %s, agent %s)", s.Status, s.Check, s.Agent)
			}
			return nil
		}))
	t.Logf("%s is %s (%s) after %s", node, state, reason, time.Since(start).Round(10*time.Millisecond))
}

// signalVM sends a signal to the virtual machine in a container. Not every image has pkill.
const signalVM = `for process in /proc/[0-9]*; do
	[ "$(cat "$process/comm" 2>/dev/null)" != beam.smp ] || kill -"$1" "${process#/proc/}"
done`

// TestTheLoadBalancerFollowsTheVerdict does to a node, one after the other, what its agent or HAProxy must
// notice.
func TestTheLoadBalancerFollowsTheVerdict(t *testing.T) {
	c := livetest.Open(t)
	ctx := t.Context()
	node := c.Nodes()[2]
	run := func(command ...string) {
		t.Helper()
		_, err := c.Run(ctx, node.Container, command...)
		require.NoError(t, err)
	}
	becomes(t, c, node.Name, "UP", "")
	s, err := balanced(ctx, c, node.Name)
	require.NoError(t, err)
	require.Contains(t, s.Agent, "via agent : up", "HAProxy asks the agent")

	t.Log("killed")
	require.NoError(t, c.Kill(ctx, node.Container))
	becomes(t, c, node.Name, "DOWN", "")
	require.NoError(t, c.Start(ctx, node.Container))
	becomes(t, c, node.Name, "UP", "")
	livetest.Healthy(t, c)

	t.Log("frozen")
	require.NoError(t, c.Pause(ctx, node.Container))
	becomes(t, c, node.Name, "DOWN", "")
	require.NoError(t, c.Unpause(ctx, node.Container))
	becomes(t, c, node.Name, "UP", "")
	livetest.Healthy(t, c)

	t.Log("its virtual machine frozen, the agent not")
	run("bash", "-c", signalVM, "signal", "STOP")
	becomes(t, c, node.Name, "DOWN (agent)", "has not answered")
	run("bash", "-c", signalVM, "signal", "CONT")
	becomes(t, c, node.Name, "UP", "")
	livetest.Healthy(t, c)

	t.Log("drained by hand")
	run("rabbitmq-upgrade", "drain")
	becomes(t, c, node.Name, "DOWN", "")
	run("rabbitmq-upgrade", "revive")
	becomes(t, c, node.Name, "UP", "")
	livetest.Healthy(t, c)

	t.Log("without its queues")
	// The supervisors start a journal again until it has stopped too often.
	run("rabbitmqctl", "eval",
		`[begin catch exit(whereis(maps:get(wal, maps:get(names, ra_system:fetch(S)))), kill), timer:sleep(20) end
		|| S <- [coordination, quorum_queues], _ <- lists:seq(1, 100)].`)
	becomes(t, c, node.Name, "DOWN (agent)", "without its queues")
	require.NoError(t, c.Restart(ctx, node.Container, time.Minute))
	becomes(t, c, node.Name, "UP", "")
	livetest.Healthy(t, c)

	t.Log("told to stop")
	stopped := make(chan error, 1)
	go func() { stopped <- c.Stop(ctx, node.Container, 3*time.Minute) }()
	becomes(t, c, node.Name, "DRAIN", "")
	becomes(t, c, node.Name, "DOWN", "")
	require.NoError(t, <-stopped)
	require.NoError(t, c.Start(ctx, node.Container))
	becomes(t, c, node.Name, "UP", "")
}
