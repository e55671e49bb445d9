package hostfault

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
	"warren/verify/fault"
)

// openOn opens a stack on hosts, none of which answers.
func openOn(t *testing.T, config stackconfig.Config) *cluster.Cluster {
	t.Helper()
	described, err := stackconfig.New("test", config)
	require.NoError(t, err)
	c, err := cluster.Open(described.Outputs(topology.Secrets{}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func noHosts() []topology.Host {
	return []topology.Host{
		{Name: "h1", Zone: "a", Engine: "unix:///nosuch1", Address: "192.0.2.1"},
		{Name: "h2", Zone: "b", Engine: "unix:///nosuch2", Address: "192.0.2.2"},
		{Name: "h3", Zone: "c", Engine: "unix:///nosuch3", Address: "192.0.2.3"},
	}
}

// A fault that can't be injected says why, and none has the name of another.
func TestFaultsSayWhatTheyNeed(t *testing.T) {
	names := fault.Names(fault.All())
	single := openOn(t, stackconfig.Config{})
	spread := openOn(t, stackconfig.Config{Hosts: noHosts()})
	for _, f := range All() {
		assert.NotContains(t, names, f.Name)
		names = append(names, f.Name)
		assert.Error(t, f.Available(single), f.Name)
		assert.Error(t, f.Available(spread), "%s: the hosts are no lab and do not answer", f.Name)
	}
	assert.NoError(t, HealAll(t.Context(), single), "there is nothing to heal")
	assert.Error(t, HealAll(t.Context(), spread), "nobody knows what is left on them")
}

// TestScripts are well formed.
func TestScripts(t *testing.T) {
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	for name, script := range map[string]string{
		"clear": clearScript, "cut": cutScript, "slow": slowScript, "probe": probeScript,
	} {
		said, err := exec.CommandContext(t.Context(), bash, "-n", "-c", script).CombinedOutput()
		assert.NoErrorf(t, err, "%s: %s", name, said)
	}
	// A port at which nobody listens is refused, which is an answer.
	said, err := exec.CommandContext(t.Context(), bash, "-euo", "pipefail", "-c", probeScript, "warren",
		"127.0.0.1", "1").Output()
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\n$`, string(said))
}
