package node_test

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/node"
	"warren/topology"
)

var scripts = map[string]string{"start-node": node.Start, "join-cluster": node.Join, "form-cluster": node.Form}

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

func TestScriptsMakeTheFilesThatHealthChecksLookFor(t *testing.T) {
	for file, script := range map[string]string{node.JoinedFile: node.Join, node.FormedFile: node.Form, node.RefusedFile: node.Form} {
		directory, name := path.Split(file)
		assert.Contains(t, script, " run="+path.Clean(directory)+"\n")
		assert.Regexp(t, `(?m)^readonly .*\b`+name+`=\$run/`+name+`\b`, script)
	}
}

func TestScriptsKnowTheSeeds(t *testing.T) {
	for name, script := range scripts {
		assert.Containsf(t, script, fmt.Sprintf("\nreadonly seed_count=%d ", topology.SeedCount), "%s", name)
	}
}

// A node that stops takes the absence of these for the end of the stack.
func TestStartScriptKnowsWhoGoesFirst(t *testing.T) {
	assert.Contains(t, node.Start, "gone "+topology.FormationHost+" && gone "+topology.LoadBalancerHost+";")
}

func TestRefusalIsWhatTheFormScriptEndsWith(t *testing.T) {
	assert.Contains(t, node.Form, fmt.Sprintf("\nreadonly refusal=%d ", node.Refusal))
}

// A node that breaks off, or that refuses, does not count as one that serves.
func TestScriptsKnowANodeThatServesNoClients(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		greets bool
	}{
		"a broker's method frame": {"\x01\x00\x00", true},
		"refused":                 {"AMQP\x00\x00\x09\x01", false},
		"broken off":              {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = io.ReadFull(conn, make([]byte, len("AMQP\x00\x00\x09\x01")))
				_, _ = io.WriteString(conn, test.answer)
			}()
			_, port, err := net.SplitHostPort(listener.Addr().String())
			require.NoError(t, err)
			library, ends := strings.CutSuffix(node.Join, "\nmain\n")
			require.True(t, ends)
			err = check("bash", library+"\ngreets rabbit@127.0.0.1 "+port)
			assert.Equal(t, test.greets, err == nil, "%v", err)
		})
	}
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
