//go:build cluster

package hostfault

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/hostlab"
	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
	"warren/verify/fault"
)

// bareHosts opens a stack on three hosts of a lab that have engines and nothing else.
func bareHosts(t *testing.T) (*hostlab.Lab, *cluster.Cluster) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a lab of hosts needs root")
	}
	l, err := hostlab.Up(t.Context(), "bare", netip.Prefix{}, 3)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Down(context.WithoutCancel(t.Context()))) })
	require.NoError(t, l.Load(t.Context(), topology.NetworkToolsImage))
	var hosts []topology.Host
	for i, h := range l.Hosts {
		hosts = append(hosts, topology.Host{
			Name: h.Name, Engine: h.Engine, Address: h.Address.String(), Zone: string(rune('a' + i/2)),
		})
	}
	described, err := stackconfig.New("bare", stackconfig.Config{Hosts: hosts})
	require.NoError(t, err)
	c, err := cluster.Open(described.Outputs(topology.Secrets{}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return l, c
}

// TestNetworksOfHosts cuts hosts off and slows them down. Each fault proves by itself that it takes effect,
// and that it is gone.
func TestNetworksOfHosts(t *testing.T) {
	_, c := bareHosts(t)
	hosts := c.Outputs().Hosts
	require.NoError(t, onHosts(c))
	require.NoError(t, inLab(c))
	first := func(h topology.Host) bool { return h.Zone == "a" } // h1 and h2

	cut, err := isolate(t.Context(), c, "cut zone a off", first)
	require.NoError(t, err)
	require.NoError(t, connected(t.Context(), c, hosts[0], hosts[1], 0), "hosts of one zone see each other")
	require.NoError(t, separated(t.Context(), c, hosts[2], hosts[0]), "in the other direction, too")
	require.NoError(t, cut.Heal(t.Context()))

	usual, answered, err := probe(t.Context(), c, hosts[1], hosts[2])
	require.NoError(t, err)
	assert.True(t, answered)
	assert.Less(t, usual, 50*time.Millisecond, "a connection that nobody slows")
	for _, delay := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond} {
		slow, err := slowDown(delay)(t.Context(), c, fault.Target{})
		require.NoError(t, err)
		took, answered, err := probe(t.Context(), c, hosts[1], hosts[2])
		require.NoError(t, err)
		assert.True(t, answered)
		assert.GreaterOrEqual(t, took, 2*delay)
		t.Logf("with %s: connected in %s", delay, took)
		require.NoError(t, slow.Heal(t.Context()))
	}

	t.Log("what a killed run has left is found")
	_, err = isolate(t.Context(), c, "cut zone a off", first)
	require.NoError(t, err)
	require.NoError(t, clearAll(t.Context(), c, hosts))
	require.NoError(t, connected(t.Context(), c, hosts[0], hosts[2], 0))

	t.Log("what has no effect is an error")
	_, err = isolate(t.Context(), c, "cut nobody off", func(topology.Host) bool { return false })
	require.ErrorContains(t, err, "there is nothing to cut")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.Error(t, separated(ctx, c, hosts[0], hosts[1]), "they are not cut off")
	ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.Error(t, connected(ctx, c, hosts[0], hosts[1], time.Second), "they are not slow")
}

// listenOn starts a container on every host that listens where a node's agent does, and has a node's name.
func listenOn(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	const conf = "defaults\n mode http\n timeout client 5s\nfrontend agent\n bind :15700\n " +
		"http-request return status 204\n"
	for _, n := range c.Nodes() {
		docker := c.DockerOn(n.Host)
		created, err := docker.ContainerCreate(t.Context(), &container.Config{
			Image: topology.DefaultHAProxyImage, Entrypoint: []string{"sh", "-c", "printf '" + conf +
				"' >/tmp/c && exec haproxy -db -f /tmp/c"},
		}, &container.HostConfig{
			NetworkMode: "host", RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		}, nil, nil, n.Container)
		require.NoError(t, err)
		require.NoError(t, docker.ContainerStart(t.Context(), created.ID, container.StartOptions{}))
	}
}

// TestPowerOfHosts takes power, cables and engines away, and gives them back.
func TestPowerOfHosts(t *testing.T) {
	l, c := bareHosts(t)
	require.NoError(t, l.Load(t.Context(), topology.DefaultHAProxyImage))
	listenOn(t, c)
	hosts := c.Outputs().Hosts
	require.NoError(t, await(t.Context(), "the hosts", func(ctx context.Context) error {
		return l.Hosts[0].Answers(ctx, topology.AgentPort)
	}))

	lost, err := powerOff(t.Context(), c, hosts[0], "took the power of host h1")
	require.NoError(t, err)
	require.Error(t, l.Hosts[0].Answers(t.Context(), topology.AgentPort))
	_, err = c.DockerOn("h1").Ping(t.Context())
	require.Error(t, err, "its engine is gone")
	require.NoError(t, l.Hosts[1].Answers(t.Context(), topology.AgentPort), "the others are there")
	_, err = powerOff(t.Context(), c, hosts[0], "took the power of host h1 again")
	require.Error(t, err, "it had none")
	require.NoError(t, lost.Heal(t.Context()), "it is back, although it was healed before")
	require.NoError(t, l.Hosts[0].Answers(t.Context(), topology.AgentPort))

	cut, err := unplug(t.Context(), c, hosts[1], "pulled the cable of host h2")
	require.NoError(t, err)
	_, err = c.DockerOn("h2").Ping(t.Context())
	require.NoError(t, err, "its engine goes on")
	require.NoError(t, cut.Heal(t.Context()))

	restarted, err := restartEngineOf(t.Context(), c, hosts[2], "restarted the engine of host h3")
	require.NoError(t, err)
	require.NoError(t, restarted.Heal(t.Context()))

	t.Log("what a killed run has left is healed")
	_, err = powerOff(t.Context(), c, hosts[0], "took the power of host h1")
	require.NoError(t, err)
	_, err = unplug(t.Context(), c, hosts[1], "pulled the cable of host h2")
	require.NoError(t, err)
	require.NoError(t, HealAll(t.Context(), c))
	for _, h := range l.Hosts {
		require.NoError(t, h.Answers(t.Context(), topology.AgentPort))
	}
}
