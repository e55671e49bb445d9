package deploy

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stateOfThree is the state of a stack whose third node is on host h3.
const stateOfThree = `{"version": 3, "deployment": {"manifest": {"magic": "m"}, "resources": [
	{"urn": "urn:pulumi:dev::warren::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack", "outputs": {
		"hosts": [{"name": "h1", "engine": "unix:///nosuch1"}, {"name": "h2", "engine": "unix:///nosuch2"},
			{"name": "h3", "engine": "unix:///nosuch3"}],
		"nodes": [{"name": "rabbit1", "host": "h1"}, {"name": "rabbit2", "host": "h2"},
			{"name": "rabbit3", "host": "h3"}]}},
	{"urn": "urn:pulumi:dev::warren::C$pulumi:providers:docker::engine-h1", "type": "pulumi:providers:docker"},
	{"urn": "urn:pulumi:dev::warren::C$pulumi:providers:docker::engine-h3", "type": "pulumi:providers:docker"},
	{"urn": "urn:pulumi:dev::warren::N$c::rabbit1", "id": "1", "number": 12345678901234567890,
		"provider": "urn:pulumi:dev::warren::C$pulumi:providers:docker::engine-h1::0a"},
	{"urn": "urn:pulumi:dev::warren::N$c::rabbit3", "id": "3",
		"provider": "urn:pulumi:dev::warren::C$pulumi:providers:docker::engine-h3::0b"},
	{"urn": "urn:pulumi:dev::warren::N$c::formation", "id": "f",
		"provider": "urn:pulumi:dev::warren::C$pulumi:providers:docker::engine-h1::0a",
		"dependencies": ["urn:pulumi:dev::warren::N$c::rabbit1", "urn:pulumi:dev::warren::N$c::rabbit3"],
		"propertyDependencies": {"name": ["urn:pulumi:dev::warren::N$c::rabbit3"]}}],
	"pending_operations": [
		{"type": "deleting", "resource": {"urn": "urn:pulumi:dev::warren::N$c::rabbit3"}}]}}`

func TestALostHostLeavesTheState(t *testing.T) {
	p := newProject(t, stateOfThree)
	p.pulumi(`case "$*" in "stack import "*) cat >"$project/imported" ;; esac`)
	p.write("Pulumi.dev.yaml", "config:\n  warren:hosts:\n"+
		"    - {name: h1, engine: \"unix:///nosuch1\", address: 192.0.2.1}\n"+
		"    - {name: h2, engine: \"unix:///nosuch2\", address: 192.0.2.2}\n"+
		"    - {name: h4, engine: \"unix:///nosuch4\", address: 192.0.2.4}\n")
	s, said := p.open("dev")
	require.NoError(t, s.copy())
	before, err := s.export(t.Context())
	require.NoError(t, err)
	_, err = s.forgetHosts(t.Context(), before, nil)
	require.NoError(t, err)
	assert.Contains(t, said.String(), "Host h3 is not in warren:hosts any more and does not answer: 2 resources")
	imported := p.read("imported")
	assert.NotContains(t, imported, "h3")
	assert.NotContains(t, imported, "c::rabbit3")
	assert.NotContains(t, imported, "pending_operations")
	assert.Contains(t, imported, "12345678901234567890", "numbers stay as they are")
	assert.Contains(t, imported, `"magic"`)
	var state stateFile
	require.NoError(t, json.Unmarshal([]byte(imported), &state))
	resources, err := state.Deployment.list(stateResources)
	require.NoError(t, err)
	require.Len(t, resources, 4)
	assert.Equal(t, []any{"urn:pulumi:dev::warren::N$c::rabbit1"}, resources[3]["dependencies"])
}

func TestHostsThatAreKeptOrMostOfTheStackStayInTheState(t *testing.T) {
	for name, c := range map[string]struct{ file, fails string }{
		"all are kept, and none answers": {"config:\n  warren:hosts:\n" +
			"    - {name: h1, engine: \"unix:///nosuch1\"}\n    - {name: h2, engine: \"unix:///nosuch2\"}\n" +
			"    - {name: h3, engine: \"unix:///nosuch3\"}\n", ""},
		"two of three are lost": {"config:\n  warren:hosts:\n    - {name: h1, engine: \"unix:///nosuch1\"}\n",
			"2 of 3 nodes were there"},
		"there are no hosts": {"config: {}\n", ""},
	} {
		p := newProject(t, stateOfThree)
		p.write("Pulumi.dev.yaml", c.file)
		s, _ := p.open("dev")
		require.NoError(t, s.copy())
		before, err := s.export(t.Context())
		require.NoError(t, err)
		_, err = s.forgetHosts(t.Context(), before, nil)
		if c.fails == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.fails, name)
		}
		assert.NotContains(t, p.calls(), "stack import", name)
	}
}
