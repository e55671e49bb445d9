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

// ClientPort is the nodes' AMQP port for clients: the one with TLS if they must use it.
func (d haproxyData) ClientPort() int {
	if !d.HasPlainText() {
		return topology.AMQPTLSPort
	}
	return topology.AMQPPort
}

// TLSPort is the port at which the load balancer reaches AMQP over TLS of a node: on another host, it is the
// one that is published there.
func (d haproxyData) TLSPort(n topology.Node) int {
	if n.Host == d.host {
		return topology.AMQPTLSPort
	}
	return n.AMQPPort + d.TLSPortOffset
}

// CertificatePath is the load balancer's certificate with its key, for what is not passed through.
func (haproxyData) CertificatePath() string { return topology.LoadBalancerCertificatePath }

// SocketPath is the socket of HAProxy's runtime API.
func (haproxyData) SocketPath() string { return topology.LoadBalancerSocketPath }

// CipherSuites are those of TLS 1.3.
func (haproxyData) CipherSuites() string { return strings.Join(cipherSuites, ":") }

// Ciphers are those of TLS 1.2.
func (haproxyData) Ciphers() string { return strings.Join(ciphers, ":") }

// MinorityServer is the name of the server that stands for a node while no node has a majority.
func (haproxyData) MinorityServer(n topology.Node) string { return n.Name + topology.MinoritySuffix }

// AlivePath is where a node's agent answers.
func (haproxyData) AlivePath() string { return topology.AlivePath }

// TakesClientsPath is where keepalived asks.
func (haproxyData) TakesClientsPath() string { return topology.TakesClientsPath }

// VerdictRequest asks a node's agent for its verdict on the node.
func (haproxyData) VerdictRequest() string {
	return `"GET ` + topology.VerdictPath + ` HTTP/1.0\r\n\r\n"`
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
