package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"warren/operate/cluster"
	"warren/topology/certificate"
)

// CertificateStatus is the certificate that a node or a load balancer presents to clients.
type CertificateStatus struct {
	// Subject is the node, or the load balancer's container.
	Subject string `json:"subject"`
	// Ends is when it ends, or one between it and the authority's; zero if it could not be seen.
	Ends time.Time `json:"ends,omitzero"`
	// Refused says why clients refuse it.
	Refused string `json:"refused,omitempty"`
}

// observeCertificates looks at all certificates. Those that can't be seen are left out: what keeps them from
// being seen is a problem of its own.
func observeCertificates(ctx context.Context, c *cluster.Cluster) []CertificateStatus {
	if c.TLS() == nil {
		return nil
	}
	var all []CertificateStatus
	add := func(subject string, presented []*x509.Certificate, err error) {
		status := CertificateStatus{Subject: subject}
		var refused *tls.CertificateVerificationError
		switch {
		case errors.As(err, &refused):
			status.Refused = refused.Err.Error()
		case err != nil || len(presented) == 0:
			return
		}
		for _, p := range presented {
			if status.Ends.IsZero() || p.NotAfter.Before(status.Ends) {
				status.Ends = p.NotAfter
			}
		}
		all = append(all, status)
	}
	for _, node := range c.Nodes() {
		presented, err := c.CertificateOf(ctx, node)
		add(node.Name, presented, err)
	}
	for _, balancer := range c.LoadBalancers() {
		presented, err := c.CertificateOfBalancer(ctx, balancer)
		add(balancer.Container, presented, err)
	}
	return all
}

// checkCertificates finds certificates that clients refuse, or will soon.
func (s Status) checkCertificates(problems *problemList) {
	for _, c := range s.Certificates {
		if c.Refused != "" {
			problems.add(CertificateRefused, Failure, c.Subject, "clients refuse its certificate: %s", c.Refused)
			continue
		}
		if left := c.Ends.Sub(s.Time); left < certificate.ExpiresSoon {
			problems.add(CertificateEnds, Warning, c.Subject, "its certificate ends on %s, in %d days",
				c.Ends.UTC().Format(time.DateOnly), int(left.Hours()/24))
		}
	}
}
