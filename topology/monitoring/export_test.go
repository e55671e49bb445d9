package monitoring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/stackconfig"
)

func TestAnotherPrometheusTakesTheFiles(t *testing.T) {
	tool, folder := promtool(t), t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	for name, text := range map[string]string{
		"scrape.yml":     ScrapeFile(testStack(t)),
		"prometheus.yml": "global:\n  scrape_interval: 30s\nscrape_config_files: [scrape.yml]\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	output, err := tool(folder, "check", "config", "prometheus.yml")
	require.NoErrorf(t, err, "%s", output)
}

func TestAPrometheusElsewhereReadsHostsAtTheirAddresses(t *testing.T) {
	var hosts []topology.Host
	for _, n := range []string{"1", "2", "3"} {
		address := "192.0.2." + n
		hosts = append(hosts, topology.Host{Name: "h" + n, Engine: "tcp://" + address + ":2376", Address: address})
	}
	cluster, err := stackconfig.New("test", stackconfig.Config{Hosts: hosts})
	require.NoError(t, err)
	text := ScrapeFile(FromAnywhere(cluster.Outputs(topology.Secrets{})))
	assert.Equal(t, 3, strings.Count(text, ":15692"))
	assert.Contains(t, text, "192.0.2.1:15692")
	assert.Contains(t, text, "192.0.2.2:8405")
	assert.NotContains(t, text, "rabbit1:15692")
}
