package topology

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
)

// HasTLS tells whether clients can connect over TLS.
func (c *Cluster) HasTLS() bool { return c.TLS == TLSOptional || c.TLS == TLSRequired }

// HasPlainText tells whether clients can connect without.
func (c *Cluster) HasPlainText() bool { return c.TLS != TLSRequired }

// Distribution is how nodes talk to each other: DistributionTLS or DistributionPlain.
func (c *Cluster) Distribution() string {
	if c.TLSInterNode {
		return DistributionTLS
	}
	return DistributionPlain
}

// PublishedPort is a port of a container that is published on its host.
type PublishedPort struct {
	// Use says what it is for: "AMQP", "management over TLS".
	Use string
	// Inside is the port in the container, Outside that on the host.
	Inside, Outside int
}

// ClientPorts are the ports of a node that are published for clients.
func (c *Cluster) ClientPorts(n Node) []PublishedPort {
	return c.published([]endpoint{
		{"AMQP", AMQPPort, AMQPTLSPort, n.AMQPPort},
		{"management", ManagementPort, ManagementTLSPort, n.ManagementPort},
	})
}

// LoadBalancerPorts are the ports of a load balancer that are published.
func (c *Cluster) LoadBalancerPorts() []PublishedPort {
	return c.published([]endpoint{
		{"AMQP", AMQPPort, AMQPTLSPort, c.LoadBalancer.AMQPPort},
		{"management", ManagementPort, ManagementTLSPort, c.LoadBalancer.ManagementPort},
		{"statistics", StatsPort, StatsTLSPort, c.LoadBalancer.StatsPort},
	})
}

// endpoint is what clients connect to: a port in a container in plain text, one over TLS, and the one on the
// host in plain text.
type endpoint struct {
	use                 string
	plain, tls, outside int
}

func (c *Cluster) published(endpoints []endpoint) []PublishedPort {
	var ports []PublishedPort
	for _, e := range endpoints {
		if c.HasPlainText() {
			ports = append(ports, PublishedPort{e.use, e.plain, e.outside})
		}
		if c.HasTLS() {
			ports = append(ports, PublishedPort{e.use + " over TLS", e.tls, e.outside + c.TLSPortOffset})
		}
	}
	return ports
}

// clientPort is the port on the host that the outputs name, for one that takes plain text unless that is off:
// the one with TLS, if there is one.
func (c *Cluster) clientPort(plain int) int {
	if c.HasTLS() {
		return plain + c.TLSPortOffset
	}
	return plain
}

// scheme returns a URI scheme, the one with TLS if clients can connect over it.
func (c *Cluster) scheme(plain string) string {
	if c.HasTLS() {
		return plain + "s"
	}
	return plain
}

// ServerNames are the names and addresses by which clients reach the stack from outside, without those that
// its certificates have anyway: what warren:tlsNames names, or the addresses at which ports are published.
func (c *Cluster) ServerNames() []string {
	if len(c.TLSNames) > 0 {
		return slices.Clone(c.TLSNames)
	}
	var names []string
	for _, host := range c.HostNames() {
		names = append(names, c.connectAddress(host))
	}
	if c.VirtualAddress != "" {
		names = append(names, c.VirtualAddress)
	}
	return names
}

// CertificateNames are the names and addresses that the certificate of a node or a load balancer with that
// host name has: its own and the load balancers', because they pass TLS through, those of the machine itself,
// and those by which clients reach it from outside.
func (c *Cluster) CertificateNames(host string) []string {
	names := []string{host, LoadBalancerHost, "localhost", "127.0.0.1", "::1"}
	for _, h := range c.HostNames() {
		names = append(names, c.connectAddress(h))
	}
	if c.VirtualAddress != "" {
		names = append(names, c.VirtualAddress)
	}
	var unique []string
	for _, name := range append(names, c.TLSNames...) {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}

// connectAddress is the address at which the ports of a host are reached: the loopback address when they are
// published on all of them.
func (c *Cluster) connectAddress(host string) string {
	published := c.PublishAddress(host)
	addr, err := netip.ParseAddr(published)
	switch {
	case err != nil: // New admits addresses only
		return published
	case addr.IsUnspecified() && addr.Is4():
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case addr.IsUnspecified():
		addr = netip.IPv6Loopback()
	}
	return addr.String()
}

// TLSConfig is how clients recognise the stack; nil if it has no TLS.
func (o Outputs) TLSConfig() (*tls.Config, error) {
	if o.CACertificate == "" {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(o.CACertificate)) {
		return nil, errors.New("stack output caCertificate has no certificate")
	}
	return &tls.Config{RootCAs: roots, ServerName: o.TLSServerName, MinVersion: tls.VersionTLS12}, nil
}
