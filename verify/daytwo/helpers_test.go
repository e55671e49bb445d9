//go:build cluster

package daytwo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/doctor"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/traffic"
)

const (
	// scaleGap is as rollGap. Scaling in elects new leaders of queues several times over, and a node is killed
	// as well.
	scaleGap = 3 * time.Second
	// rate is that of each producer; there is one for every path.
	rate = 25
	// patience is how long a cluster may take to be healthy after a deployment, on a machine that does other
	// things as well.
	patience = 2 * time.Minute
	// drainPatience is how long no message may arrive when messages are missing. A connection that is dead
	// without a word is noticed by then.
	drainPatience = 2 * time.Minute
	// undisturbed is how long traffic flows before something is done to the cluster.
	undisturbed = 3 * time.Second
	// watchInterval is how often nodes are asked whether they take clients.
	watchInterval = 200 * time.Millisecond
)

// open opens the cluster of a stack and waits until it is healthy.
func open(t *testing.T, outputs topology.Outputs) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Open(outputs)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	healthy(t, c)
	return c
}

func healthy(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	livetest.HealthyWithin(t, c, patience)
}

// declare declares a quorum queue that asks for a number of members.
func declare(t *testing.T, c *cluster.Cluster, name string, members int) {
	t.Helper()
	require.NoError(t, traffic.Queue{Name: name, Type: "quorum", Replicas: members}.Declare(t.Context(), c))
}

// requireMembers requires that a queue has a number of members, all online. What the management API says of
// that may be some seconds old.
func requireMembers(t *testing.T, c *cluster.Cluster, queue string, members int) {
	t.Helper()
	what := fmt.Sprintf("%d members of %s", members, queue)
	require.NoError(t, wait.Within(t.Context(), patience, time.Second, what, func(ctx context.Context) error {
		q, err := c.Queue(ctx, traffic.VHost, queue)
		if err == nil && (len(q.Members) != members || !slices.Equal(q.Members, q.Online)) {
			err = fmt.Errorf("it has %v, of which %v are online", q.Members, q.Online)
		}
		return err
	}))
}

// underTraffic keeps messages flowing over all paths to a cluster while something is done to it, and requires
// that none is lost, that there is no longer gap in the service as a whole, and that never two of its nodes
// are down at once.
func underTraffic(t *testing.T, c *cluster.Cluster, name string, maxGap time.Duration, do func()) {
	t.Helper()
	queue := "daytwo-" + strings.ReplaceAll(name, " ", "-")
	declare(t, c, queue, 3)
	declare(t, c, queue+"-stored", 3)
	fewest := watch(t.Context(), c)
	v, own := recorded(t, c, name, traffic.Config{
		Queue: queue, Paths: traffic.Paths(c.Outputs()), Rate: rate, Size: 256,
		Stored: traffic.Stored{Queue: queue + "-stored", Endpoints: c.Outputs().AMQPURLs},
	}, do)
	assert.GreaterOrEqual(t, fewest(), len(c.Nodes())-1, "nodes that take clients at any time")
	judge(t, v, maxGap+slack(own))
}

// recorded keeps messages flowing while something is done, and returns the checker's verdict about them, and
// how long the gaps are that the traffic has by itself.
func recorded(
	t *testing.T, c *cluster.Cluster, name string, config traffic.Config, do func(),
) (v checker.Verdict, own time.Duration) {
	t.Helper()
	h, missing, err := traffic.Around{
		Config: config, Name: name, Before: undisturbed, After: time.Second,
		Patience: patience, Drain: drainPatience,
	}.Do(t.Context(), func() error { do(); return nil })
	require.NoError(t, err)
	if missing > 0 {
		keepEvidence(t, c, h)
	}
	own = ownGaps(h)
	t.Logf("%s: in nine of ten seconds, no gap in confirms was longer than %v", name,
		own.Round(time.Millisecond))
	return checker.Check(h, nil), own
}

// keepEvidence keeps what it takes to find out what became of messages that are missing: where the queues
// stand, the history and the nodes' logs.
func keepEvidence(t *testing.T, c *cluster.Cluster, h history.History) {
	t.Helper()
	folder, err := os.MkdirTemp("", "warren-missing-")
	require.NoError(t, err)
	t.Logf("messages are missing; the history and the nodes' logs are in %s", folder)
	require.NoError(t, h.Save(filepath.Join(folder, "history.gz")))
	said, err := c.Run(t.Context(), c.Nodes()[0].Container, "rabbitmqctl", "list_queues", "--quiet",
		"name", "messages_ready", "messages_unacknowledged", "consumers", "leader", "online")
	t.Logf("the queues (%v):\n%s", err, said)
	for _, node := range c.Nodes() {
		log, err := c.Logs(t.Context(), node.Container, h.Started, time.Now())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, node.Name+".log"), []byte(log), 0o600))
	}
}

// judge reports a verdict and holds it to what is promised.
func judge(t *testing.T, v checker.Verdict, maxGap time.Duration) {
	t.Helper()
	t.Logf("%s: %d confirmed, %d lost, %d unexpected, %d duplicated, longest gap %v in confirms and %v in "+
		"deliveries",
		v.Scenario, v.Acknowledged, v.Lost.Count, v.Unexpected.Count, v.Duplicated.Count,
		v.Overall.Confirms.Longest.Length().Round(time.Millisecond), v.Overall.Deliveries.Longest.Length().Round(
			time.Millisecond))
	for _, path := range v.Paths {
		t.Logf("    through %s: longest gap %v in confirms, %v in deliveries", path.Path,
			path.Confirms.Longest.Length().Round(time.Millisecond), path.Deliveries.Longest.Length().Round(
				time.Millisecond))
	}
	for _, problem := range violations(v, maxGap) {
		t.Error(problem)
	}
}

// watch counts, until the returned function is called, how many nodes take clients. That function returns the
// fewest.
func watch(ctx context.Context, c *cluster.Cluster) (fewest func() int) {
	ctx, stop := context.WithCancel(ctx)
	lowest := make(chan int, 1)
	go func() { lowest <- fewestServing(ctx, c.Nodes(), takesClients(c), watchInterval) }()
	return func() int { stop(); return <-lowest }
}

// takesClients tells whether a node takes clients. One that is away refuses at once, or closes the
// connection; one that is busy answers late.
func takesClients(c *cluster.Cluster) func(context.Context, topology.NodeOutput) bool {
	const late = 15 * time.Second
	return func(ctx context.Context, node topology.NodeOutput) bool {
		ctx, cancel := context.WithTimeout(ctx, late)
		defer cancel()
		for {
			err := c.Greet(ctx, node)
			var slow net.Error
			if err == nil || ctx.Err() != nil || !errors.As(err, &slow) || !slow.Timeout() {
				return err == nil
			}
		}
	}
}

// requireUp deploys a stack, with so many resources replaced, and returns how long it took.
func requireUp(t *testing.T, s *livestack.Stack, replaced int) time.Duration {
	t.Helper()
	start := time.Now()
	result, err := s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, replaced, changes(result)["replace"], "resources that are replaced")
	return time.Since(start)
}

func changes(result auto.UpResult) map[string]int {
	if result.Summary.ResourceChanges == nil {
		return nil
	}
	return *result.Summary.ResourceChanges
}

// requireNoTrace requires that nothing remembers nodes that left.
func requireNoTrace(t *testing.T, s *livestack.Stack, c *cluster.Cluster, hosts ...string) {
	t.Helper()
	members, running, err := health.View(t.Context(), c, c.Nodes()[0])
	require.NoError(t, err)
	assert.Len(t, members, len(c.Nodes()), "members")
	assert.Len(t, running, len(c.Nodes()), "running members")
	servers, err := c.Servers(t.Context())
	require.NoError(t, err)
	containers, volumes, _ := s.Leftovers(t.Context())
	assert.Empty(t, traces(hosts, map[string][]string{
		"member": members, "HAProxy's server": serverNames(servers), "container": containers, "volume": volumes,
	}))
}

// requireReplicas requires that queues have so many replicas each, which are online, vote and have caught up,
// as far as the series tells.
func requireReplicas(t *testing.T, c *cluster.Cluster, replicas int, names ...string) {
	t.Helper()
	queues, err := c.Queues(t.Context(), c.Nodes()[0])
	require.NoError(t, err)
	for _, name := range names {
		i := slices.IndexFunc(queues, func(q cluster.Queue) bool { return q.Name == name })
		require.GreaterOrEqual(t, i, 0, name)
		q := queues[i]
		assert.Len(t, q.Members, replicas, "replicas of %s", name)
		assert.Equal(t, q.Members, q.Online, "replicas of %s that are online", name)
		assert.Empty(t, q.NonVoters, "replicas of %s that do not vote", name)
		assert.Empty(t, q.Behind, "replicas of %s that have not caught up", name)
	}
}

// lowest asks again and again, until the returned function is called, which returns the lowest answer.
func lowest(t *testing.T, ask func(context.Context) (int, error)) func() int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	answer := make(chan int, 1)
	go func() {
		low := math.MaxInt
		for {
			if n, err := ask(ctx); err == nil {
				low = min(low, n)
			}
			if wait.Sleep(ctx, watchInterval) != nil {
				answer <- low
				return
			}
		}
	}()
	return func() int { stop(); return <-answer }
}

// members counts the members that a queue has, running or not.
func members(c *cluster.Cluster, queue string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		q, err := c.Queue(ctx, traffic.VHost, queue)
		return len(q.Members), err
	}
}

// stop stops the container of a node as `docker stop` does.
func stop(t *testing.T, c *cluster.Cluster, node int) {
	t.Helper()
	require.NoError(t, c.Stop(t.Context(), c.Nodes()[node].Container, time.Minute))
}

// removeNode removes a node's container and its data by force.
func removeNode(t *testing.T, c *cluster.Cluster, node topology.NodeOutput) {
	t.Helper()
	require.NoError(t, c.Docker().ContainerRemove(t.Context(), node.Container,
		container.RemoveOptions{Force: true}))
	require.NoError(t, c.Docker().VolumeRemove(t.Context(), node.Container+"-data", false))
}

// diagnoses are what the doctor finds, by name; of several with one name, all that was found.
func diagnoses(t *testing.T, c *cluster.Cluster) map[string]string {
	t.Helper()
	examination, err := doctor.Examine(t.Context(), c, fault.DescribeLeftovers)
	require.NoError(t, err)
	found := map[string]string{}
	for _, d := range doctor.Diagnose(examination) {
		found[d.Name] += d.Found + "\n"
	}
	return found
}
