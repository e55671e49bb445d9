package rabbit_test

import (
	"context"
	"crypto/tls"
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

func drawn(t *testing.T) certificate.Pair {
	t.Helper()
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	return pair
}
