package survey

import (
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

// D16: what another state made is not touched.
func TestWhatAnotherStateMadeIsRefused(t *testing.T) {
	const mine, other = "0123", "4567"
	deployed := Last{Known: true, Deployed: true, Network: "warren-test", Owner: mine,
		Nodes: []string{"rabbit1"}}
	begun := Last{Known: true}
	for name, tc := range map[string]struct {
		last    Last
		owner   string // on the volumes and containers
		refused string
	}{
		"another clone's":                       {begun, other, "rabbit1"},
		"another clone's, of the same name":     {deployed, other, "rabbit1"},
		"an older clone's":                      {begun, "", "rabbit1"},
		"the stack's own":                       {deployed, mine, ""},
		"the stack's own, from before owners":   {deployed, "", ""},
		"the stack's own, of a killed first up": {begun, mine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			containers := enginetest.Nodes("healthy", "healthy", "healthy")
			labels := map[string]string{}
			if tc.owner != "" {
				labels[topology.LabelOwner] = tc.owner
				for _, c := range containers {
					c.Labels[topology.LabelOwner] = tc.owner
				}
			}
			docker := &enginetest.Fake{Volumes: 3, VolumeLabels: labels, Containers: containers}
			found, err := Look(t.Context(), docker, three(t), tc.last)
			require.NoError(t, err)
			problems := found.Problems(three(t), Desired(three(t), "", mine))
			if tc.refused == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], tc.refused)
			assert.Contains(t, problems[0], "another state")
		})
	}
}

func TestANetworkOfAnotherStateIsRefused(t *testing.T) {
	docker := &enginetest.Fake{Networks: []network.Summary{{
		Name: "warren-test", Labels: map[string]string{topology.LabelStack: "test", topology.LabelOwner: "4567"},
	}}}
	found, err := Look(t.Context(), docker, three(t), Last{Known: true})
	require.NoError(t, err)
	problems := found.Problems(three(t), Desired(three(t), "", "0123"))
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "network warren-test")
	assert.Empty(t, found.Problems(three(t), Desired(three(t), "", "4567")))
	assert.Empty(t, found.Problems(three(t), Desired(three(t), "", "")), "not known yet")
}

// Pulumi would replace everything that gets another name, the volumes included.
func TestARenamedStackIsRefused(t *testing.T) {
	last := Last{Known: true, Deployed: true, Network: "warren-old", Nodes: []string{"rabbit1"}}
	found, err := Look(t.Context(), &enginetest.Fake{}, three(t), last)
	require.NoError(t, err)
	problems := found.Problems(three(t), Desired(three(t), "", "0123"))
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "`pulumi stack rename old`")
}

func TestWhatTheLastDeploymentLeft(t *testing.T) {
	assert.Equal(t, Last{Known: true}, lastIn(nil), "a new stack, or one that was destroyed")
	assert.Equal(t, Last{}, lastIn(map[string]any{"amqpUrl": "x"}), "somebody else's program")
	last := lastIn(map[string]any{
		"network": "warren-test", "owner": "0123",
		"nodes": []any{map[string]any{"name": "rabbit1", "nodeName": "rabbit@rabbit1"}},
	})
	assert.Equal(t, Last{
		Known: true, Deployed: true, Network: "warren-test", Owner: "0123", Nodes: []string{"rabbit1"},
	}, last)
	assert.True(t, last.deployed("rabbit1").Is(true))
	assert.True(t, last.deployed("rabbit2").Is(false))
	_, known := Last{}.deployed("rabbit1").Get()
	assert.False(t, known)
}
