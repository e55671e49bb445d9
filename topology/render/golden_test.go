package render_test

import (
	"encoding/base64"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files again")

// variants are the clusters whose rendered files are kept in testdata, a folder each.
var variants = []struct {
	name   string
	config stackconfig.Config
}{
	{"series-3.10", stackconfig.Config{Image: "warren/rabbitmq:3.10"}},
	{"series-3.13", stackconfig.Config{Image: "rabbitmq:3.13-management"}},
	{"series-4.0", stackconfig.Config{Image: "warren/rabbitmq:4.0"}},
	{"series-4.3", stackconfig.Config{}},
	{"tutorial", stackconfig.Config{
		Image:             "warren/rabbitmq:3.10",
		NodeTypes:         map[string]topology.NodeType{"rabbit2": topology.RAM},
		PartitionHandling: "autoheal",
	}},
	{"ram-4.0", stackconfig.Config{
		Image: "warren/rabbitmq:4.0",
		Nodes: stackconfig.NodesConfig{List: []stackconfig.NodeConfig{{Name: "a"}, {Name: "b"},
			{Name: "c", Type: topology.RAM}}},
	}},
	{"five-nodes", stackconfig.Config{
		Nodes: stackconfig.NodesConfig{Count: 5},
		Ports: stackconfig.PortsConfig{
			AMQP: 5772, Management: 15772, LoadBalancerAMQP: 5771, LoadBalancerManagement: 15771, Stats: 8504,
		},
		Plugins: []string{"rabbitmq_shovel", "rabbitmq_stream"},
	}},
	{"limited", stackconfig.Config{
		MemoryLimit:         "768MiB",
		MemoryHighWatermark: 0.5,
		DiskFreeLimit:       "512MB",
		HeartbeatSeconds:    10,
		ConnectionMax:       1000,
		LogLevel:            "warning",
		FailureDetection:    topology.DetectRelaxed,
		Username:            "operator",
		RabbitMQConf:        "# Twice the default.\ncollect_statistics_interval = 10000\n",
		AdvancedConfig: map[string]string{
			"rabbit": "{channel_operation_timeout, 20000}, {delegate_count, 8} % as many as cores\n",
			"kernel": "{shell_history, disabled}", "rabbitmq_shovel": "{note, \"no shovels\"}",
		},
	}},
	{"stock-detection", stackconfig.Config{FailureDetection: topology.DetectStock}},
	{"tls-required", stackconfig.Config{TLS: topology.TLSRequired, TLSNames: []string{"rabbit.example.com"}}},
	{"tls-optional", stackconfig.Config{TLS: topology.TLSOptional, Image: "warren/rabbitmq:3.10"}},
	{"tls-clients", stackconfig.Config{TLS: topology.TLSRequired, TLSClientAuthority: clientAuthority}},
	{"tls-inter-node", stackconfig.Config{TLS: topology.TLSRequired, TLSInterNode: true}},
	{"tls-inter-node-3.10", stackconfig.Config{
		TLS: topology.TLSOptional, TLSInterNode: true, Image: "warren/rabbitmq:3.10",
	}},
	{"tls-hosts", stackconfig.Config{TLS: topology.TLSOptional, Hosts: sample.Hosts("a", "b", "c")}},
	{"three-hosts", stackconfig.Config{Hosts: sample.Hosts("a", "b", "c")}},
	{"virtual-address", stackconfig.Config{Hosts: sample.Hosts("a", "b", "c"), VirtualAddress: "192.0.2.99"}},
}

// clientAuthority is the certificate of an authority, of which no rendered file has anything.
const clientAuthority = `-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIUC6We/M9nN1c+MpN+OQI7T5xM0EAwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTQ2xpZW50cyBvZiB0aGUgdGVzdDAgFw0yNjExMjYxNTMyMjNa
GA8yMTI2MTEwMjE1MzIyM1owHjEcMBoGA1UEAwwTQ2xpZW50cyBvZiB0aGUgdGVz
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE3wmEI4wH3MsvhHQdJmLKHuYPN1
BFStiG1747yOCDO4IFOUOo3wUqdaMuPUsIRcXLLo3J+GbyAxC3rAWVSSCfejUzBR
MB0GA1UdDgQWBBSdVjZFKl7kzbwlEPpHcY1yypjm2zAfBgNVHSMEGDAWgBSdVjZF
Kl7kzbwlEPpHcY1yypjm2zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cA
MEQCIGyYJ9D+78YpaXl8AmdyMqfToisz6aWb8CV3j7MpdAulAiAFxx8nIhwZ3hI4
PYulkchnB6lB+WLq6+Ncspm4XWXw4w==
-----END CERTIFICATE-----
`

// rendered are all files of a cluster, by the name of their golden file.
func rendered(t *testing.T, c *topology.Cluster) map[string]string {
	t.Helper()
	definitions, err := render.Definitions(c, sample.Secrets)
	require.NoError(t, err)
	files := map[string]string{
		"rabbitmq.conf":    render.RabbitMQConf(c, c.Nodes[0]),
		"advanced.config":  render.AdvancedConfig(c, c.Nodes[0]),
		"enabled_plugins":  render.EnabledPlugins(c),
		"erlang-args":      render.ErlangArgs(c) + "\n",
		"haproxy.cfg":      render.HAProxyConf(c.Balancers()[0], sample.Secrets),
		"definitions.json": definitions,
	}
	if c.TLSInterNode {
		files["inter_node_tls.config"] = render.InterNodeOptions()
	}
	if last := c.Nodes[len(c.Nodes)-1]; !slices.Contains(c.Seeds(), last) {
		files["rabbitmq.conf-"+last.Name] = render.RabbitMQConf(c, last)
	}
	if c.VirtualAddress != "" {
		files["keepalived.conf"] = render.KeepalivedConf(c.Balancers()[0])
	}
	for _, b := range c.Balancers()[1:] {
		files["haproxy.cfg-"+b.Host] = render.HAProxyConf(b, sample.Secrets)
	}
	return files
}

func TestRenderedFilesAreTheGoldenOnes(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			cluster, err := stackconfig.New("test", v.config)
			require.NoError(t, err)
			for name, text := range rendered(t, cluster) {
				path := filepath.Join("testdata", v.name, name)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err, "run go test ./topology/render -update to write it")
				assert.Equal(t, string(want), text,
					"%s: run go test ./topology/render -update if this is meant", path)
			}
		})
	}
}

func TestRenderingIsStable(t *testing.T) {
	types := map[string]topology.NodeType{"rabbit1": topology.Disc, "rabbit2": topology.Disc,
		"rabbit3": topology.Disc}
	first, err := stackconfig.New("test", stackconfig.Config{NodeTypes: types})
	require.NoError(t, err)
	for range 10 {
		again, err := stackconfig.New("test", stackconfig.Config{NodeTypes: maps.Clone(types)})
		require.NoError(t, err)
		assert.Equal(t, rendered(t, first), rendered(t, again), "a rendering that changes replaces nodes")
	}
}

// HAProxy gets no more than what its checks and its statistics page need.
func TestFilesHaveNoSecretsButTheirOwn(t *testing.T) {
	cluster, err := stackconfig.New("test", stackconfig.Config{})
	require.NoError(t, err)
	for name, text := range rendered(t, cluster) {
		secrets := []string{sample.Secrets.AdminPassword, sample.Secrets.ErlangCookie,
			sample.Secrets.AgentPassword()}
		if name != "haproxy.cfg" {
			secrets = append(secrets, sample.Secrets.StatsPassword, sample.Secrets.LoadBalancerPassword())
		}
		for _, secret := range secrets {
			assert.NotContains(t, text, secret, name)
			assert.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(secret)), name)
		}
	}
}
