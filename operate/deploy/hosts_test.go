package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

func TestHostsOfAStack(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	write("Pulumi.yaml", "name: warren\nruntime: go\n")
	write("Pulumi.dev.yaml", "config:\n  warren:hosts:\n    - {name: h1, engine: \"unix:///nosuch.sock\", "+
		"address: 192.0.2.1}\n")
	settings, err := settingsOf(root, "dev")
	require.NoError(t, err)
	hosts, err := settings.hosts()
	require.NoError(t, err)
	assert.Equal(t, []topology.Host{{Name: "h1", Engine: "unix:///nosuch.sock", Address: "192.0.2.1"}}, hosts)

	write("Pulumi.wrong.yaml", "config:\n  warren:hosts: h1\n")
	err = CopyImages(t.Context(), root, "wrong", &bytes.Buffer{})
	assert.ErrorContains(t, err, "warren:hosts: ")

	write("Pulumi.one.yaml", "config: {}\n")
	assert.NoError(t, CopyImages(t.Context(), root, "one", &bytes.Buffer{}), "there is nothing to copy to")
}
