//go:build cluster

package daytwo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"warren/internal/livestack"
	"warren/operate/cluster"
	"warren/verify/traffic"
)

// manyQueues are more than fit into one argument of a command, or into one pattern, by their names.
const manyQueues = 1000

// TestManyQueues rolls a cluster with a thousand quorum queues with long names, and replaces the volume of a
// node: every queue gets its replica back.
func TestManyQueues(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:memoryLimit": "1GiB"})
	c := open(t, s.MustUp())
	names := make([]string, manyQueues)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%04d", strings.Repeat("long-name.", 4)[:35], i)
	}
	start := time.Now()
	declareMany(t, c, names)
	t.Logf("%d queues were declared in %.0f s", manyQueues, time.Since(start).Seconds())

	underTraffic(t, c, "many queues roll", scaleGap, func() {
		s.Configure(map[string]any{"warren:heartbeatSeconds": 30})
		requireUp(t, s, 6)
	})
	healthy(t, c)
	requireReplicas(t, c, 3, names...)

	underTraffic(t, c, "many queues are replaced", scaleGap, func() {
		start := time.Now()
		removeNode(t, c, c.Nodes()[1])
		s.MustUp()
		t.Logf("the node was back after %.0f s", time.Since(start).Seconds())
	})
	requireReplicas(t, c, 3, names...)
	healthy(t, c)
	s.Destroy()
}

// declareMany declares quorum queues of three replicas, several at the same time.
func declareMany(t *testing.T, c *cluster.Cluster, names []string) {
	t.Helper()
	const atOnce = 4
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			api := c.Management(ctx, c.Nodes()[i%len(c.Nodes())])
			api.SetTimeout(patience) // a busy machine takes its time
			response, err := api.DeclareQueue(traffic.VHost, name, rabbithole.QueueSettings{
				Durable: true, Arguments: map[string]any{"x-queue-type": "quorum"},
			})
			if err != nil {
				return err
			}
			return response.Body.Close()
		})
	}
	require.NoError(t, group.Wait())
}
