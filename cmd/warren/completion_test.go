package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proposed is what the shell is told to propose for a command line.
func proposed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs(append([]string{"__complete"}, args...))
	require.NoError(t, root.Execute())
	return out.String()
}

func TestCompletionKnowsStacksFaultsAndComparisons(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.mine.yaml"), nil, 0o600))
	t.Chdir(dir)
	assert.Contains(t, proposed(t, "status", "--stack", ""), "mine\n")
	assert.Contains(t, proposed(t, "verify", "--fault", "leader-k"), "leader-killed\tThe node that leads")
	assert.Contains(t, proposed(t, "bench", "--only", ""), "throughput\n")
}
