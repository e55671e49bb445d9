package rabbit

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"

	"warren/topology/certificate"
)

// Presents tells whether a node presents the certificate in a file to those who connect to a port. The error
// is fs.ErrNotExist if there is no such file.
//
// To nodes that recognise each other by certificates, it shows the same one.
func (c *Client) Presents(ctx context.Context, node string, port int, file string) (bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	wanted, err := certificate.Parse(string(text))
	if err != nil || len(wanted) == 0 {
		return false, fmt.Errorf("%s has no certificate that can be read", file)
	}
	presented, err := c.present(ctx, Host(node), port, text)
	return len(presented) > 0 && bytes.Equal(presented[0].Raw, wanted[0].Raw), err
}

// Certificates are those that a host of the stack presents to those who connect to a port, its own first,
// whatever names they have and whoever signed them.
func (c *Client) Certificates(ctx context.Context, host string, port int) ([]*x509.Certificate, error) {
	return c.present(ctx, host, port, nil)
}

// present is Certificates to somebody who shows a certificate, with its key, if its authority is asked for.
func (c *Client) present(
	ctx context.Context, host string, port int, shown []byte,
) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	session := tls.Client(conn, &tls.Config{
		InsecureSkipVerify: true, // they are looked at, and not trusted
		GetClientCertificate: func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if pair, err := tls.X509KeyPair(shown, shown); err == nil && asked.SupportsCertificate(&pair) == nil {
				return &pair, nil
			}
			return &tls.Certificate{}, nil // none: a node that asks clients for one goes on without
		},
	})
	if err := session.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("a TLS handshake with %s: %w", host, err)
	}
	return session.ConnectionState().PeerCertificates, nil
}

// ForgetCertificates makes a node forget the certificates that it has read, so that it reads them again for
// the next connection. By itself it does so within minutes. Connections that are open don't notice.
//
// Erlang forgets those for clients only. What it has read for the distribution has a process of its own,
// which would look for changes every two minutes; it is told the same.
func (c *Client) ForgetCertificates(ctx context.Context, node string) error {
	_, err := c.eval(ctx, node, `ssl:clear_pem_cache(), P = whereis(ssl_pem_cache_dist), `+
		`P =/= undefined andalso gen_server:call(P, {unconditionally_clear_pem_cache, self()}).`)
	return err
}
