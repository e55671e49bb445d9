package render_test

import (
	"encoding/json"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The administrator under a former name is told from users that Warren did not create and from those it still
// wants.
func TestAFormerAdministratorIsStale(t *testing.T) {
	tags := map[string][]string{"somebody": {"administrator"}, "app": {}}
	for _, username := range []string{"admin", "operator"} { // the first configuration, and the one after it
		c, err := stackconfig.New("dev", stackconfig.Config{Username: username})
		require.NoError(t, err)
		text, err := render.Definitions(c, sample.Secrets)
		require.NoError(t, err)
		var d render.DefinitionsFile
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		for _, user := range d.Users { // as an import does it
			tags[user.Name] = user.Tags
		}
		if username == "admin" {
			assert.Empty(t, topology.StaleUsers(c.ManagedUsers(), tags))
			continue
		}
		assert.Equal(t, []string{"admin"}, topology.StaleUsers(c.ManagedUsers(), tags))

		tags["admin"] = []string{"administrator"}
		assert.Empty(t, topology.StaleUsers(c.ManagedUsers(), tags), "an operator took the tag away")
	}
}
