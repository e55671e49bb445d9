//go:build cluster

package hostlab

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// made lists what labs of a name have on this machine.
func made(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{
		stateRoot + "/" + name, runRoot + "/" + name, "/run/netns/wh-" + name + "-*",
		"/sys/class/net/wh-" + name + "*", "/sys/fs/cgroup/*/warren-hosts/" + name,
		"/sys/fs/cgroup/warren-hosts/" + name,
	} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		found = append(found, paths...)
	}
	for _, table := range []string{"filter", "nat"} {
		rules, err := output(t.Context(), "iptables", "-w", "-t", table, "-S")
		require.NoError(t, err)
		for rule := range strings.Lines(rules) {
			if strings.Contains(rule, "warren-hosts:"+name) {
				found = append(found, rule)
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	found = append(found, mountsBelow(string(mounts), filepath.Join(stateRoot, name),
		filepath.Join(runRoot, name))...)
	all, err := allProcesses()
	require.NoError(t, err)
	for _, p := range all {
		for _, host := range []string{"h1", "h2"} {
			if (Host{Name: host, lab: name}).owns(p) {
				found = append(found, strings.Join(p.args, " "))
			}
		}
	}
	return found
}

func ping(ctx context.Context, h Host) error {
	docker, err := client.NewClientWithOpts(client.WithHost(h.Engine), client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer docker.Close()
	_, err = docker.Ping(ctx)
	return err
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(errNotRoot)
	}
}

func TestALabComesAndGoes(t *testing.T) {
	needsRoot(t)
	const name = "labtest"
	l, err := Up(t.Context(), name, netip.Prefix{}, 2)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Down(context.WithoutCancel(t.Context())) })
	_, err = Up(t.Context(), name, netip.Prefix{}, 2)
	require.ErrorContains(t, err, "there is a lab labtest")
	_, err = Up(t.Context(), "labtest2", l.Network, 1)
	require.ErrorContains(t, err, "is in use on this machine")

	first, second := l.Hosts[0], l.Hosts[1]
	reach := func(target string) error {
		return run(t.Context(), "nsenter", "--net="+first.netFile(), "ping", "-c1", "-W1", target)
	}
	if _, err := exec.LookPath("ping"); err == nil {
		require.NoError(t, reach(second.Address.String()), "over the bridge, past the machine's own packet filter")
	}
	if l.Key != "" {
		args := append(l.SSHOptions(), "root@"+second.Address.String(), "docker", "info", "--format",
			"{{.DockerRootDir}}")
		root, err := output(t.Context(), "ssh", args...)
		require.NoError(t, err)
		assert.Equal(t, second.data(), strings.TrimSpace(root), "a session's Docker client is that of its host")
	}

	require.NoError(t, l.PowerOff(t.Context(), second))
	require.Error(t, ping(t.Context(), second))
	require.NoError(t, ping(t.Context(), first))
	require.NoError(t, l.PowerOn(t.Context(), second))
	require.NoError(t, ping(t.Context(), second))

	again, err := Open(name)
	require.NoError(t, err)
	assert.NotEmpty(t, made(t, name))
	require.NoError(t, again.Down(t.Context()))
	assert.Empty(t, made(t, name))
}

func TestDownRemovesALabThatIsHalfMade(t *testing.T) {
	needsRoot(t)
	const name = "labhalf"
	l, err := claim(t.Context(), name, netip.Prefix{}, 2)
	require.NoError(t, err)
	require.NoError(t, l.makeNetwork(t.Context()))
	require.NoError(t, l.PowerOn(t.Context(), l.Hosts[0]))
	require.NoError(t, run(t.Context(), "ip", "netns", "add", l.Hosts[1].namespace()))

	again, err := Open(name)
	require.NoError(t, err)
	require.NoError(t, again.Down(t.Context()))
	assert.Empty(t, made(t, name))
}
