package stackconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/internal/sample"
)

func TestMistakesAboutTLS(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		key    string
	}{
		"mode": {Config{TLS: "on"}, "tls"},
		"names": {Config{TLS: topology.TLSRequired, TLSNames: []string{"good.example.com", "no good"}},
			"tlsNames"},
		"renewal":    {Config{TLSRenew: "a\nb"}, "tlsRenew"},
		"offset":     {Config{Ports: PortsConfig{TLSOffset: -1}}, "ports.tlsOffset"},
		"same ports": {Config{TLS: topology.TLSOptional, Ports: PortsConfig{TLSOffset: 1}}, "ports"},
		"hosts":      {Config{TLS: topology.TLSRequired, Hosts: sample.Hosts("a", "b", "c")}, "tls"},
		"own lines": {Config{TLS: topology.TLSRequired, RabbitMQConf: "ssl_options.verify = verify_peer"},
			"rabbitmqConf"},
	} {
		_, err := New("test", test.config)
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid, name)
		assert.Equal(t, test.key, invalid.Problems[0].Key, name)
	}
}
