package render

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"warren/topology"
)

// metricsPath is where everything that has metrics has them.
const metricsPath = "/metrics"

// healthPath answers 200 on the load balancer's StatsPort as soon as HAProxy serves. It needs no password and
// reveals nothing else.
const healthPath = "/health"

// HAProxyConf renders haproxy.cfg of one of the load balancers. It holds the password of the statistics page
// and that of the health checks.
func HAProxyConf(b topology.Balancer, s topology.Secrets) string {
	return render("haproxy.cfg.tmpl", haproxyData{
		Cluster: b.Cluster, BalancerLimits: b.Cluster.BalancerLimits(), detection: detectionOf(b.Cluster),
		secrets: s, host: b.Host,
	})
}

// haproxyData is what the template of haproxy.cfg needs.
type haproxyData struct {
	*topology.Cluster
	topology.BalancerLimits
	containerPorts
	detection
	secrets topology.Secrets
	// host is the name of the load balancer's own host.
	host string
}

// Address is where the load balancer reaches a node: by its name, which Docker's name server on its own host
// knows, or at the address of another host.
func (d haproxyData) Address(n topology.Node) string {
	if n.Host == d.host {
		return n.Name
	}
	return d.Host(n.Host).Address
}

// StatsCredentials is the user and the password of the statistics page, as `stats auth` takes them.
func (d haproxyData) StatsCredentials() string {
	return haproxyQuote(d.Username + ":" + d.secrets.StatsPassword)
}

// BasicAuthorization is the value of an Authorization header with the credentials of the health checks.
func (d haproxyData) BasicAuthorization() string {
	credentials := topology.LoadBalancerUsername + ":" + d.secrets.LoadBalancerPassword()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// MinorityPattern matches the metrics of a node that has lost the majority: after the heading of its
// distribution links, too few links are up (3). Links to command-line tools don't count. Metrics without that
// heading don't match: a node leaves the whole section out while it looks up the address of a peer that is
// gone, and the loss of one node must not fail the others.
func (d haproxyData) MinorityPattern() string {
	const (
		heading = `# HELP erlang_vm_dist_node_state [^\n]*\n`
		up      = `erlang_vm_dist_node_state\{peer="rabbit@[^"]*"\} 3\n`
		other   = `erlang_vm_dist_node_state\{(peer="[^"]*"\} [^3]|peer="rabbitmqcli[^"]*"\} 3)\n`
	)
	return fmt.Sprintf(`%s(%s)*(%s(%s)*){0,%d}#`, heading, other, up, other, d.Quorum()-2)
}

// MinorityServer is the name of the server that stands for a node while no node has a majority.
func (haproxyData) MinorityServer(n topology.Node) string { return n.Name + topology.MinoritySuffix }

// BufferSize is how much of a node's metrics HAProxy must read, in bytes, to see the links. They are near the
// beginning and take about 1,300 bytes for each peer, so that HAProxy's default of 16 KiB is enough for most
// clusters. Series before 4.0 put 40 KB of other metrics in front.
func (d haproxyData) BufferSize() int {
	switch {
	case !d.Series.HasLinkMetricsFirst():
		return 96 << 10
	case len(d.Nodes) > 5:
		return 32 << 10
	default:
		return 16 << 10
	}
}

// StatsPath is where the statistics page is.
func (haproxyData) StatsPath() string { return topology.StatsPath }

// MetricsPath is where the metrics are.
func (haproxyData) MetricsPath() string { return metricsPath }

// HealthPath is where HAProxy says that it serves.
func (haproxyData) HealthPath() string { return healthPath }

// ManagementCheck is the path of the management API's check that a node is in service.
func (d haproxyData) ManagementCheck() string {
	if d.Series.HasInServiceCheck() {
		return "/api/health/checks/is-in-service"
	}
	return fmt.Sprintf("/api/health/checks/port-listener/%d", topology.AMQPPort)
}

// Milliseconds writes a duration as HAProxy takes it.
func (haproxyData) Milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// haproxyQuote quotes an argument for haproxy.cfg, where no character is special between single quotes.
func haproxyQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
