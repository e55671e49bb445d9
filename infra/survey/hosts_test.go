package survey

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func onThreeHosts(t *testing.T) *topology.Cluster {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{Hosts: []topology.Host{
		{Name: "h1", Engine: "ssh://a", Address: "192.0.2.1"},
		{Name: "h2", Engine: "ssh://b", Address: "192.0.2.2"},
		{Name: "h3", Engine: "ssh://c", Address: "192.0.2.3"},
	}})
	require.NoError(t, err)
	return cluster
}

// What the state may know and no engine has is made again. A first deployment makes everything once.
func TestWhatIsMissingIsRenewed(t *testing.T) {
	cluster := onThreeHosts(t)
	nodes := enginetest.Nodes("healthy", "healthy", "healthy")
	group := engine.NewGroup(engine.Host{Name: "h1", Client: &enginetest.Fake{Containers: nodes[:1]}},
		engine.Host{Name: "h2", Client: &enginetest.Fake{Containers: nodes[2:]}})
	deployed := Last{Known: true, Deployed: true}
	found, err := Look(t.Context(), group, cluster, deployed, "h3")
	require.NoError(t, err)
	before := time.Now().Add(-time.Minute).Unix()
	isNew := func(renewal string) {
		t.Helper()
		number, err := strconv.ParseInt(renewal, 10, 64)
		require.NoError(t, err)
		assert.Greater(t, number, before)
	}
	isNew(found.VolumeRenewal("h1", "none"))
	isNew(found.NetworkRenewal("h1", cluster.NetworkName()))
	isNew(found.Generation("h2", cluster.ContainerName(cluster.Nodes[1])))
	assert.Equal(t, "1", found.Generation("h1", cluster.ContainerName(cluster.Nodes[0])), "it is there")
	isNew(found.Generation("h2", cluster.ContainerName(cluster.Nodes[0])))
	assert.Empty(t, found.VolumeRenewal("h3", "none"), "nobody knows what is on a host that is away")
	assert.Empty(t, found.ImageRenewal("h1", cluster.Image), "it is there")

	found, err = Look(t.Context(), group, cluster, Last{Known: true})
	require.NoError(t, err)
	assert.Empty(t, found.VolumeRenewal("h1", "none"))
	assert.Equal(t, "1", found.Generation("h2", "none"))
	assert.Empty(t, (*Found)(nil).VolumeRenewal("", "none"))
}

// A deployment while a host is away knows which nodes it would change, and the planner decides about them.
func TestWhatChangesWhileAHostIsAway(t *testing.T) {
	cluster := onThreeHosts(t)
	nodes := enginetest.Nodes("healthy", "healthy")
	for i := range nodes {
		nodes[i].Labels[topology.LabelSettings] = "as before"
	}
	look := func() *Found {
		group := engine.NewGroup(engine.Host{Name: "h1", Client: &enginetest.Fake{Containers: nodes[:1]}},
			engine.Host{Name: "h2", Client: &enginetest.Fake{Containers: nodes[1:]}})
		found, err := Look(t.Context(), group, cluster, Last{Known: true, Deployed: true,
			Nodes: []string{"rabbit1", "rabbit2", "rabbit3"}, Places: map[string]string{"rabbit2": "h9"}}, "h3")
		require.NoError(t, err)
		return found
	}
	found := look()
	settings := map[string]string{"rabbit1": "as before", "rabbit2": "other", "rabbit3": "other"}
	found.Change(cluster, settings)
	desired := Desired(cluster, "", "")
	found.hosts(cluster, &desired)
	assert.Equal(t, []plan.NodeName{"rabbit@rabbit3"}, desired.Away)
	assert.Equal(t, []plan.NodeName{"rabbit@rabbit2"}, desired.Changes, "rabbit3 can't be changed anyway")
	assert.Equal(t, []plan.NodeName{"rabbit@rabbit2"}, desired.Moves)
	assert.True(t, found.Keeps(cluster.Nodes[0]))
	assert.False(t, found.Keeps(cluster.Nodes[1]), "what the planner allows is done")
	assert.True(t, found.Keeps(cluster.Nodes[2]))
	assert.NotEmpty(t, found.Problems(cluster, Desired(cluster, "", "")))

	nodes[0].ImageID = "sha256:old"
	found = look()
	found.images[Place{"h1", cluster.Image}] = "sha256:new"
	found.Change(cluster, map[string]string{"rabbit1": "as before", "rabbit2": "as before"})
	assert.Equal(t, []string{"rabbit1"}, found.changed, "its image is another one")

	delete(nodes[1].Labels, topology.LabelSettings)
	found = look()
	found.Change(cluster, settings)
	assert.NotContains(t, found.changed, "rabbit2", "made by an older Warren")
}
