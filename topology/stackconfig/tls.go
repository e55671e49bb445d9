package stackconfig

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"warren/topology"
	"warren/topology/certificate"
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
	if c.TLSInterNode && !c.HasTLS() {
		problems.add("tlsInterNode", "is true, and warren:tls is "+string(c.TLS),
			"set warren:tls to optional or required, or leave it out")
	}
	validateClientAuthority(problems, c)
	if c.TLSPortOffset < 1 {
		problems.add("ports.tlsOffset", "is negative",
			"write how much higher ports with TLS are than those without")
	}
	if c.TLS == topology.TLSRequired && c.HasHosts() {
		problems.add("tls", "is required, and nodes on different hosts still talk to each other in plain text",
			"use optional with warren:hosts, and keep the hosts' network to yourself")
	}
}

// validateClientAuthority checks the authority of clients' certificates.
func validateClientAuthority(problems *problemList, c *topology.Cluster) {
	const key = "tlsClientCaCertificate"
	if c.TLSClientAuthority == "" {
		return
	}
	if !c.HasTLS() {
		problems.add(key, "is set, and warren:tls is "+string(c.TLS),
			"set warren:tls to optional or required, or remove it")
	}
	authorities, err := certificate.Parse(c.TLSClientAuthority)
	switch {
	case err != nil:
		problems.add(key, fmt.Sprintf("has a certificate that can't be read (%v)", err), "give it in PEM")
	case len(authorities) == 0:
		problems.add(key, "has no certificate", "give it in PEM, with its line -----BEGIN CERTIFICATE-----")
	}
	for _, a := range authorities {
		if !a.IsCA {
			problems.add(key, fmt.Sprintf("has the certificate of %q, which is no authority", a.Subject.CommonName),
				"give the certificate of the authority that signs those of clients")
		}
	}
	if strings.Contains(c.TLSClientAuthority, "PRIVATE KEY") {
		problems.add(key, "has a private key", "give the certificate only, and have another key drawn")
	}
}
