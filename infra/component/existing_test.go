package component

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

func TestServing(t *testing.T) {
	for _, tc := range []struct {
		name    string
		volumes int
		health  []string
		serving bool
	}{
		{"nothing there", 0, nil, false},
		{"all healthy", 3, []string{"healthy", "healthy", "healthy"}, true},
		{"one down", 3, []string{"healthy", "unhealthy", "healthy"}, true},
		{"one container removed", 3, []string{"healthy", "healthy"}, true},
		{"two containers removed", 3, []string{"healthy"}, false},
		{"all containers removed", 3, nil, false},
		{"none ever came up", 3, []string{"starting", "starting", "starting"}, false},
		{"half of four, the last of which is to go", 4,
			[]string{"starting", "healthy", "starting", "healthy"}, false},
		{"two of the three that stay", 4, []string{"healthy", "healthy"}, true},
		{"one node, to be three", 1, []string{"healthy"}, true},
		{"three of five, whose last two are to go", 5, []string{"healthy", "healthy", "healthy"}, true},
		{"three that stay of seven, four of which have left", 7, []string{"healthy", "healthy", "healthy"}, true},
		{"four of seven, one of which stays", 7,
			[]string{"healthy", "starting", "starting", "healthy", "healthy", "healthy"}, true},
		{"one of five that stays", 5, []string{"healthy"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := existingOn(t, tc.volumes, enginetest.Nodes(tc.health...))
			assert.Equal(t, tc.serving, e.serves(threeNodes(t)))
		})
	}
}

func TestServingCountsANodeOnce(t *testing.T) {
	nodeAndMembership := append(enginetest.Nodes("healthy"), enginetest.Nodes("healthy")...)
	loadBalancer := container.Summary{
		Status: "Up 5 minutes (healthy)", Labels: map[string]string{topology.LabelStack: enginetest.Stack},
	}
	assert.False(t, existingOn(t, 3, append(nodeAndMembership, loadBalancer)).serves(threeNodes(t)))
}

func TestMembersThatAreDownComeFirst(t *testing.T) {
	order := func(volumes int, health ...string) []string {
		var hosts []string
		for _, n := range existingOn(t, volumes, enginetest.Nodes(health...)).updateOrder(threeNodes(t)) {
			hosts = append(hosts, n.Name)
		}
		return hosts
	}
	assert.Equal(t, []string{"rabbit1", "rabbit2", "rabbit3"}, order(3, "healthy", "healthy", "healthy"))
	assert.Equal(t, []string{"rabbit2", "rabbit1", "rabbit3"}, order(3, "healthy", "unhealthy", "healthy"))
	assert.Equal(t, []string{"rabbit1", "rabbit2", "rabbit3"}, order(2, "healthy", "healthy"),
		"a node that is not there yet is not down")
}

// threeNodes is the default cluster.
func threeNodes(t *testing.T) *topology.Cluster {
	t.Helper()
	cluster, err := topology.New(enginetest.Stack, topology.Config{})
	require.NoError(t, err)
	return cluster
}

func existingOn(t *testing.T, volumes int, containers []container.Summary) existing {
	t.Helper()
	docker := &enginetest.Fake{Volumes: volumes, Containers: containers}
	e, err := findExisting(t.Context(), docker, enginetest.Stack)
	require.NoError(t, err)
	return e
}
