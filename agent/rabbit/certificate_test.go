package rabbit_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/rabbit"
	"warren/topology"
	"warren/topology/certificate"
)

func TestTheCertificateThatANodePresents(t *testing.T) {
	own, other := drawn(t), drawn(t)
	pair, err := tls.X509KeyPair([]byte(own.Chain), []byte(own.Key))
	require.NoError(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	c := rabbit.New(cookie, nil, func(ctx context.Context, network, address string) (net.Conn, error) {
		assert.Equal(t, "rabbit1:5671", address)
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	})
	presents := func(text string) (bool, error) {
		file := filepath.Join(t.TempDir(), "certificate.pem")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return c.Presents(t.Context(), node, topology.AMQPTLSPort, file)
	}
	shown, err := presents(own.PEM())
	require.NoError(t, err)
	assert.True(t, shown)
	shown, err = presents(other.PEM())
	require.NoError(t, err)
	assert.False(t, shown, "it still presents another one")
	_, err = presents("none")
	require.Error(t, err)
	_, err = c.Presents(t.Context(), node, topology.AMQPTLSPort, filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, fs.ErrNotExist, "the stack has no TLS")
}

// A node that talks to others over TLS takes nobody who does not show a certificate of the same authority.
func TestTheCertificateForOtherNodes(t *testing.T) {
	pair := drawn(t)
	authority, err := certificate.ReadAuthority(pair)
	require.NoError(t, err)
	own, err := authority.Issue(certificate.Subject{Name: "rabbit1", Peer: true}, "", time.Now())
	require.NoError(t, err)
	shown, err := tls.X509KeyPair([]byte(own.Chain), []byte(own.Key))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(pair.Chain)))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{shown}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		MaxVersion: tls.VersionTLS12,
	})
	require.NoError(t, err)
	defer l.Close()
	refused := make(chan error, 2)
	go func() {
		for range 2 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			refused <- conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	c := rabbit.New(cookie, nil, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	})
	presents := func(text string) (bool, error) {
		file := filepath.Join(t.TempDir(), "inter-node.pem")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return c.Presents(t.Context(), node, topology.DistributionPort, file)
	}
	presented, err := presents(own.PEM())
	require.NoError(t, err)
	assert.True(t, presented)
	require.NoError(t, <-refused)
	_, err = presents(drawn(t).PEM())
	require.Error(t, err)
	assert.Error(t, <-refused, "of another authority")
}

func drawn(t *testing.T) certificate.Pair {
	t.Helper()
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	return pair
}

// A node that asks clients for a certificate is not shown its own, which is of another authority.
func TestNoCertificateOfAnotherAuthorityIsShown(t *testing.T) {
	own := drawn(t)
	clients, err := certificate.NewAuthority("clients", time.Now())
	require.NoError(t, err)
	pair, err := tls.X509KeyPair([]byte(own.Chain), []byte(own.Key))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(clients.Chain)))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: roots,
	})
	require.NoError(t, err)
	defer l.Close()
	shaken := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
		shaken <- err
	}()
	c := rabbit.New(cookie, nil, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	})
	file := filepath.Join(t.TempDir(), "certificate.pem")
	require.NoError(t, os.WriteFile(file, []byte(own.PEM()), 0o600))
	presented, err := c.Presents(t.Context(), node, topology.AMQPTLSPort, file)
	require.NoError(t, err)
	assert.True(t, presented)
	assert.NoError(t, <-shaken)
}
