package node_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/node"
)

var scripts = map[string]string{"start-node": node.Start, "join-cluster": node.Join}

func TestScriptsAreValidBash(t *testing.T) {
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, check("bash", script, "-n"))
			assert.Error(t, check("bash", script+"\nif", "-n"), "the check must find a mistake")
		})
	}
}

func TestScriptsPassShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	// SC2034: the scripts share constants, and neither uses all of them.
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, check("shellcheck", script, "--severity=warning", "--exclude=SC2034", "-"))
		})
	}
}

// The engine kills the node after StopTimeout, so its script must be done by then.
func TestStartScriptKnowsTheStopTimeout(t *testing.T) {
	assert.Contains(t, node.Start, fmt.Sprintf("\nreadonly stop_timeout=%d ", int(node.StopTimeout.Seconds())))
}

func TestHealthCheckLooksForWhatTheJoinScriptMakes(t *testing.T) {
	directory, file, found := strings.Cut(strings.TrimPrefix(node.JoinedFile, "/run/"), "/")
	require.True(t, found)
	assert.Contains(t, node.Join, " run=/run/"+directory+"\n")
	assert.Contains(t, node.Join, "readonly joined=$run/"+file+"\n")
	assert.Equal(t, node.JoinedFile, node.JoinHealthCheck[len(node.JoinHealthCheck)-1])
}

// check passes a script to a command's standard input.
func check(command, script string, args ...string) error {
	cmd := exec.Command(command, args...)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
