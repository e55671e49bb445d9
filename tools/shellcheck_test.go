package tools_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// shellcheck says what is wrong with scripts, given as files or as text on standard input.
func shellcheck(t *testing.T, text string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	command := exec.CommandContext(t.Context(), path, append([]string{"--external-sources"}, args...)...)
	command.Dir, command.Stdin = "..", strings.NewReader(text)
	output, err := command.CombinedOutput()
	return string(output), err
}

func TestScriptsPassShellcheck(t *testing.T) {
	output, err := shellcheck(t, "", "tools/cluster-tests", "tools/env", "tools/install",
		"tools/stack", ".ci/run")
	assert.NoError(t, err, output)
	_, err = shellcheck(t, "rm $1", "--shell=bash", "-")
	assert.Error(t, err, "shellcheck accepts what it must refuse")
}
