package stackconfig

import (
	"strings"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsAreValidated(t *testing.T) {
	require.NoError(t, ValidateSecrets(sample.Secrets))

	err := ValidateSecrets(topology.Secrets{AdminPassword: "two\nlines", ErlangCookie: strings.Repeat("x", 256)})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Problems, 3)
	assert.NotContains(t, err.Error(), "two", "the error must not tell the secret")
	assert.ErrorContains(t, err, "warren:adminPassword contains a control character")
	assert.ErrorContains(t, err, "warren:statsPassword is empty")
	assert.ErrorContains(t, err, "warren:erlangCookie is 256 bytes long")

	spaced := topology.Secrets{AdminPassword: "a", StatsPassword: "b", ErlangCookie: "c d"}
	assert.ErrorContains(t, ValidateSecrets(spaced), "warren:erlangCookie")
}
