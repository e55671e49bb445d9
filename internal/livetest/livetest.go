//go:build cluster

// Package livetest gives tests a running cluster that they may break.
package livetest

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/operate/stack"
	"warren/topology"
	"warren/verify/fault"
)

// Patience is how long a cluster may take to recover from anything, on a machine that runs other tests at the
// same time.
const Patience = 6 * time.Minute

// Open opens the cluster whose outputs the file named by WARREN_TEST_OUTPUTS holds, and waits until it is
// healthy. When the test ends, all faults are healed.
func Open(t *testing.T) *cluster.Cluster {
	t.Helper()
	file := os.Getenv(livestack.OutputsVariable)
	if file == "" {
		t.Fatal(livestack.OutputsVariable + " is not set: it must name a file with the outputs of a stack that " +
			"may be broken, as `pulumi stack output --json --show-secrets` prints them")
	}
	outputs, err := stack.ReadFile(file)
	require.NoError(t, err)
	c, err := cluster.Open(outputs)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		assert.NoError(t, fault.HealAll(ctx, c))
		assert.NoError(t, health.WaitHealthy(ctx, c))
	})
	Healthy(t, c)
	return c
}

// Healthy waits until nothing is wrong with the cluster that matters.
func Healthy(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	HealthyWithin(t, c, Patience)
}

// HealthyWithin is Healthy that gives up when the same is wrong for stall.
func HealthyWithin(t *testing.T, c *cluster.Cluster, stall time.Duration) {
	t.Helper()
	require.NoError(t, health.WaitRecovered(t.Context(), c, stall))
}

// Queue declares a queue for the time of the test.
func Queue(t *testing.T, c *cluster.Cluster, name string, arguments map[string]any) fault.Target {
	t.Helper()
	require.NoError(t, Ask(t.Context(), c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.DeclareQueue("/", name, rabbithole.QueueSettings{Durable: true, Arguments: arguments})
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, Ask(ctx, c, func(api *rabbithole.Client) (*http.Response, error) {
			return api.DeleteQueue("/", name)
		}))
	})
	return fault.Target{VHost: "/", Queue: name}
}

// QuorumQueue declares a queue with three replicas for the time of the test.
func QuorumQueue(t *testing.T, c *cluster.Cluster) fault.Target {
	t.Helper()
	return Queue(t, c, "warren-test", map[string]any{topology.QueueTypeArgument: topology.QuorumQueue,
		"x-quorum-initial-group-size": 3})
}

// Ask sends a request to a node that answers it.
func Ask(
	ctx context.Context, c *cluster.Cluster, request func(*rabbithole.Client) (*http.Response, error),
) error {
	return c.AskAny(ctx, func(api *rabbithole.Client) error {
		response, err := request(api)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
}
