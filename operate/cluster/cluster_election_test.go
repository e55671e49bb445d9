//go:build cluster

package cluster_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/traffic"
)

// TestFollowersStandAtOnce kills a node that leads queues. For each of them one follower stands for
// election at once, on the one node or on the other. Without prompt election the queues are led again as
// well; that nobody stood at once is then what shows that the test sees who did.
func TestFollowersStandAtOnce(t *testing.T) {
	c := livetest.Open(t)
	dead, left := c.Nodes()[2], c.Nodes()[:2]
	const queues = 12

	stood := killLeader(t, c, dead, queues)
	assert.Positive(t, stood[left[0].Name], "%v", stood)
	assert.Positive(t, stood[left[1].Name], "%v", stood)
	assert.GreaterOrEqual(t, stood[left[0].Name]+stood[left[1].Name], queues, "%v", stood)

	for _, node := range left {
		_, err := c.Run(t.Context(), node.Container, "rabbitmqctl", "eval", "exit(whereis(prompt_election), kill).")
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := c.Run(context.Background(), node.Container, "rabbitmqctl", "eval", "prompt_election:start().")
			assert.NoError(t, err)
		})
	}
	assert.Empty(t, killLeader(t, c, dead, queues))
}

// standing is how a node says that its followers stand, and for how many groups.
var standing = regexp.MustCompile(`Node rabbit@\S+ is gone: standing for election in (\d+) of the Raft groups that it led`)

// killLeader kills a node that leads so many queues, waits until others lead them, and starts it again. It
// returns for how many groups each of the others stood at once, by the name of the node.
func killLeader(t *testing.T, c *cluster.Cluster, victim topology.NodeOutput, queues int) map[string]int {
	t.Helper()
	began := time.Now()
	names := make([]string, queues)
	for i := range names {
		names[i] = fmt.Sprintf("warren-test-%d-%d", began.Unix(), i)
		q := traffic.Queue{Name: names[i], Type: "quorum", Replicas: 3, Node: victim.NodeName}
		require.NoError(t, q.Declare(t.Context(), c))
		defer func() { assert.NoError(t, q.Delete(context.Background(), c)) }()
	}
	livetest.Healthy(t, c)
	require.NoError(t, c.Kill(t.Context(), victim.Container))
	require.NoError(t, wait.Within(t.Context(), time.Minute, 200*time.Millisecond, "new leaders",
		func(ctx context.Context) error {
			for _, name := range names {
				leader, err := c.Leader(ctx, traffic.VHost, name)
				if err == nil && leader.Name == victim.Name {
					err = fmt.Errorf("queue %s is still led by %s", name, leader.Name)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))

	stood := map[string]int{}
	for _, node := range c.Nodes() {
		text, err := c.Logs(t.Context(), node.Container, began, time.Now())
		require.NoError(t, err)
		for _, match := range standing.FindAllStringSubmatch(text, -1) {
			groups, err := strconv.Atoi(match[1])
			require.NoError(t, err)
			stood[node.Name] += groups
		}
	}
	require.NoError(t, c.Start(t.Context(), victim.Container))
	livetest.Healthy(t, c)
	return stood
}
