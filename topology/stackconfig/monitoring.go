package stackconfig

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"

	"github.com/distribution/reference"

	"warren/topology"
)

// What Prometheus keeps, unless the configuration says otherwise.
const (
	defaultRetention     = "15d"
	defaultRetentionSize = "2GB"
	// minRetentionSize is a few of the blocks of two hours that Prometheus deletes as a whole.
	minRetentionSize = 64 << 20
	// defaultMonitoringMemory is several times what Prometheus takes for a stack of three nodes.
	defaultMonitoringMemory = "512MiB"
	minMonitoringMemory     = 128 << 20
)

// exampleGrafanaImage is an image as somebody may write it.
const exampleGrafanaImage = "grafana/grafana:12.2.0"

// retentionPattern is a duration as Prometheus takes it, without the units that are too short for one.
var retentionPattern = regexp.MustCompile(`^[1-9][0-9]*[hdwy]$`)

// MonitoringConfig is whether a stack has a Prometheus and an Alertmanager of its own. It unmarshals from
// true, from false, or from settings, which turn it on. The zero value is off.
type MonitoringConfig struct {
	// Enabled is true if it was unmarshalled from true or from settings.
	Enabled bool `json:"-"`
	// PrometheusImage and AlertmanagerImage are the images; official ones work as well.
	PrometheusImage   string `json:"prometheusImage"`
	AlertmanagerImage string `json:"alertmanagerImage"`
	// GrafanaImage gives the stack a Grafana with the dashboards, such as "grafana/grafana:12.2.0". Without it
	// there is none.
	GrafanaImage string `json:"grafanaImage"`
	// Retention is how long Prometheus keeps what it has read, such as "15d".
	Retention string `json:"retention"`
	// RetentionSize is how much of it Prometheus keeps at most, such as "2GB".
	RetentionSize string `json:"retentionSize"`
	// MemoryLimit is that of Prometheus' container, such as "512MiB".
	MemoryLimit string `json:"memoryLimit"`
	// Queues are regular expressions of names of queues that are watched each by itself, in all virtual hosts.
	Queues []string `json:"queues"`
	// Remote is the URL of a Prometheus elsewhere that watches the stack. The stack then has none of its own.
	Remote string `json:"remote"`
}

// UnmarshalJSON reads true, false or settings.
func (m *MonitoringConfig) UnmarshalJSON(data []byte) error {
	*m = MonitoringConfig{}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return json.Unmarshal(data, &m.Enabled)
	}
	type plain MonitoringConfig
	err := json.Unmarshal(data, (*plain)(m))
	m.Enabled = err == nil
	return err
}

// newMonitoring fills in the defaults and looks for mistakes. It returns nil if the stack is to have no
// Prometheus of its own.
func newMonitoring(problems *problemList, c MonitoringConfig, ports PortsConfig) *topology.Monitoring {
	if !c.Enabled {
		return nil
	}
	for i, pattern := range c.Queues {
		if _, err := regexp.Compile(pattern); err != nil || pattern == "" {
			problems.add(fmt.Sprintf("monitoring.queues[%d]", i), "is "+quoted(pattern),
				"write a name of queues or a regular expression, such as orders or \"invoices.*\"")
		}
	}
	if c.Remote != "" {
		validateRemote(problems, c)
		return nil
	}
	m := &topology.Monitoring{
		PrometheusImage:   cmp.Or(c.PrometheusImage, topology.DefaultPrometheusImage),
		AlertmanagerImage: cmp.Or(c.AlertmanagerImage, topology.DefaultAlertmanagerImage),
		PrometheusPort:    ports.Prometheus,
		AlertmanagerPort:  ports.Alertmanager,
		GrafanaImage:      c.GrafanaImage,
		GrafanaPort:       ports.Grafana,
		Retention:         cmp.Or(c.Retention, defaultRetention),
	}
	for _, image := range []struct{ key, reference, example string }{
		{"prometheusImage", m.PrometheusImage, topology.DefaultPrometheusImage},
		{"alertmanagerImage", m.AlertmanagerImage, topology.DefaultAlertmanagerImage},
		{"grafanaImage", cmp.Or(m.GrafanaImage, exampleGrafanaImage), exampleGrafanaImage},
	} {
		if _, err := reference.ParseNormalizedNamed(image.reference); err != nil {
			problems.add("monitoring."+image.key,
				"is "+quoted(image.reference)+", which is no image reference ("+err.Error()+")",
				"write repository:tag, such as "+image.example)
		}
	}
	if !retentionPattern.MatchString(m.Retention) {
		problems.add("monitoring.retention", "is "+quoted(m.Retention),
			"write a number and h, d, w or y, such as "+defaultRetention)
	}
	m.RetentionSize = monitoringSize(problems, "retentionSize",
		cmp.Or(c.RetentionSize, defaultRetentionSize), minRetentionSize)
	m.MemoryLimit = monitoringSize(problems, "memoryLimit",
		cmp.Or(c.MemoryLimit, defaultMonitoringMemory), minMonitoringMemory)
	return m
}

// validateRemote looks at the URL of a Prometheus elsewhere, and at settings that are for the stack's own.
func validateRemote(problems *problemList, c MonitoringConfig) {
	u, err := url.Parse(c.Remote)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		problems.add("monitoring.remote", "is "+quoted(c.Remote),
			"write the URL of your Prometheus without credentials, such as http://prometheus.example.com:9090")
	}
	for _, own := range []struct{ key, value string }{
		{"prometheusImage", c.PrometheusImage}, {"alertmanagerImage", c.AlertmanagerImage},
		{"grafanaImage", c.GrafanaImage},
		{"retention", c.Retention}, {"retentionSize", c.RetentionSize}, {"memoryLimit", c.MemoryLimit},
	} {
		if own.value != "" {
			problems.add("monitoring."+own.key, "is for the stack's own Prometheus, and monitoring.remote names "+
				"another", "leave one of them out")
		}
	}
}

func monitoringSize(problems *problemList, key, text string, least int64) int64 {
	size, err := parseSize(text)
	switch {
	case err != nil:
		problems.add("monitoring."+key, "is "+quoted(text), sizeRemedy)
	case size < least:
		problems.add("monitoring."+key, "is "+quoted(text)+", too little for Prometheus",
			fmt.Sprintf("use at least %dMiB", least>>20))
	}
	return size
}
