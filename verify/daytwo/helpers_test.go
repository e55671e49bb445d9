//go:build cluster

package daytwo

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/history"
	"warren/verify/traffic"
)

const (
	// scaleGap is as rollGap. Scaling in elects new leaders of queues several times over, and a node is killed besides.
	scaleGap = 3 * time.Second
	// rate is that of each producer; there is one for every path.
	rate = 25
	// patience is how long a cluster may take to be healthy after a deployment, on a machine that does other things as well.
	patience = 2 * time.Minute
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

// requireMembers requires that a queue has a number of members, all online.
func requireMembers(t *testing.T, c *cluster.Cluster, queue string, members int) {
	t.Helper()
	q, err := c.Queue(t.Context(), traffic.VHost, queue)
	require.NoError(t, err)
	assert.Lenf(t, q.Members, members, "members of %s", queue)
	assert.Equalf(t, q.Members, q.Online, "members of %s that are online", queue)
}

// underTraffic keeps messages flowing over all paths to a cluster while something is done to it, and requires that none is lost, that
// there is no longer gap in the service as a whole, and that never two of its nodes are down at once.
func underTraffic(t *testing.T, c *cluster.Cluster, name string, maxGap time.Duration, do func()) {
	t.Helper()
	paths := traffic.Paths(c.Outputs())
	recorder := history.NewRecorder(name, traffic.Names(paths)...)
	queue := "daytwo-" + strings.ReplaceAll(name, " ", "-")
	declare(t, c, queue, 3)
	declare(t, c, queue+"-stored", 3)
	flow, err := traffic.Start(traffic.Config{
		Queue: queue, Paths: paths, Rate: rate, Size: 256,
		Stored: traffic.Stored{Queue: queue + "-stored", Endpoints: c.Outputs().AMQPURLs},
	}, recorder)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	defer func() { assert.NoError(t, flow.Close(ctx)) }()
	require.NoError(t, flow.Ready(ctx))

	fewest := watch(ctx, c)
	recorder.TrafficStarts()
	require.NoError(t, wait.Sleep(ctx, time.Second)) // undisturbed traffic, which is seen in the figures
	do()
	require.NoError(t, wait.Sleep(ctx, time.Second)) // and some more, so that a gap at the end shows
	recorder.TrafficStops()
	assert.GreaterOrEqual(t, fewest(), len(c.Nodes())-1, "nodes that take clients at any time")
	require.NoError(t, flow.StopProducers(ctx))
	_, err = flow.Drain(ctx, 15*time.Second)
	require.NoError(t, err)
	recorder.Drained()
	judge(t, checker.Check(recorder.History(), nil), maxGap)
}

// judge reports a verdict and holds it to what is promised.
func judge(t *testing.T, v checker.Verdict, maxGap time.Duration) {
	t.Helper()
	t.Logf("%s: %d confirmed, %d lost, %d unexpected, %d duplicated, longest gap %v in confirms and %v in deliveries",
		v.Scenario, v.Acknowledged, v.Lost.Count, v.Unexpected.Count, v.Duplicated.Count,
		v.Overall.Confirms.Longest.Length().Round(time.Millisecond), v.Overall.Deliveries.Longest.Length().Round(time.Millisecond))
	for _, path := range v.Paths {
		t.Logf("    through %s: longest gap %v in confirms, %v in deliveries", path.Path,
			path.Confirms.Longest.Length().Round(time.Millisecond), path.Deliveries.Longest.Length().Round(time.Millisecond))
	}
	for _, problem := range violations(v, maxGap) {
		t.Error(problem)
	}
}

// watch counts, until the returned function is called, how many nodes take clients. That function returns the fewest.
func watch(ctx context.Context, c *cluster.Cluster) (fewest func() int) {
	ctx, stop := context.WithCancel(ctx)
	lowest := make(chan int, 1)
	go func() { lowest <- fewestServing(ctx, c.Nodes(), c.Serves, watchInterval) }()
	return func() int { stop(); return <-lowest }
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
