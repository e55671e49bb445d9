package topology_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/stackconfig"
)

var tlsSecrets = topology.Secrets{AdminPassword: "a", StatsPassword: "b", ErlangCookie: "c"}

func withTLS(t *testing.T, mode topology.TLS) *topology.Cluster {
	t.Helper()
	c, err := stackconfig.New("test", stackconfig.Config{TLS: mode})
	require.NoError(t, err)
	return c
}

func TestPortsWithTLS(t *testing.T) {
	outside := func(c *topology.Cluster) (ports []int) {
		for _, p := range append(c.ClientPorts(c.Nodes[1]), c.LoadBalancerPorts()...) {
			ports = append(ports, p.Outside)
		}
		return ports
	}
	assert.Equal(t, []int{5673, 15673, 5671, 15671, 8404}, outside(withTLS(t, topology.TLSOff)))
	assert.Equal(t, []int{5673, 5773, 15673, 15773, 5671, 5771, 15671, 15771, 8404, 8504},
		outside(withTLS(t, topology.TLSOptional)))
	assert.Equal(t, []int{5773, 15773, 5771, 15771, 8504}, outside(withTLS(t, topology.TLSRequired)))
}

func TestOutputsWithTLS(t *testing.T) {
	for _, mode := range []topology.TLS{topology.TLSOptional, topology.TLSRequired} {
		c := withTLS(t, mode)
		out := c.Outputs(tlsSecrets)
		for _, url := range append([]string{out.AMQPURL, c.InternalAMQPURL(tlsSecrets)}, out.AMQPURLs...) {
			assert.True(t, strings.HasPrefix(url, "amqps://"), mode)
		}
		assert.Equal(t, "https://127.0.0.1:15771", out.ManagementURL)
		assert.Equal(t, "https://127.0.0.1:8504/stats", out.StatsURL)
		assert.Equal(t, 5772, out.Nodes[0].AMQPPort)
		assert.Equal(t, 15772, out.Nodes[0].ManagementPort)
		assert.Equal(t, 8504, out.LoadBalancer.StatsPort)
		assert.Contains(t, c.UserOutput("app", "x", "/").AMQPURL, "amqps://")
	}
}

func TestNamesOfCertificates(t *testing.T) {
	c, err := stackconfig.New("test", stackconfig.Config{TLS: topology.TLSRequired, BindAddress: "192.0.2.1",
		TLSNames: []string{"mq.example.com"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"rabbit1", "haproxy", "localhost", "127.0.0.1", "::1", "192.0.2.1",
		"mq.example.com"},
		c.CertificateNames("rabbit1"))
	assert.Equal(t, []string{"mq.example.com"}, c.ServerNames())
	assert.Equal(t, "mq.example.com", c.Outputs(tlsSecrets).TLSServerName)
	assert.Equal(t, []string{"127.0.0.1"}, withTLS(t, topology.TLSOptional).ServerNames())
}

func TestTLSConfigOfOutputs(t *testing.T) {
	config, err := topology.Outputs{}.TLSConfig()
	require.NoError(t, err)
	assert.Nil(t, config)
	_, err = topology.Outputs{CACertificate: "none"}.TLSConfig()
	require.ErrorContains(t, err, "caCertificate")
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	config, err = topology.Outputs{CACertificate: pair.Chain, TLSServerName: "mq.example.com"}.TLSConfig()
	require.NoError(t, err)
	assert.Equal(t, "mq.example.com", config.ServerName)
	assert.Equal(t, uint16(tls.VersionTLS12), config.MinVersion)
}
