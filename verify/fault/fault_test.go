package fault

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
)

func TestFaultsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			assert.Regexp(t, `^[a-z]+(-[a-z]+)*$`, f.Name)
			assert.False(t, seen[f.Name], "the name is taken")
			assert.True(t, strings.HasSuffix(f.Description, "."), "the description is a sentence")
			assert.NotNil(t, f.Available)
			assert.NotNil(t, f.Inject)
			for path, bound := range f.Expect.MaxOutage {
				assert.Positive(t, bound, "of path %q", path)
			}
			seen[f.Name] = true
		})
	}
}

func TestFindTellsWhichFaultThereIsNot(t *testing.T) {
	found, err := Find("pair-cut")
	require.NoError(t, err)
	assert.Equal(t, "pair-cut", found.Name)
	_, err = Find("earthquake")
	assert.ErrorContains(t, err, `no fault "earthquake"`)
}

func TestFaultsThatNeedMoreNodesAreNotAvailable(t *testing.T) {
	c, err := cluster.Open(topology.Outputs{
		ManagementURL: "http://127.0.0.1:15671", Nodes: []topology.NodeOutput{{Name: "rabbit1"}, {Name: "rabbit2"}},
	})
	require.NoError(t, err)
	defer c.Close()
	for _, name := range []string{"two-nodes-killed", "leader-isolated", "pair-cut", "node-reset",
		"rolling-restart"} {
		f, err := Find(name)
		require.NoError(t, err)
		assert.EqualError(t, f.Available(c), "needs 3 nodes, and the stack has 2", name)
	}
	f, err := Find("majorities-ring")
	require.NoError(t, err)
	assert.EqualError(t, f.Available(c), "needs 5 nodes, and the stack has 2")
}
