package remote

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/fault"
)

func TestCommandsBreakAndHeal(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	f := ByCommands("touch "+broken, "rm "+broken)
	injection, err := f.Inject(t.Context(), nil, fault.Target{})
	require.NoError(t, err)
	assert.FileExists(t, broken)
	assert.Contains(t, injection.String(), "touch")
	require.NoError(t, injection.Heal(t.Context()))
	assert.NoFileExists(t, broken)
}

func TestCommandThatFailsIsHealedAndTold(t *testing.T) {
	healed := filepath.Join(t.TempDir(), "healed")
	failing := ByCommands("echo no such host >&2; exit 3", "touch "+healed)
	_, err := failing.Inject(t.Context(), nil, fault.Target{})
	require.ErrorContains(t, err, "no such host")
	require.ErrorContains(t, err, "exit status 3")
	_, err = os.Stat(healed)
	require.NoError(t, err)
	injection, err := ByCommands("true", "exit 4").Inject(t.Context(), nil, fault.Target{})
	require.NoError(t, err)
	assert.ErrorContains(t, injection.Heal(t.Context()), "exit status 4")
}

func TestWithoutACommandNothingIsDone(t *testing.T) {
	f := ByCommands("", "")
	assert.Equal(t, "no-fault", f.Name)
	injection, err := f.Inject(t.Context(), nil, fault.Target{})
	require.NoError(t, err)
	assert.NoError(t, injection.Heal(t.Context()))
}

func TestAddressesAreValidated(t *testing.T) {
	require.NoError(t, Cluster{URIs: []string{"amqp://u:p@a/", "amqps://u:p@b:5671"}}.Validate())
	wrong := []string{"http://u:secret@a/", "amqp://u:secret@b/shop", "amqp://u:secret@c:x/"}
	err := Cluster{URIs: wrong}.Validate()
	require.Error(t, err)
	assert.ErrorContains(t, err, "URL 1 is no AMQP URI")
	assert.ErrorContains(t, err, `URL 2 (b) names the virtual host "shop"`)
	assert.ErrorContains(t, err, "URL 3 is no AMQP URI")
	assert.NotContains(t, err.Error(), "secret")
}

func TestPathsAreNamedWithoutCredentials(t *testing.T) {
	c := Cluster{URIs: []string{"amqp://u:secret@a/", "amqps://u:secret@b:5678/"}}
	assert.Equal(t, []string{"any node", "a:5672", "b:5678"}, c.Paths())
	assert.NotContains(t, c.Run().Stack, "secret")
}
