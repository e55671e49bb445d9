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

// MajorityPattern matches the metrics of a node that reaches so many peers that, with itself, they are a majority. The state of
// its links, 3 for one that is up, comes early in the metrics, where a match spares the node the work of producing the rest;
// links to command line tools, whose names begin otherwise, don't count. Now and then a scrape comes without them, when a
// link changes during it: then the number of peers out of reach decides, in series that tell it.
func (d haproxyData) MajorityPattern() string {
	needed := d.Quorum() - 1
	links := fmt.Sprintf(`(erlang_vm_dist_node_state\{peer="rabbit@[^"]*"\} 3[^#]*){%d}`, needed)
	if !d.Series.HasUnreachablePeersMetric() {
		return links
	}
	return fmt.Sprintf(`%s|rabbitmq_unreachable_cluster_peers_count [0-%d]\s`, links, len(d.Nodes)-1-needed)
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
