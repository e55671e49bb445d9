package secrets

import (
	"os"
	"path/filepath"
	"testing"

	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testPassphrase = "correct horse battery staple"

func TestSecretsAreDerivedFromThePassphrase(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)

	dev, err := First("warren", "dev")
	require.NoError(t, err)
	again, err := First("warren", "dev")
	require.NoError(t, err)
	staging, err := First("warren", "staging")
	require.NoError(t, err)
	assert.Equal(t, dev, again, "the same at every deployment")
	assert.NoError(t, stackconfig.ValidateSecrets(dev))
	values := map[string]bool{}
	for _, s := range []string{
		dev.AdminPassword, dev.StatsPassword, dev.ErlangCookie,
		staging.AdminPassword, staging.StatsPassword, staging.ErlangCookie,
	} {
		assert.GreaterOrEqual(t, len(s), 32)
		values[s] = true
	}
	assert.Len(t, values, 6, "another one for every stack and purpose")

	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "another")
	other, err := First("warren", "dev")
	require.NoError(t, err)
	assert.NotEqual(t, dev.AdminPassword, other.AdminPassword)
}

// Existing clusters have these secrets, so another way to derive them would change the cookie of a running
// cluster.
func TestDerivedSecretsStayTheSame(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)
	derived, err := First("warren", "dev")
	require.NoError(t, err)
	assert.Equal(t, "uqHAErGh3i6eoaiK39y5wZAd19JRx9z5", derived.AdminPassword)
	assert.Equal(t, "2J8I1kkbohdTxHHVExb7IjH1IVRaJuuF", derived.StatsPassword)
	assert.Equal(t, "EQO_Pid2t9qf8xCnz5cQaqQdK1MisArt", derived.ErlangCookie)
}

func TestSecretsFromAPassphraseFile(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)
	direct, err := First("warren", "dev")
	require.NoError(t, err)

	require.NoError(t, os.Unsetenv("PULUMI_CONFIG_PASSPHRASE")) // t.Setenv above restores it
	file := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(file, []byte(testPassphrase+"\n"), 0o600))
	t.Setenv("PULUMI_CONFIG_PASSPHRASE_FILE", file)
	fromFile, err := First("warren", "dev")
	require.NoError(t, err)
	assert.Equal(t, direct, fromFile)

	t.Setenv("PULUMI_CONFIG_PASSPHRASE_FILE", file+".missing")
	_, err = First("warren", "dev")
	assert.ErrorContains(t, err, "PULUMI_CONFIG_PASSPHRASE_FILE")
}

func TestSecretsAreDrawnWithoutAPassphrase(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "")
	one, err := First("warren", "dev")
	require.NoError(t, err)
	assert.NoError(t, stackconfig.ValidateSecrets(one))
	two, err := First("warren", "dev")
	require.NoError(t, err)
	assert.NotEqual(t, one.ErlangCookie, two.ErlangCookie)
	assert.NotEqual(t, Owner(), Owner())
}
