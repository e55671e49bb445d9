//go:build cluster

package users

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/operate/cluster"
	"warren/topology"
)

// requireHidden requires that no secret is in what anybody may read: what the engine says of containers,
// their logs, the command lines of their processes, and Pulumi's state and outputs without --show-secrets. A
// private key and the Erlang cookie are secrets of every stack.
func requireHidden(t *testing.T, s *livestack.Stack, c *cluster.Cluster, secrets map[string]string) {
	t.Helper()
	first := c.Nodes()[0].Container
	cookie, err := c.Run(t.Context(), first, "cat", topology.DataCookiePath)
	require.NoError(t, err)
	pair, err := c.Run(t.Context(), first, "cat", topology.CertificatePath)
	require.NoError(t, err)
	lines := strings.Split(pair, "\n")
	require.Contains(t, lines[0], "PRIVATE KEY")
	secrets["the Erlang cookie"], secrets["a private key"] = cookie, lines[1]
	derived := topology.Secrets{ErlangCookie: cookie}
	secrets["the agents' password"] = derived.AgentPassword()
	secrets["the load balancer's password"] = derived.LoadBalancerPassword()
	for name, text := range readable(t, s) {
		for what, secret := range secrets {
			require.NotEmpty(t, secret, what)
			assert.NotContains(t, shown(text, secret), secret, "%s is in %s", what, name)
		}
	}
	// The search finds what there is.
	assert.Contains(t, readable(t, s)["the state"], c.Outputs().Network)
	found, err := c.Run(t.Context(), first, "grep", "-c", "PRIVATE KEY", topology.CertificatePath)
	require.NoError(t, err)
	assert.NotEqual(t, "0", found)
}

// shown is the part of a text around a secret, so that a failure shows no more than that.
func shown(text, secret string) string {
	i := strings.Index(text, secret)
	if i < 0 {
		return ""
	}
	return text[max(0, i-80):min(len(text), i+len(secret)+80)]
}

// readable is what anybody may read who can see the engine and the stack's files, by what it is.
func readable(t *testing.T, s *livestack.Stack) map[string]string {
	t.Helper()
	run := func(args ...string) string {
		said, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
		require.NoError(t, err, "docker %s: %s", strings.Join(args, " "), said)
		return string(said)
	}
	pulumi := func(args ...string) string {
		said, err := s.Command(t.Context(), "pulumi", append(args, "--stack", s.Name)...).Output()
		require.NoError(t, err, args)
		return string(said)
	}
	texts := map[string]string{
		"the state": pulumi("stack", "export"), "the outputs": pulumi("stack", "output", "--json"),
		"the configuration": pulumi("config"),
	}
	containers, volumes, networks := s.Leftovers(t.Context())
	for _, name := range containers {
		texts["what the engine says of "+name] = run("inspect", name)
		texts["the log of "+name] = run("logs", name)
		texts["the processes of "+name] = run("top", name, "-eo", "pid,args")
	}
	for _, name := range append(volumes, networks...) {
		texts["what the engine says of "+name] = run("inspect", name)
	}
	encoded, err := json.Marshal(texts["the state"])
	require.NoError(t, err)
	require.Greater(t, len(encoded), 1000, fmt.Sprint("the state is ", len(encoded), " bytes"))
	return texts
}
