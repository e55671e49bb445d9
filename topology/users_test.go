package topology

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The administrator under a former name is told from users that Warren did not create and from those it still
// wants.
func TestAFormerAdministratorIsStale(t *testing.T) {
	tags := map[string][]string{"somebody": {"administrator"}, "app": {}}
	for _, username := range []string{"admin", "operator"} { // the first configuration, and the one after it
		c, err := New("dev", Config{Username: username})
		require.NoError(t, err)
		text, err := c.Definitions(testSecrets)
		require.NoError(t, err)
		var d definitions
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		for _, user := range d.Users { // as an import does it
			tags[user.Name] = user.Tags
		}
		if username == "admin" {
			assert.Empty(t, StaleUsers(c.ManagedUsers(), tags))
			continue
		}
		assert.Equal(t, []string{"admin"}, StaleUsers(c.ManagedUsers(), tags))

		tags["admin"] = []string{"administrator"}
		assert.Empty(t, StaleUsers(c.ManagedUsers(), tags), "an operator took the tag away")
	}
}
