package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	"warren/topology"
)

// CertificateOf returns the certificates that a node presents to AMQP clients, its own first. The error says
// why clients would refuse them, or why none could be seen. Without TLS there are none.
func (c *Cluster) CertificateOf(ctx context.Context, node topology.NodeOutput) ([]*x509.Certificate, error) {
	return c.certificates(ctx, c.amqpAddress(node))
}

// CertificateOfBalancer returns those that a load balancer presents itself. For AMQP it presents the nodes'.
func (c *Cluster) CertificateOfBalancer(
	ctx context.Context, balancer topology.LoadBalancerOutput,
) ([]*x509.Certificate, error) {
	return c.certificates(ctx, c.address(balancer.Host, balancer.StatsPort))
}

func (c *Cluster) certificates(ctx context.Context, address string) ([]*x509.Certificate, error) {
	if c.tls == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: c.TLS()}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}
