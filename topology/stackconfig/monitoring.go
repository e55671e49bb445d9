package stackconfig

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
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
	// Retention is how long Prometheus keeps what it has read, such as "15d".
	Retention string `json:"retention"`
	// RetentionSize is how much of it Prometheus keeps at most, such as "2GB".
	RetentionSize string `json:"retentionSize"`
	// MemoryLimit is that of Prometheus' container, such as "512MiB".
	MemoryLimit string `json:"memoryLimit"`
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

// newMonitoring fills in the defaults and looks for mistakes. It returns nil if there is to be none.
func newMonitoring(problems *problemList, c MonitoringConfig, ports PortsConfig) *topology.Monitoring {
	if !c.Enabled {
		return nil
	}
	m := &topology.Monitoring{
		PrometheusImage:   cmp.Or(c.PrometheusImage, topology.DefaultPrometheusImage),
		AlertmanagerImage: cmp.Or(c.AlertmanagerImage, topology.DefaultAlertmanagerImage),
		PrometheusPort:    ports.Prometheus,
		AlertmanagerPort:  ports.Alertmanager,
		Retention:         cmp.Or(c.Retention, defaultRetention),
	}
	for _, image := range []struct{ key, reference, example string }{
		{"prometheusImage", m.PrometheusImage, topology.DefaultPrometheusImage},
		{"alertmanagerImage", m.AlertmanagerImage, topology.DefaultAlertmanagerImage},
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
