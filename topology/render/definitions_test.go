package render_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// matches checks a password the way RabbitMQ does.
func matches(t *testing.T, hash, password string) bool {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(hash)
	require.NoError(t, err)
	require.Len(t, decoded, 4+sha256.Size)
	sum := sha256.Sum256(append(append([]byte{}, decoded[:4]...), password...))
	return string(sum[:]) == string(decoded[4:])
}

func TestPasswordHash(t *testing.T) {
	hash := render.PasswordHash("admin", "secret")
	assert.True(t, matches(t, hash, "secret"))
	assert.False(t, matches(t, hash, "Secret"))
	assert.Equal(t, hash, render.PasswordHash("admin", "secret"), "a hash that changed would replace the nodes")
	assert.NotEqual(t, hash[:5], render.PasswordHash("operator", "secret")[:5],
		"users of one password must not share the salt")
	assert.NotEqual(t, hash[:5], render.PasswordHash("admin", "secret2")[:5])
}

func TestDefinitionsHaveTheAdministratorAndWarrensOwnUsers(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{Username: "operator"})
	require.NoError(t, err)
	text, err := render.Definitions(c, sample.Secrets)
	require.NoError(t, err)

	var d render.DefinitionsFile
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	require.Len(t, d.Users, 3, "neither guest nor anybody else")
	var names []string
	for i, want := range []struct{ name, password, tag string }{
		{"operator", sample.Secrets.AdminPassword, "administrator"},
		{"warren-agent", sample.Secrets.AgentPassword(), "administrator"},
		{"warren-haproxy", sample.Secrets.LoadBalancerPassword(), "management"},
	} {
		names = append(names, d.Users[i].Name)
		assert.Equal(t, want.name, d.Users[i].Name)
		assert.Equal(t, []string{want.tag, "warren"}, d.Users[i].Tags)
		assert.True(t, matches(t, d.Users[i].PasswordHash, want.password))
		assert.NotContains(t, text, want.password)
	}
	assert.Equal(t, c.ManagedUsers(), names)
	assert.Equal(t, []render.PermissionDefinition{
		{User: "operator", VHost: "/", Configure: ".*", Write: ".*", Read: ".*"},
		{User: "warren-agent", VHost: "/", Configure: ".*", Write: ".*", Read: ".*"},
	}, d.Permissions, "HAProxy has no business with messages")
	assert.Equal(t, []render.VHostDefinition{{Name: "/"}}, d.VHosts)
}

// The password of the agent, an administrator, would be known to everybody.
func TestDefinitionsNeedACookie(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	_, err = render.Definitions(c, topology.Secrets{AdminPassword: "a", StatsPassword: "b"})
	assert.ErrorContains(t, err, "no Erlang cookie")
}
