package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsAreDerived(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)

	dev, err := settings{}.secrets("warren", "dev")
	require.NoError(t, err)
	again, err := settings{}.secrets("warren", "dev")
	require.NoError(t, err)
	staging, err := settings{}.secrets("warren", "staging")
	require.NoError(t, err)
	assert.Equal(t, dev, again, "the same at every deployment")
	values := map[string]bool{}
	for _, s := range []string{
		dev.AdminPassword, dev.StatsPassword, dev.ErlangCookie, staging.AdminPassword, staging.StatsPassword, staging.ErlangCookie,
	} {
		assert.GreaterOrEqual(t, len(s), 32)
		values[s] = true
	}
	assert.Len(t, values, 6, "another one for every stack and purpose")

	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "another")
	other, err := settings{}.secrets("warren", "dev")
	require.NoError(t, err)
	assert.NotEqual(t, dev.AdminPassword, other.AdminPassword)
}

func TestSecretsFromAPassphraseFile(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)
	direct, err := settings{}.secrets("warren", "dev")
	require.NoError(t, err)

	require.NoError(t, os.Unsetenv("PULUMI_CONFIG_PASSPHRASE")) // t.Setenv above restores it
	file := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(file, []byte(testPassphrase+"\n"), 0o600))
	t.Setenv("PULUMI_CONFIG_PASSPHRASE_FILE", file)
	fromFile, err := settings{}.secrets("warren", "dev")
	require.NoError(t, err)
	assert.Equal(t, direct, fromFile)

	t.Setenv("PULUMI_CONFIG_PASSPHRASE_FILE", file+".missing")
	_, err = settings{}.secrets("warren", "dev")
	assert.ErrorContains(t, err, "PULUMI_CONFIG_PASSPHRASE_FILE")
}

func TestConfiguredSecrets(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "")
	all := settings{
		values:    map[string]string{keyOf("adminPassword"): "a", keyOf("statsPassword"): "b", keyOf("erlangCookie"): "c"},
		encrypted: []string{keyOf("adminPassword"), keyOf("statsPassword"), keyOf("erlangCookie")},
	}
	secrets, err := all.secrets("warren", "dev")
	require.NoError(t, err, "no passphrase is needed when all are set")
	assert.Equal(t, []string{"a", "b", "c"}, []string{secrets.AdminPassword, secrets.StatsPassword, secrets.ErlangCookie})

	delete(all.values, keyOf("erlangCookie"))
	_, err = all.secrets("warren", "dev")
	assert.ErrorIs(t, err, errNoPassphrase)

	all.encrypted = nil
	_, err = all.secrets("warren", "dev")
	assert.ErrorContains(t, err, "warren:adminPassword is stored in plain text")
	assert.ErrorContains(t, err, "pulumi config set --secret warren:statsPassword")
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	r, err := deploy(t, &fakeEngine{}, map[string]string{
		"warren:nodes": "zero", "warren:imgae": "rabbitmq:4.3", keyOf("adminPassword"): "plain", "aws:region": "ignored",
	})
	require.ErrorIs(t, err, errReported)
	assert.Empty(t, r.of(typeContainer), "nothing is made of a configuration with mistakes")

	_, _, err = settings{values: map[string]string{
		"warren:nodes": "zero", "warren:imgae": "rabbitmq:4.3", keyOf("adminPassword"): "plain", "aws:region": "ignored",
	}}.resolve("warren", "dev")
	for _, mistake := range []string{"3 mistakes", "warren:nodes", "warren:imgae", "warren:adminPassword"} {
		assert.ErrorContains(t, err, mistake)
	}
	assert.NotContains(t, err.Error(), "aws")
}
