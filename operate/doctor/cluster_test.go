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
		// What other tests leave behind: leaders gather on nodes that were not restarted, and on a machine that
		// is too busy a node comes back later than the container that looks after its membership waits.
		assert.Contains(t, []health.Kind{health.LeadersNotSpread, health.HelperMissing, health.HelperUnhealthy},
			health.Kind(d.Name), d.Found)
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

// TestMishapsAreDiagnosedAndFixed provokes what no fault does, and fixes it by the doctor's own commands.
func TestMishapsAreDiagnosedAndFixed(t *testing.T) {
	c := livetest.Open(t)
	node, other := c.Nodes()[2], c.Nodes()[0]
	run := func(t *testing.T, command ...string) {
		t.Helper()
		_, err := c.Run(t.Context(), node.Container, command...)
		require.NoError(t, err)
	}

	t.Run("node-drained", func(t *testing.T) {
		run(t, "rabbitmq-upgrade", "drain")
		fix(t, diagnosed(t, c, "node-drained"))
		livetest.Healthy(t, c)
	})
	t.Run("node-down", func(t *testing.T) {
		require.NoError(t, c.Stop(t.Context(), node.Container, time.Minute))
		fix(t, diagnosed(t, c, "node-down"))
		livetest.Healthy(t, c)
	})
	t.Run("app-stopped", func(t *testing.T) {
		run(t, "rabbitmqctl", "stop_app")
		fix(t, diagnosed(t, c, "app-stopped"))
		livetest.Healthy(t, c)
	})
	t.Run("not-replicated", func(t *testing.T) {
		livetest.Queue(t, c, "warren-test-classic", map[string]any{"x-queue-type": "classic"})
		diagnosis := diagnosed(t, c, "not-replicated")
		assert.Contains(t, diagnosis.Found, "warren-test-classic")
		fix(t, diagnosis)
		for _, d := range diagnoses(t, c) {
			assert.NotEqual(t, "not-replicated", d.Name, d.Found)
		}
	})
	t.Run("too-few-replicas", func(t *testing.T) {
		target := livetest.QuorumQueue(t, c)
		run(t, "rabbitmq-queues", "delete_member", "--vhost", "/", target.Queue, node.NodeName)
		fix(t, diagnosed(t, c, "too-few-replicas"))
		livetest.Healthy(t, c)
	})
	t.Run("queue-half-deleted", func(t *testing.T) {
		const name = "warren test; $(half)"
		require.NoError(t, livetest.Ask(t.Context(), c, func(api *rabbithole.Client) (*http.Response, error) {
			return api.DeclareQueue("/", name,
				rabbithole.QueueSettings{Durable: true, Arguments: map[string]any{"x-queue-type": "quorum"}})
		}))
		for _, n := range c.Nodes() {
			run(t, "rabbitmqctl", "eval", fmt.Sprintf(`ra:force_delete_server(quorum_queues, {'%%2F_%s', '%s'}).`,
				name, n.NodeName))
		}
		diagnosis := diagnosed(t, c, string(health.QueueHalfDeleted))
		assert.Contains(t, diagnosis.Found, name)
		fix(t, diagnosis)
		livetest.Healthy(t, c)
	})
	t.Run("stream with too few replicas", func(t *testing.T) {
		const name = "--warren-test-stream"
		livetest.Queue(t, c, name, map[string]any{"x-queue-type": "stream"})
		run(t, "rabbitmq-streams", "delete_replica", "--vhost", "/", "--", name, node.NodeName)
		diagnosis := diagnosed(t, c, string(health.TooFewReplicas))
		assert.Contains(t, diagnosis.Found, name)
		fix(t, diagnosis)
		livetest.Healthy(t, c)
	})
	t.Run("replica-not-voting", func(t *testing.T) {
		target := livetest.QuorumQueue(t, c)
		run(t, "rabbitmq-queues", "delete_member", "--vhost", "/", target.Queue, node.NodeName)
		run(t, "rabbitmq-queues", "add_member", "--vhost", "/", "--membership", "non_voter", target.Queue,
			node.NodeName)
		assert.Contains(t, diagnosed(t, c, string(health.ReplicaNotVoting)).Found, node.Name)
	})
	t.Run("helper-down", func(t *testing.T) {
		helper := c.Outputs().Formation
		require.NoError(t, c.Pause(t.Context(), helper))
		fix(t, diagnosed(t, c, string(health.HelperDown)))
		state, err := c.State(t.Context(), helper)
		require.NoError(t, err)
		assert.Equal(t, "running", state)
	})
	t.Run("management-refuses", func(t *testing.T) {
		outputs := c.Outputs()
		run(t, "rabbitmqctl", "change_password", outputs.Username, "another")
		diagnosis := diagnosed(t, c, string(health.ManagementRefuses))
		run(t, "rabbitmqctl", "change_password", outputs.Username, outputs.Password)
		assert.Contains(t, strings.Join(diagnosis.Fix, "\n"), "list_users")
		livetest.Healthy(t, c)
	})
	t.Run("leaders-not-spread", func(t *testing.T) {
		for i := range 6 {
			name := fmt.Sprintf("warren-test-%d", i)
			require.NoError(t, livetest.Ask(t.Context(), c, func(*rabbithole.Client) (*http.Response, error) {
				return c.Management(t.Context(), other).DeclareQueue("/", name, rabbithole.QueueSettings{
					Durable:   true,
					Arguments: map[string]any{"x-queue-type": "quorum", "x-queue-leader-locator": "client-local"},
				})
			}))
			t.Cleanup(func() {
				assert.NoError(t, livetest.Ask(context.Background(), c,
					func(api *rabbithole.Client) (*http.Response, error) {
						return api.DeleteQueue("/", name)
					}))
			})
		}
		fix(t, diagnosed(t, c, "leaders-not-spread"))
		require.NoError(t, wait.Until(patient(t), time.Second, "leaders to be spread",
			func(ctx context.Context) error {
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
		// The container that watches over its membership is held: it would fix this, or end.
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
		fix(t, diagnosis)
		assert.NotContains(t, strings.Join(diagnosis.Fix, "\n"), "reset")
		// As the doctor says, its replicas are left to do. Which queues lack one depends on what the node got
		// back by itself.
		require.NoError(t, wait.Until(patient(t), time.Second, "the node to be back",
			func(ctx context.Context) error {
				status, err := health.Observe(ctx, c)
				for _, p := range status.Problems() {
					if err == nil && p.Severity == health.Failure && p.Kind != health.TooFewReplicas &&
						p.Kind != health.HelperDown {
						err = fmt.Errorf("%s", p)
					}
				}
				return err
			}))
		for _, d := range diagnoses(t, c) {
			if d.Name == string(health.TooFewReplicas) {
				fix(t, d)
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
	require.NoError(t, wait.Within(t.Context(), 2*time.Minute, time.Second, "the diagnosis",
		func(ctx context.Context) error {
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

// fix runs the commands of a diagnosis; those of Pulumi and of warren itself are left to other tests.
func fix(t *testing.T, d doctor.Diagnosis) {
	t.Helper()
	for _, line := range d.Fix {
		if strings.HasPrefix(line, "docker ") {
			output, err := exec.CommandContext(t.Context(), "bash", "-c", line).CombinedOutput()
			require.NoError(t, err, "%s: %s", line, output)
		}
	}
}
