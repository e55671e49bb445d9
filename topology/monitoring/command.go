package monitoring

import (
	"fmt"

	"warren/topology"
)

// PrometheusCommand runs Prometheus with its data in a folder.
func PrometheusCommand(c *topology.Cluster, data string) []string {
	return []string{
		"prometheus",
		"--config.file=" + PrometheusPath,
		"--web.config.file=" + WebPath,
		"--web.external-url=" + c.MonitoringOutput().PrometheusURL,
		"--storage.tsdb.path=" + data,
		"--storage.tsdb.retention.time=" + c.Monitoring.Retention,
		fmt.Sprintf("--storage.tsdb.retention.size=%dB", c.Monitoring.RetentionSize),
		// A dashboard that asks for too much fails by itself, and not with all of Prometheus.
		"--query.max-samples=5000000",
		"--query.timeout=20s",
	}
}

// AlertmanagerCommand runs Alertmanager with its data in a folder. It has no peers.
func AlertmanagerCommand(c *topology.Cluster, data string) []string {
	return []string{
		"alertmanager",
		"--config.file=" + AlertmanagerPath,
		"--web.config.file=" + WebPath,
		"--web.external-url=" + c.MonitoringOutput().AlertmanagerURL,
		"--storage.path=" + data,
		"--cluster.listen-address=",
	}
}
