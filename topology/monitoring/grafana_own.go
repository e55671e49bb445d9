package monitoring

import (
	"path"

	"warren/topology"
)

// Folders from which the stack's own Grafana takes its data source and its dashboards.
const (
	grafanaSources    = "/etc/grafana/provisioning/datasources"
	grafanaProviders  = "/etc/grafana/provisioning/dashboards"
	grafanaDashboards = topology.UploadPath + "/dashboards"
)

// sourceUID is what the stack's Prometheus is called in its Grafana.
const sourceUID = "warren"

// GrafanaFiles are the files of the stack's own Grafana, by path: it asks the stack's Prometheus, and has the
// dashboards. None is secret: the password is read from PasswordPath.
func GrafanaFiles(s Stack) map[string]string {
	scheme := "http"
	options := object{"timeInterval": duration(scrapeInterval), "httpMethod": "POST"}
	secrets := map[string]string{"basicAuthPassword": "$__file{" + PasswordPath + "}"}
	if s.PagesTLS {
		scheme = "https"
		options["tlsAuthWithCACert"], options["serverName"] = true, s.ServerName
		secrets["tlsCACert"] = "$__file{" + AuthorityPath + "}"
	}
	files := map[string]string{
		path.Join(grafanaSources, "warren.yaml"): render(object{"apiVersion": 1, "datasources": []object{{
			"name": "Prometheus of " + s.Name, "uid": sourceUID, "type": "prometheus", "access": "proxy",
			"isDefault": true, "editable": false,
			"url":       scheme + "://" + onNetwork(topology.PrometheusHost, topology.PrometheusWebPort),
			"basicAuth": true, "basicAuthUser": s.Username,
			"jsonData": options, "secureJsonData": secrets,
		}}}),
		path.Join(grafanaProviders, "warren.yaml"): render(object{"apiVersion": 1, "providers": []object{{
			"name": "warren", "folder": "Warren", "type": "file", "disableDeletion": true,
			"options": object{"path": grafanaDashboards},
		}}}),
	}
	for _, d := range Dashboards(s) {
		files[path.Join(grafanaDashboards, d.Name+".json")] = renderJSON(grafanaDashboard(d, sourceUID))
	}
	return files
}

// GrafanaEnvironment are the settings of the stack's own Grafana: names and values, one after the other.
func GrafanaEnvironment(c *topology.Cluster, s Stack) []string {
	env := []string{
		"GF_SERVER_ROOT_URL", c.MonitoringOutput().GrafanaURL,
		"GF_SECURITY_ADMIN_USER", s.Username,
		"GF_SECURITY_ADMIN_PASSWORD__FILE", PasswordPath,
		"GF_USERS_ALLOW_SIGN_UP", "false",
		"GF_ANALYTICS_REPORTING_ENABLED", "false",
		"GF_ANALYTICS_CHECK_FOR_UPDATES", "false",
		"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false",
		"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", path.Join(grafanaDashboards, "overview.json"),
	}
	if s.PagesTLS {
		env = append(env, "GF_SERVER_PROTOCOL", "https", "GF_SERVER_CERT_FILE", CertificatePath,
			"GF_SERVER_CERT_KEY", CertificatePath)
	}
	return env
}
