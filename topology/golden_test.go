package topology

import (
	"encoding/base64"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files again")

// testSecrets are no stack's; their characters are those that need quoting somewhere.
var testSecrets = Secrets{
	AdminPassword: `pa'ss"w:ö$rd\`, StatsPassword: `st'at"s $x\`, ErlangCookie: "COOKIE",
}

// variants are the clusters whose rendered files are kept in testdata, a folder each.
var variants = []struct {
	name   string
	config Config
}{
	{"series-3.10", Config{Image: "warren/rabbitmq:3.10"}},
	{"series-3.13", Config{Image: "rabbitmq:3.13-management"}},
	{"series-4.0", Config{Image: "warren/rabbitmq:4.0"}},
	{"series-4.3", Config{}},
	{"tutorial", Config{
		Image:             "warren/rabbitmq:3.10",
		NodeTypes:         map[string]NodeType{"rabbit2": RAM},
		PartitionHandling: "autoheal",
	}},
	{"ram-4.0", Config{
		Image: "warren/rabbitmq:4.0",
		Nodes: NodesConfig{List: []NodeConfig{{Name: "a"}, {Name: "b"}, {Name: "c", Type: RAM}}},
	}},
	{"five-nodes", Config{
		Nodes: NodesConfig{Count: 5},
		Ports: PortsConfig{
			AMQP: 5772, Management: 15772, LoadBalancerAMQP: 5771, LoadBalancerManagement: 15771, Stats: 8504,
		},
		Plugins: []string{"rabbitmq_shovel", "rabbitmq_stream"},
	}},
	{"limited", Config{
		MemoryLimit:         "768MiB",
		MemoryHighWatermark: 0.5,
		DiskFreeLimit:       "512MB",
		HeartbeatSeconds:    10,
		ConnectionMax:       1000,
		LogLevel:            "warning",
		FailureDetection:    DetectRelaxed,
		Username:            "operator",
		RabbitMQConf:        "# Twice the default.\ncollect_statistics_interval = 10000\n",
	}},
	{"stock-detection", Config{FailureDetection: DetectStock}},
	{"three-hosts", Config{Hosts: hostsIn("a", "b", "c")}},
}

// rendered are all files of a cluster, by the name of their golden file.
func rendered(t *testing.T, c *Cluster) map[string]string {
	t.Helper()
	definitions, err := c.Definitions(testSecrets)
	require.NoError(t, err)
	files := map[string]string{
		"rabbitmq.conf":    c.RabbitMQConf(c.Nodes[0]),
		"advanced.config":  c.AdvancedConfig(c.Nodes[0]),
		"enabled_plugins":  c.EnabledPlugins(),
		"erlang-args":      c.ErlangArgs() + "\n",
		"haproxy.cfg":      c.HAProxyConf(testSecrets),
		"definitions.json": definitions,
	}
	if last := c.Nodes[len(c.Nodes)-1]; !slices.Contains(c.Seeds(), last) {
		files["rabbitmq.conf-"+last.Name] = c.RabbitMQConf(last)
	}
	for _, b := range c.Balancers()[1:] {
		files["haproxy.cfg-"+b.Host] = b.HAProxyConf(testSecrets)
	}
	return files
}

func TestRenderedFilesAreTheGoldenOnes(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			cluster, err := New("test", v.config)
			require.NoError(t, err)
			for name, text := range rendered(t, cluster) {
				path := filepath.Join("testdata", v.name, name)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err, "run go test ./topology -update to write it")
				assert.Equal(t, string(want), text,
					"%s: run go test ./topology -update if this is meant", path)
			}
		})
	}
}

func TestRenderingIsStable(t *testing.T) {
	types := map[string]NodeType{"rabbit1": Disc, "rabbit2": Disc, "rabbit3": Disc}
	first, err := New("test", Config{NodeTypes: types})
	require.NoError(t, err)
	for range 10 {
		again, err := New("test", Config{NodeTypes: maps.Clone(types)})
		require.NoError(t, err)
		assert.Equal(t, rendered(t, first), rendered(t, again), "a rendering that changes replaces nodes")
	}
}

// HAProxy gets no more than what its checks and its statistics page need.
func TestFilesHaveNoSecretsButTheirOwn(t *testing.T) {
	cluster, err := New("test", Config{})
	require.NoError(t, err)
	for name, text := range rendered(t, cluster) {
		secrets := []string{testSecrets.AdminPassword, testSecrets.ErlangCookie, testSecrets.AgentPassword()}
		if name != "haproxy.cfg" {
			secrets = append(secrets, testSecrets.StatsPassword, testSecrets.LoadBalancerPassword())
		}
		for _, secret := range secrets {
			assert.NotContains(t, text, secret, name)
			assert.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(secret)), name)
		}
	}
}
