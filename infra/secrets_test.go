package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

func TestConfiguredSecrets(t *testing.T) {
	all := settings{
		values: map[string]string{
			keyOf("adminPassword"): "a", keyOf("statsPassword"): "b", keyOf("erlangCookie"): "c",
		},
		encrypted: []string{keyOf("adminPassword"), keyOf("statsPassword"), keyOf("erlangCookie")},
	}
	configured, err := all.secrets()
	require.NoError(t, err)
	assert.Equal(t, topology.Secrets{AdminPassword: "a", StatsPassword: "b", ErlangCookie: "c"}, configured)

	delete(all.values, keyOf("erlangCookie"))
	configured, err = all.secrets()
	require.NoError(t, err)
	assert.Equal(t, topology.Secrets{AdminPassword: "a", StatsPassword: "b"}, configured,
		"the state keeps the cookie")

	all.values[keyOf("erlangCookie")] = ""
	_, err = all.secrets()
	assert.ErrorContains(t, err, "warren:erlangCookie is empty")
	all.values[keyOf("erlangCookie")] = "a b"
	_, err = all.secrets()
	assert.ErrorContains(t, err, "warren:erlangCookie contains a character")

	all.encrypted = nil
	_, err = all.secrets()
	assert.ErrorContains(t, err, "warren:adminPassword is stored in plain text")
	assert.ErrorContains(t, err, "pulumi config set --secret warren:statsPassword")
}

func TestMistakesAreReportedAtOnce(t *testing.T) {
	r, err := deploy(t, &enginetest.Fake{}, map[string]string{
		"warren:nodes": "zero", "warren:imgae": "rabbitmq:4.3", keyOf("adminPassword"): "plain",
		"aws:region": "ignored",
	})
	require.ErrorIs(t, err, errReported)
	assert.Empty(t, r.Resources, "nothing is made of a configuration with mistakes")

	_, _, err = settings{values: map[string]string{
		"warren:nodes": "zero", "warren:imgae": "rabbitmq:4.3", keyOf("adminPassword"): "plain",
		"aws:region": "ignored",
	}}.resolve("dev")
	for _, mistake := range []string{"3 mistakes", "warren:nodes", "warren:imgae", "warren:adminPassword"} {
		assert.ErrorContains(t, err, mistake)
	}
	assert.NotContains(t, err.Error(), "aws")
}
