package survey

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

// A formation that an interrupted deployment left at work may want other nodes than this one. One that has
// come to its end is left alone.
func TestAFormationAtWorkIsAbandonedAndReplaced(t *testing.T) {
	for status, test := range map[string]struct {
		killed     []string
		generation string
	}{
		"Up 2 minutes (health: starting)": {[]string{"formation-id"}, "4"},
		"Up 2 minutes (healthy)":          {nil, "3"},
		"Up 2 minutes (unhealthy)":        {nil, "4"}, // it has failed, and is replaced without being at work
	} {
		cluster := three(t)
		docker := &enginetest.Fake{Volumes: 3, Containers: enginetest.Nodes("healthy", "healthy", "healthy")}
		docker.Containers = append(docker.Containers, container.Summary{
			ID: "formation-id", Names: []string{"/" + cluster.FormationContainerName()},
			State: container.StateRunning, Status: status,
			Labels: map[string]string{
				topology.LabelStack: enginetest.Stack, topology.LabelRole: topology.RoleFormation,
				topology.LabelGeneration: "3",
			},
		})
		found, err := Look(t.Context(), docker, cluster, Last{})
		require.NoError(t, err)
		require.NoError(t, found.AbandonFormation(t.Context(), docker, cluster))
		assert.Equal(t, test.killed, docker.Killed, status)
		assert.Equal(t, test.generation, found.FormationGeneration(cluster), status)
	}
}
