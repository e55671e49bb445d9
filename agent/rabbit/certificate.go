package rabbit

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"

	"warren/topology/certificate"
)

// Presents tells whether a node presents the certificate in a file to those who connect to a port. The error
// is fs.ErrNotExist if there is no such file.
func (c *Client) Presents(ctx context.Context, node string, port int, file string) (bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	wanted, err := certificate.Parse(string(text))
	if err != nil || len(wanted) == 0 {
		return false, fmt.Errorf("%s has no certificate that can be read", file)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", address(node, port))
	if err != nil {
		return false, err
	}
	defer conn.Close()
	// It is compared with the very certificate that is expected, whatever names that has.
	session := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := session.HandshakeContext(ctx); err != nil {
		return false, fmt.Errorf("a TLS handshake with %s: %w", node, err)
	}
	shown := session.ConnectionState().PeerCertificates
	return len(shown) > 0 && bytes.Equal(shown[0].Raw, wanted[0].Raw), nil
}

// ForgetCertificates makes a node forget the certificates that it has read, so that it reads them again for
// the next connection. By itself it does so within minutes. Connections that are open don't notice.
func (c *Client) ForgetCertificates(ctx context.Context, node string) error {
	_, err := c.eval(ctx, node, `ssl:clear_pem_cache().`)
	return err
}
