package stackconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology/internal/sample"
)

func TestVirtualAddress(t *testing.T) {
	hosts := sample.Hosts("a", "b", "c")
	for name, c := range map[string]struct {
		config Config
		wrong  string
	}{
		"a free address":  {Config{Hosts: hosts, VirtualAddress: "192.0.2.99"}, ""},
		"no hosts":        {Config{VirtualAddress: "192.0.2.99"}, "there is no warren:hosts"},
		"no address":      {Config{Hosts: hosts, VirtualAddress: "vip"}, `virtualAddress is "vip"`},
		"a prefix":        {Config{Hosts: hosts, VirtualAddress: "192.0.2.99/24"}, "write a free IP address"},
		"loopback":        {Config{Hosts: hosts, VirtualAddress: "127.0.0.1"}, "which hosts can't share"},
		"a host's":        {Config{Hosts: hosts, VirtualAddress: hosts[1].Address}, "the address of hosts[1]"},
		"of another kind": {Config{Hosts: hosts, VirtualAddress: "2001:db8::1"}, "of the same kind"},
		"one load balancer": {Config{Hosts: hosts, LoadBalancers: 1, VirtualAddress: "192.0.2.99"},
			"1 load balancer"},
		"three load balancers": {Config{Hosts: hosts, LoadBalancers: 3, VirtualAddress: "192.0.2.99"}, ""},
	} {
		cluster, err := New("test", c.config)
		if c.wrong != "" {
			assert.ErrorContains(t, err, c.wrong, name)
			continue
		}
		require.NoError(t, err, name)
		out := cluster.Outputs(sample.Secrets)
		assert.Contains(t, out.AMQPURL, "@192.0.2.99:5671/", name)
		assert.Equal(t, "http://192.0.2.99:15671", out.ManagementURL, name)
		assert.Contains(t, out.BalancedAMQPURLs[0], "@"+hosts[0].Address, name)
		assert.NotEmpty(t, out.LoadBalancers[1].Keepalived, name)
		assert.Contains(t, cluster.CertificateNames("haproxy"), "192.0.2.99", name)
		assert.Contains(t, cluster.Images(), "warren/keepalived:2.3", name)
	}
}
