//go:build cluster

package doctor_test

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/doctor"
	"warren/operate/health"
	"warren/verify/fault"
)

func TestRealHealthyClusterGetsNoDiagnosis(t *testing.T) {
	c := livetest.Open(t)
	examination, err := doctor.Examine(t.Context(), c, fault.DescribeLeftovers)
	require.NoError(t, err)
	for _, d := range doctor.Diagnose(examination) {
		// What other tests leave behind: leaders gather on nodes that were not restarted, and on a machine that is too busy a
		// node comes back later than its watch waits.
		assert.Contains(t, []string{string(health.LeadersNotSpread), doctor.Unwatched}, d.Name, d.Found)
	}
	require.NotNil(t, examination.Status.Spread)
	for _, node := range examination.Status.Spread.Nodes {
		assert.Positive(t, node.Landed, "connections on %s", node.Node)
	}
}

// TestFaultsAreDiagnosed provokes what a fault can provoke.
func TestFaultsAreDiagnosed(t *testing.T) {
	c := livetest.Open(t)
	target := livetest.QuorumQueue(t, c)
	for _, test := range []struct {
		fault     string
		diagnoses []string
	}{
		{"leader-killed", []string{"node-down", "replica-offline"}},
		{"leader-paused", []string{"node-paused", doctor.LeftByFault}},
		{"app-stopped", []string{"app-stopped", doctor.LeftByFault}},
		{"two-nodes-killed", []string{"node-down", "queue-without-leader"}},
		{"all-nodes-killed", []string{"node-down", "queues-unknown"}},
		{"pair-cut", []string{"partition", doctor.LeftByFault}},
		{"cookie-changed", []string{"cookie-mismatch", "partition"}},
		{"memory-alarm", []string{"memory-alarm"}},
		{"disk-alarm", []string{"disk-alarm"}},
		{"load-balancer-killed", []string{"load-balancer-down"}},
		{"cut-from-load-balancer", []string{"server-down"}},
		{"node-reset", []string{doctor.Inconsistent, "replica-offline"}},
	} {
		t.Run(test.fault, func(t *testing.T) {
			f, err := fault.Find(test.fault)
			require.NoError(t, err)
			livetest.Healthy(t, c)
			injection, err := f.Inject(t.Context(), c, target)
			require.NoError(t, err)
			for _, name := range test.diagnoses {
				diagnosed(t, c, name)
			}
			require.NoError(t, injection.Heal(t.Context()))
			livetest.Healthy(t, c)
		})
	}
}

// TestMishapsAreDiagnosedAndMended provokes what no fault does, and mends it by the doctor's own commands.
func TestMishapsAreDiagnosedAndMended(t *testing.T) {
	c := livetest.Open(t)
	node, other := c.Nodes()[2], c.Nodes()[0]
	run := func(t *testing.T, command ...string) {
		t.Helper()
		_, err := c.Run(t.Context(), node.Container, command...)
		require.NoError(t, err)
	}

	t.Run("node-drained", func(t *testing.T) {
		run(t, "rabbitmq-upgrade", "drain")
		mend(t, diagnosed(t, c, "node-drained"))
		livetest.Healthy(t, c)
	})
	t.Run("node-down", func(t *testing.T) {
		require.NoError(t, c.Stop(t.Context(), node.Container, time.Minute))
		mend(t, diagnosed(t, c, "node-down"))
		livetest.Healthy(t, c)
	})
	t.Run("app-stopped", func(t *testing.T) {
		run(t, "rabbitmqctl", "stop_app")
		mend(t, diagnosed(t, c, "app-stopped"))
		livetest.Healthy(t, c)
	})
	t.Run("not-replicated", func(t *testing.T) {
		livetest.Queue(t, c, "warren-test-classic", map[string]any{"x-queue-type": "classic"})
		diagnosis := diagnosed(t, c, "not-replicated")
		assert.Contains(t, diagnosis.Found, "warren-test-classic")
		mend(t, diagnosis)
		for _, d := range diagnoses(t, c) {
			assert.NotEqual(t, "not-replicated", d.Name, d.Found)
		}
	})
	t.Run("too-few-replicas", func(t *testing.T) {
		target := livetest.QuorumQueue(t, c)
		run(t, "rabbitmq-queues", "delete_member", "--vhost", "/", target.Queue, node.NodeName)
		mend(t, diagnosed(t, c, "too-few-replicas"))
		livetest.Healthy(t, c)
	})
	t.Run("leaders-not-spread", func(t *testing.T) {
		for i := range 6 {
			name := fmt.Sprintf("warren-test-%d", i)
			require.NoError(t, livetest.Ask(t.Context(), c, func(*rabbithole.Client) (*http.Response, error) {
				return c.Management(t.Context(), other).DeclareQueue("/", name, rabbithole.QueueSettings{
					Durable: true, Arguments: map[string]any{"x-queue-type": "quorum", "x-queue-leader-locator": "client-local"},
				})
			}))
			t.Cleanup(func() {
				assert.NoError(t, livetest.Ask(context.Background(), c, func(api *rabbithole.Client) (*http.Response, error) {
					return api.DeleteQueue("/", name)
				}))
			})
		}
		mend(t, diagnosed(t, c, "leaders-not-spread"))
		require.NoError(t, wait.Until(patient(t), time.Second, "leaders to be spread", func(ctx context.Context) error {
			status, err := health.Observe(ctx, c)
			for _, problem := range status.Problems() {
				if problem.Kind == health.LeadersNotSpread {
					err = fmt.Errorf("%s", problem)
				}
			}
			return err
		}))
	})
	t.Run("inconsistent membership", func(t *testing.T) {
		target := livetest.QuorumQueue(t, c)
		followers, err := c.Followers(t.Context(), target.VHost, target.Queue)
		require.NoError(t, err)
		follower, peer := followers[0], followers[1]
		// The container that watches over its membership is held: it would mend this, or end.
		join := follower.Membership
		if state, err := c.State(t.Context(), join); assert.NoError(t, err) && state == "running" {
			require.NoError(t, c.Pause(t.Context(), join))
		}
		_, err = c.Run(t.Context(), follower.Container, "rabbitmqctl", "stop_app")
		require.NoError(t, err)
		_, err = c.Run(t.Context(), peer.Container, "rabbitmqctl", "forget_cluster_node", follower.NodeName)
		require.NoError(t, err)
		diagnosis := diagnosed(t, c, doctor.Inconsistent)
		assert.Contains(t, diagnosis.Found, follower.Name)
		mend(t, diagnosis)
		// As the doctor says, its replicas are left to do.
		diagnosed(t, c, "too-few-replicas")
		for _, d := range diagnoses(t, c) {
			if d.Name == "too-few-replicas" {
				mend(t, d)
			}
		}
		require.NoError(t, fault.HealAll(t.Context(), c)) // thaws what was held
		livetest.Healthy(t, c)
	})
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), livetest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// diagnosed waits until the doctor makes a diagnosis: nodes need some seconds to notice things.
func diagnosed(t *testing.T, c *cluster.Cluster, name string) doctor.Diagnosis {
	t.Helper()
	var found doctor.Diagnosis
	require.NoError(t, wait.Within(t.Context(), 2*time.Minute, time.Second, "the diagnosis", func(ctx context.Context) error {
		examination, err := doctor.Examine(ctx, c, fault.DescribeLeftovers)
		if err != nil {
			return err
		}
		var names []string
		for _, d := range doctor.Diagnose(examination) {
			if d.Name == name {
				found = d
				return nil
			}
			names = append(names, d.Name)
		}
		return fmt.Errorf("no diagnosis %q among %q", name, names)
	}))
	return found
}

// diagnoses returns the diagnoses made now.
func diagnoses(t *testing.T, c *cluster.Cluster) []doctor.Diagnosis {
	t.Helper()
	examination, err := doctor.Examine(t.Context(), c, fault.DescribeLeftovers)
	require.NoError(t, err)
	return doctor.Diagnose(examination)
}

// mend runs the commands of a diagnosis; those of Pulumi and of warren itself are left to other tests. A command after
// a comment that says it may fail may.
func mend(t *testing.T, d doctor.Diagnosis) {
	t.Helper()
	mayFail := false
	for _, line := range d.Mend {
		if strings.HasPrefix(line, "#") {
			mayFail = strings.Contains(line, "may fail")
			continue
		}
		if !strings.HasPrefix(line, "docker ") {
			continue
		}
		output, err := exec.CommandContext(t.Context(), "bash", "-c", line).CombinedOutput()
		if !mayFail {
			require.NoError(t, err, "%s: %s", line, output)
		}
		mayFail = false
	}
}
