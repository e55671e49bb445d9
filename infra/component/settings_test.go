package component

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/agentbinary"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

// What replaces a node's container changes its fingerprint, and nothing else does.
func TestSettingsOfANode(t *testing.T) {
	secrets := topology.Secrets{AdminPassword: "s3cret", StatsPassword: "stats", ErlangCookie: "COOKIE"}
	settings := func(config stackconfig.Config, agent string, s topology.Secrets) string {
		config.Hosts = append(config.Hosts, threeHosts()[len(config.Hosts):]...)
		cluster, err := stackconfig.New(enginetest.Stack, config)
		require.NoError(t, err)
		text, err := Settings(cluster, cluster.Nodes[0], agentbinary.Binary{Source: "file", Hash: agent}, s)
		require.NoError(t, err)
		return text
	}
	base := settings(stackconfig.Config{}, "agent", secrets)
	assert.Equal(t, base, settings(stackconfig.Config{}, "agent", secrets))
	assert.NotContains(t, base, "s3cret")

	moved := threeHosts()
	moved[0].Address = "192.0.2.9"
	other := secrets
	other.AdminPassword = "another"
	for name, changed := range map[string]string{
		"a setting":               settings(stackconfig.Config{HeartbeatSeconds: 17}, "agent", secrets),
		"the image":               settings(stackconfig.Config{Image: "warren/rabbitmq:4.0"}, "agent", secrets),
		"the memory":              settings(stackconfig.Config{MemoryLimit: "2GiB"}, "agent", secrets),
		"the agent":               settings(stackconfig.Config{}, "newer", secrets),
		"the password":            settings(stackconfig.Config{}, "agent", other),
		"the address of its host": settings(stackconfig.Config{Hosts: moved}, "agent", secrets),
	} {
		assert.NotEqual(t, base, changed, name)
	}
	other = secrets
	other.StatsPassword = "another"
	assert.Equal(t, base, settings(stackconfig.Config{}, "agent", other), "HAProxy's alone")
	assert.Equal(t, base, settings(stackconfig.Config{LoadBalancers: 3}, "agent", secrets))
}
