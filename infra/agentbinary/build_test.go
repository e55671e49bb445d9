package agentbinary

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// project is a folder that links to this project, so that nothing is built in that.
func project(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "agent", "internal", "topology"} {
		require.NoError(t, os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)))
	}
	return dir
}

func TestBuild(t *testing.T) {
	dir := project(t)
	binary, err := Build(t.Context(), dir, "x86_64")
	require.NoError(t, err)
	assert.Equal(t, ".warren/agent/linux-amd64", binary.Source, "the same in every clone")
	file := filepath.Join(dir, binary.Source)
	program, err := elf.Open(file)
	require.NoError(t, err)
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries, "it is static")

	before, err := os.Stat(file)
	require.NoError(t, err)
	again, err := Build(t.Context(), dir, "x86_64")
	require.NoError(t, err)
	assert.Equal(t, binary, again)
	after, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, before.ModTime(), after.ModTime(), "it was there already")

	elsewhere, err := sources(t.Context(), project(t))
	require.NoError(t, err)
	assert.Equal(t, binary.Hash, elsewhere)
}

func TestAnUnknownProcessor(t *testing.T) {
	_, err := Build(t.Context(), t.TempDir(), "m68k")
	assert.ErrorContains(t, err, `"m68k"`)
}
