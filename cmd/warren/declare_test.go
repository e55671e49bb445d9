package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	definition "warren/topology/application"
)

func TestCheckFailsIfSomethingIsToBeDone(t *testing.T) {
	id := definition.ID{Kind: definition.Policy, VHost: "/", Name: "p"}
	plan := definition.Plan{
		Changes: []definition.Change{{ID: id, Verb: definition.Update,
			Differences: []definition.Difference{{Property: "max-length", Want: "6", Found: "5"}}}},
		Present: []definition.ID{id},
	}
	var text bytes.Buffer
	require.ErrorIs(t, (&options{}).check(&text, plan), errDrift)
	assert.Equal(t, "update   policy p in vhost /\n         max-length: 5, wanted 6\n"+
		"1 as they should be, 1 to update\n", text.String())

	text.Reset()
	require.ErrorIs(t, (&options{json: true}).check(&text, plan), errDrift)
	var drifts []map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &drifts))
	assert.Equal(t, "policy", drifts[0]["kind"])
	assert.Equal(t, "update", drifts[0]["verb"])

	text.Reset()
	require.NoError(t, (&options{json: true}).check(&text, definition.Plan{}))
	assert.Equal(t, "[]\n", text.String())
}

func TestFilesAreNamedAsOnTheCommandLine(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	assert.Equal(t, "declare.go", shortest(filepath.Join(here, "declare.go")))
	assert.Equal(t, "declare.go", shortest("declare.go"))
}
