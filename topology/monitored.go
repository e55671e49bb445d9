package topology

// AlertmanagerMemory is the memory limit of Alertmanager's container, in bytes.
const AlertmanagerMemory = 128 << 20

// Monitoring is the Prometheus and the Alertmanager of a stack. The ports are published on the host of the
// first load balancer.
type Monitoring struct {
	PrometheusImage   string
	AlertmanagerImage string
	PrometheusPort    int
	AlertmanagerPort  int
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
}

// MonitoringHost is the name of the host that Prometheus and Alertmanager are on: that of the first load
// balancer; empty if the stack runs on one engine.
func (c *Cluster) MonitoringHost() string { return c.LoadBalancerHosts[0] }

// PrometheusContainerName is the name of the container that runs Prometheus.
func (c *Cluster) PrometheusContainerName() string { return c.NetworkName() + "-" + PrometheusHost }

// AlertmanagerContainerName is the name of the container that runs Alertmanager.
func (c *Cluster) AlertmanagerContainerName() string { return c.NetworkName() + "-" + AlertmanagerHost }

// MonitoringVolumeName is the name of the volume with the data of one of the two containers.
func MonitoringVolumeName(container string) string { return container + VolumeSuffix }

// MonitoringOutput tells how to reach the stack's Prometheus; nil if it has none.
func (c *Cluster) MonitoringOutput() *MonitoringOutput {
	if c.Monitoring == nil {
		return nil
	}
	return &MonitoringOutput{
		PrometheusURL:   c.httpURL(c.hostPort(c.MonitoringHost(), c.Monitoring.PrometheusPort), ""),
		AlertmanagerURL: c.httpURL(c.hostPort(c.MonitoringHost(), c.Monitoring.AlertmanagerPort), ""),
		Prometheus:      c.PrometheusContainerName(),
		Alertmanager:    c.AlertmanagerContainerName(),
	}
}
