package topology

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// statsPath is where the load balancer shows its statistics.
const statsPath = "/stats"

// LoadBalancerHealthPath answers 200 on the load balancer's StatsPort as soon as HAProxy serves. It needs no password and
// tells nothing else.
const LoadBalancerHealthPath = "/health"

// HAProxyConf renders haproxy.cfg. It holds the statistics page's password and the administrator's, for health checks.
func (c *Cluster) HAProxyConf(s Secrets) string {
	return render("haproxy.cfg.tmpl", haproxyData{Cluster: c, detection: c.detection(), secrets: s})
}

// haproxyData is what the template of haproxy.cfg needs.
type haproxyData struct {
	*Cluster
	detection
	secrets Secrets
}

// StatsCredentials is the user and the password of the statistics page, as `stats auth` takes them.
func (d haproxyData) StatsCredentials() string {
	return haproxyQuote(d.Username + ":" + d.secrets.StatsPassword)
}

// BasicAuthorization is the value of an Authorization header with the administrator's credentials.
func (d haproxyData) BasicAuthorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(d.Username+":"+d.secrets.AdminPassword))
}

// MajorityPattern matches the metrics of a node that is connected to so many peers that, with itself, they are a majority. Links
// to command line tools, whose names begin otherwise, don't count.
func (d haproxyData) MajorityPattern() string {
	return fmt.Sprintf(`(erlang_vm_dist_node_state\{peer="rabbit@[^"]*"\} 3[^#]*){%d}`, d.Quorum()-1)
}

// AMQPPort and the like are the ports inside the containers.
func (haproxyData) AMQPPort() int { return AMQPPort }

// ManagementPort is the port of the management interface.
func (haproxyData) ManagementPort() int { return ManagementPort }

// PrometheusPort is the port of a node's metrics.
func (haproxyData) PrometheusPort() int { return PrometheusPort }

// StatsPort is the port of the statistics page.
func (haproxyData) StatsPort() int { return StatsPort }

// StatsPath is where the statistics page is.
func (haproxyData) StatsPath() string { return statsPath }

// HealthPath is where the load balancer tells that it serves.
func (haproxyData) HealthPath() string { return LoadBalancerHealthPath }

// ManagementCheck is the path of the management API's check that a node is in service.
func (d haproxyData) ManagementCheck() string {
	if d.Series.HasInServiceCheck() {
		return "/api/health/checks/is-in-service"
	}
	return fmt.Sprintf("/api/health/checks/port-listener/%d", AMQPPort)
}

// Milliseconds writes a duration as HAProxy takes it.
func (haproxyData) Milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// haproxyQuote quotes an argument for haproxy.cfg, where nothing has a meaning between single quotes.
func haproxyQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
