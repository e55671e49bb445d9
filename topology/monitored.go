package topology

// AlertmanagerMemory is the memory limit of Alertmanager's container, in bytes.
const AlertmanagerMemory = 128 << 20

// GrafanaMemory is that of Grafana's.
const GrafanaMemory = 384 << 20

// Memory is what all containers of the monitoring may take, in bytes.
func (m *Monitoring) Memory() int64 {
	memory := m.MemoryLimit + AlertmanagerMemory
	if m.GrafanaImage != "" {
		memory += GrafanaMemory
	}
	return memory
}

// Monitoring is the Prometheus and the Alertmanager of a stack. The ports are published on the host of the
// first load balancer.
type Monitoring struct {
	PrometheusImage   string
	AlertmanagerImage string
	PrometheusPort    int
	AlertmanagerPort  int
	// GrafanaImage is empty if the stack has no Grafana of its own.
	GrafanaImage string
	GrafanaPort  int
	// Retention is a duration as Prometheus takes it.
	Retention string
	// RetentionSize and MemoryLimit are in bytes.
	RetentionSize int64
	MemoryLimit   int64
}

// MonitoringOutput tells how to reach a stack's Prometheus and Alertmanager. Their user is Outputs.Username,
// and the password Outputs.StatsPassword.
type MonitoringOutput struct {
	PrometheusURL   string `json:"prometheusUrl"`
	AlertmanagerURL string `json:"alertmanagerUrl"`
	// Prometheus and Alertmanager are the names of the containers.
	Prometheus   string `json:"prometheus"`
	Alertmanager string `json:"alertmanager"`
	// GrafanaURL and Grafana are empty if the stack has none.
	GrafanaURL string `json:"grafanaUrl,omitempty"`
	Grafana    string `json:"grafana,omitempty"`
	// Remote tells that the Prometheus is one elsewhere, at PrometheusURL. There is no Alertmanager then, and no
	// container.
	Remote bool `json:"remote,omitempty"`
	// Queues are regular expressions of names of queues that are watched each by itself.
	Queues []string `json:"queues,omitempty"`
}

// MonitoringHost is the name of the host that Prometheus and Alertmanager are on: that of the first load
// balancer; empty if the stack runs on one engine.
func (c *Cluster) MonitoringHost() string { return c.LoadBalancerHosts[0] }

// PrometheusContainerName is the name of the container that runs Prometheus.
func (c *Cluster) PrometheusContainerName() string { return c.NetworkName() + "-" + PrometheusHost }

// AlertmanagerContainerName is the name of the container that runs Alertmanager.
func (c *Cluster) AlertmanagerContainerName() string { return c.NetworkName() + "-" + AlertmanagerHost }

// GrafanaContainerName is the name of the container that runs Grafana.
func (c *Cluster) GrafanaContainerName() string { return c.NetworkName() + "-" + GrafanaHost }

// MonitoringVolumeName is the name of the volume with the data of one of the two containers.
func MonitoringVolumeName(container string) string { return container + VolumeSuffix }

// MonitoringOutput tells how to reach the stack's Prometheus; nil if it has none.
func (c *Cluster) MonitoringOutput() *MonitoringOutput {
	if c.RemotePrometheus != "" {
		return &MonitoringOutput{PrometheusURL: c.RemotePrometheus, Remote: true, Queues: c.WatchedQueues}
	}
	if c.Monitoring == nil {
		return nil
	}
	out := &MonitoringOutput{
		Queues:          c.WatchedQueues,
		PrometheusURL:   c.httpURL(c.hostPort(c.MonitoringHost(), c.Monitoring.PrometheusPort), ""),
		AlertmanagerURL: c.httpURL(c.hostPort(c.MonitoringHost(), c.Monitoring.AlertmanagerPort), ""),
		Prometheus:      c.PrometheusContainerName(),
		Alertmanager:    c.AlertmanagerContainerName(),
	}
	if c.Monitoring.GrafanaImage != "" {
		out.GrafanaURL = c.httpURL(c.hostPort(c.MonitoringHost(), c.Monitoring.GrafanaPort), "")
		out.Grafana = c.GrafanaContainerName()
	}
	return out
}
