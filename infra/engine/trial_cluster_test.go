//go:build cluster

package engine

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/stackconfig"
)

func TestTheEngineIsAskedForOpenFiles(t *testing.T) {
	docker, err := Connect("")
	require.NoError(t, err)
	cluster, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	before, err := docker.ContainerList(t.Context(), container.ListOptions{All: true})
	require.NoError(t, err)

	few, err := OpenFiles(t.Context(), docker, cluster.Image, 1024)
	require.NoError(t, err)
	assert.Equal(t, 1024, few)
	most, err := OpenFiles(t.Context(), docker, cluster.Image, 1<<30)
	require.NoError(t, err)
	assert.Less(t, most, 1<<30, "no kernel grants that")
	assert.GreaterOrEqual(t, most, 1024)
	t.Logf("the engine grants %d, which is enough for %d connections", most, topology.MostConnections(most))

	after, err := docker.ContainerList(t.Context(), container.ListOptions{All: true})
	require.NoError(t, err)
	was := func(c container.Summary) bool {
		return slices.ContainsFunc(before, func(b container.Summary) bool { return b.ID == c.ID })
	}
	for _, c := range after {
		if !was(c) {
			assert.NotContains(t, c.Command, "ulimit", "nothing is left")
		}
	}
}
