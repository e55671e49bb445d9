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
		"scrape.yml":     ScrapeFile(testStack(t), "ca.pem"),
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
	text := ScrapeFile(FromAnywhere(cluster.Outputs(topology.Secrets{})), "ca.pem")
	assert.Equal(t, 3, strings.Count(text, ":15692"))
	assert.Contains(t, text, "192.0.2.1:15692")
	assert.Contains(t, text, "192.0.2.2:8405")
	assert.NotContains(t, text, "rabbit1:15692")
}

// TestAnotherPrometheusKeepsStacksApart because it may watch several, and has jobs of its own.
func TestAnotherPrometheusKeepsStacksApart(t *testing.T) {
	config := monitored
	config.Monitoring = stackconfig.MonitoringConfig{
		Enabled: true, Remote: "http://prometheus.example.com:9090", Queues: []string{"orders"},
	}
	cluster, err := stackconfig.New("test", config)
	require.NoError(t, err)
	assert.Nil(t, cluster.Monitoring, "the stack has none of its own")
	s := WatchedBy(cluster.Outputs(topology.Secrets{}))
	scrapes := ScrapeFile(s, "ca.pem")
	for _, job := range []string{"rabbitmq", "haproxy", "warren", "rabbitmq-queues"} {
		assert.Contains(t, scrapes, "job_name: warren-test-"+job+"\n")
	}
	assert.Equal(t, 3, strings.Count(scrapes, "scrape_interval: 5s"), "whatever the other one's is")
	assert.Contains(t, scrapes, "scrape_interval: 15s", "of chosen queues")
	text := RuleFile(s.Name, Rules(s))
	for _, d := range Dashboards(s) {
		text += Grafana(d)
	}
	assert.NotContains(t, text, `job="rabbitmq`)
	assert.NotContains(t, text, `job="haproxy`)
	assert.NotContains(t, text, `job="warren"`)
	assert.NotContains(t, text, `job="prometheus`)
	assert.Contains(t, text, "stack: test\n")
}

func TestTheStacksGrafanaAsksItsPrometheus(t *testing.T) {
	config := monitored
	config.Monitoring.GrafanaImage, config.TLS = "grafana/grafana:12.2.0", topology.TLSRequired
	cluster, err := stackconfig.New("test", config)
	require.NoError(t, err)
	s := Of(cluster.Outputs(topology.Secrets{}))
	files := GrafanaFiles(s)
	source := files["/etc/grafana/provisioning/datasources/warren.yaml"]
	assert.Contains(t, source, "url: https://prometheus:9090")
	assert.Contains(t, source, "basicAuthPassword: $__file{"+PasswordPath+"}")
	assert.Contains(t, source, "tlsCACert: $__file{"+AuthorityPath+"}")
	provider := files["/etc/grafana/provisioning/dashboards/warren.yaml"]
	for _, d := range Dashboards(s) {
		path := grafanaDashboards + "/" + d.Name + ".json"
		require.Contains(t, files, path)
		assert.Contains(t, files[path], `"uid": "warren"`, "nobody is asked for a data source")
		assert.NotContains(t, files[path], "__inputs")
	}
	assert.Contains(t, provider, "path: "+grafanaDashboards)
	env := GrafanaEnvironment(cluster, s)
	assert.Contains(t, env, "https://127.0.0.1:3000")
	assert.Contains(t, env, "GF_SECURITY_ADMIN_PASSWORD__FILE", "docker inspect shows no password")
}
