package monitoring

import (
	"encoding/json"
	"fmt"
)

// grafanaUnits are the units as Grafana calls them.
var grafanaUnits = map[Unit]string{
	Count: "short", PerSecond: "cps", Bytes: "bytes", ByteRate: "Bps", Seconds: "s",
}

// object is one of JSON.
type object = map[string]any

// Grafana renders a dashboard as Grafana imports it. It asks for the data source when it is imported.
func Grafana(d Dashboard) string {
	dashboard := grafanaDashboard(d, "${DS_PROMETHEUS}")
	dashboard["__inputs"] = []object{{
		"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus",
	}}
	return renderJSON(dashboard)
}

// grafanaDashboard is a dashboard of Grafana's whose panels ask a data source.
func grafanaDashboard(d Dashboard, source string) object {
	const columns, height = 2, 8
	const width = 24 / columns // of the 24 columns of Grafana's grid
	var panels []object
	for i, p := range d.Panels {
		var targets []object
		for j, q := range p.Queries {
			targets = append(targets, object{"refId": string(rune('A' + j)), "expr": q.Expr, "legendFormat": q.Legend})
		}
		panels = append(panels, object{
			"id": i + 1, "type": "timeseries", "title": p.Title, "description": p.Help,
			"datasource":  object{"type": "prometheus", "uid": source},
			"targets":     targets,
			"gridPos":     object{"x": i % columns * width, "y": i / columns * height, "w": width, "h": height},
			"fieldConfig": object{"defaults": object{"unit": grafanaUnits[p.Unit], "min": 0}, "overrides": []any{}},
		})
	}
	return object{
		"uid": "warren-" + d.Name, "title": "Warren: " + d.Title, "tags": []string{"warren", "rabbitmq"},
		"schemaVersion": 39, "refresh": "5s", "time": object{"from": "now-15m", "to": "now"},
		"panels": panels,
	}
}

func renderJSON(value any) string {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("monitoring: %v", err)) // JSON has all of these types
	}
	return string(text) + "\n"
}
