package packet

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// scripts are the shell programs that faults run in containers.
var scripts = map[string]string{
	"clearScript": clearScript, "findScript": FindScript + `echo "$found"`, "applyScript": applyScript,
	"probeScript": probeScript, "countScript": countScript, "flapScript": FlapScript,
}

func shellcheck(t *testing.T, script string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	// SC2016: the inner shell expands what stands between single quotes.
	cmd := exec.CommandContext(t.Context(), path, "--shell=bash", "--exclude=SC2016", "-")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestScriptsPassShellcheck(t *testing.T) {
	for name, script := range scripts {
		out, err := shellcheck(t, script)
		assert.NoError(t, err, "%s: %s", name, out)
	}
	_, err := shellcheck(t, `rm $1`)
	assert.Error(t, err, "shellcheck accepts what it must refuse")
}
