package stackconfig

import (
	"net/netip"
	"regexp"

	"warren/topology"
)

var (
	tlsModes = []topology.TLS{topology.TLSOff, topology.TLSOptional, topology.TLSRequired}
	// hostNamePattern is that of a host name in DNS; its first label may be any.
	hostNamePattern = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?` +
		`(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
)

// validateTLS checks what the configuration says about TLS; the operator's own certificate is checked where
// the secrets are.
func validateTLS(problems *problemList, c *topology.Cluster) {
	validateChoice(problems, "tls", c.TLS, tlsModes)
	for _, name := range c.TLSNames {
		if _, err := netip.ParseAddr(name); err != nil && (len(name) > 253 || !hostNamePattern.MatchString(name)) {
			problems.add("tlsNames", "has "+quoted(name),
				"write host names and IP addresses, such as rabbit.example.com")
		}
	}
	if !printable(c.TLSRenew) {
		problems.add("tlsRenew", "contains a control character", "write any text, such as a date")
	}
	if c.TLSPortOffset < 1 {
		problems.add("ports.tlsOffset", "is negative",
			"write how much higher ports with TLS are than those without")
	}
	if c.TLS == topology.TLSRequired && c.HasHosts() {
		problems.add("tls", "is required, and nodes on different hosts still talk to each other in plain text",
			"use optional with warren:hosts, and keep the hosts' network to yourself")
	}
}
