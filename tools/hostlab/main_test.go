package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCallsThatAreNone(t *testing.T) {
	for _, call := range []string{
		"", "nonsense", "up", "up three", "up 3 extra", "load lab", "off lab", "list all", "down one two",
	} {
		assert.ErrorIs(t, run(t.Context(), &bytes.Buffer{}, strings.Fields(call)), errUsage, call)
	}
}

func TestUpNeedsANetwork(t *testing.T) {
	err := run(t.Context(), &bytes.Buffer{}, []string{"up", "3", "--prefix", "10.77"})
	assert.ErrorContains(t, err, "--prefix: ")
}

func TestNoLab(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, []string{"down", "nosuchlab"}))
	assert.Equal(t, "There is no lab nosuchlab.\n", out.String())
	assert.ErrorContains(t, run(t.Context(), &out, []string{"off", "nosuchlab", "h1"}),
		"there is no lab nosuchlab")
}
