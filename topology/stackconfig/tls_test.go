package stackconfig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/internal/sample"
)

// authority is the certificate of an authority.
func authority(t *testing.T) string {
	t.Helper()
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	return pair.Chain
}

func TestMistakesAboutTLS(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		key    string
	}{
		"mode": {Config{TLS: "on"}, "tls"},
		"names": {Config{TLS: topology.TLSRequired, TLSNames: []string{"good.example.com", "no good"}},
			"tlsNames"},
		"renewal": {Config{TLSRenew: "a\nb"}, "tlsRenew"},
		"offset":  {Config{Ports: PortsConfig{TLSOffset: -1}}, "ports.tlsOffset"},
		"same ports": {Config{TLS: topology.TLSOptional, Ports: PortsConfig{TLSOffset: 1}},
			"ports"},
		"hosts": {Config{TLS: topology.TLSRequired, Hosts: sample.Hosts("a", "b", "c")},
			"tls"},
		"client authority without TLS": {Config{TLSClientAuthority: authority(t)}, "tlsClientCaCertificate"},
		"client authority": {Config{TLS: topology.TLSRequired, TLSClientAuthority: "none"},
			"tlsClientCaCertificate"},
		"nodes only": {Config{TLSInterNode: true}, "tlsInterNode"},
		"own lines": {Config{TLS: topology.TLSRequired, RabbitMQConf: "ssl_options.verify = verify_peer"},
			"rabbitmqConf"},
	} {
		_, err := New("test", test.config)
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid, name)
		assert.Equal(t, test.key, invalid.Problems[0].Key, name)
	}
}

func TestNodesOnSeveralHostsUseTLS(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   bool
	}{
		"off":       {Config{Hosts: sample.Hosts("a", "b", "c")}, false},
		"one host":  {Config{TLS: topology.TLSOptional}, false},
		"asked for": {Config{TLS: topology.TLSOptional, TLSInterNode: true}, true},
		"hosts":     {Config{TLS: topology.TLSOptional, Hosts: sample.Hosts("a", "b", "c")}, true},
	} {
		cluster, err := New("test", test.config)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, cluster.TLSInterNode, name)
	}
}
