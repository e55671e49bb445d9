//go:build cluster

package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/operate/cluster"
)

// TestQueuesAskedTogetherSayTheSameAsOneByOne looks at queues of each type in both ways.
func TestQueuesAskedTogetherSayTheSameAsOneByOne(t *testing.T) {
	c := livetest.Open(t)
	for name, queueType := range map[string]string{
		"it's $(one)": cluster.Quorum, "--two": cluster.Quorum, "東京": cluster.Stream, "classic": cluster.Classic,
	} {
		livetest.Queue(t, c, name, map[string]any{"x-queue-type": queueType})
	}
	single, err := c.Queues(t.Context(), c.Nodes()[0])
	require.NoError(t, err)
	was := *cluster.ManyQueues
	*cluster.ManyQueues = 1
	t.Cleanup(func() { *cluster.ManyQueues = was })
	together, err := c.Queues(t.Context(), c.Nodes()[0])
	require.NoError(t, err)
	assert.Equal(t, single, together)
	for _, queue := range together {
		if queue.Replicated() {
			assert.Len(t, queue.Online, 3, queue.Name)
			assert.Contains(t, queue.Online, queue.Leader, queue.Name)
		}
	}
}
