//go:build cluster

package clients

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	"github.com/stretchr/testify/require"
)

// authority signs certificates.
type authority struct {
	t           *testing.T
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, key.Public(), key)
	require.NoError(t, err)
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// issue returns a certificate for a name and its key, both as PEM.
func (a *authority) issue(name string) (certificate, key []byte) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, private.Public(), a.key)
	require.NoError(a.t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// startTLSBroker starts a node that speaks TLS only, and returns its address.
func startTLSBroker(t *testing.T, e *engine, a *authority) (name, address string) {
	t.Helper()
	const configuration = `
listeners.tcp = none
listeners.ssl.1 = 5671
ssl_options.cacertfile = /etc/rabbitmq/ca.pem
ssl_options.certfile = /etc/rabbitmq/server.pem
ssl_options.keyfile = /etc/rabbitmq/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
ssl_cert_login_from = common_name
loopback_users = none
`
	certificate, key := a.issue("server")
	ctx := testContext(t, patience)
	created, err := e.client.ContainerCreate(ctx,
		&container.Config{
			Image: "warren/rabbitmq:4.3", Hostname: "tls",
			ExposedPorts: nat.PortSet{"5671/tcp": struct{}{}},
		},
		&container.HostConfig{PortBindings: nat.PortMap{"5671/tcp": {{HostIP: "127.0.0.1"}}}},
		nil, nil, fmt.Sprintf("warren-test-tls-%d", time.Now().UnixNano()))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, e.client.ContainerRemove(context.Background(), created.ID,
			container.RemoveOptions{Force: true, RemoveVolumes: true}))
	})
	files := archive(t, map[string][]byte{
		"rabbitmq.conf": []byte(configuration), "enabled_plugins": []byte("[rabbitmq_auth_mechanism_ssl]."),
		"ca.pem": a.pem(), "server.pem": certificate, "server.key": key,
	})
	require.NoError(t, e.client.CopyToContainer(ctx, created.ID, "/etc/rabbitmq", files,
		container.CopyToContainerOptions{}))
	require.NoError(t, e.client.ContainerStart(ctx, created.ID, container.StartOptions{}))
	inspected, err := e.client.ContainerInspect(ctx, created.ID)
	require.NoError(t, err)
	bindings := inspected.NetworkSettings.Ports["5671/tcp"]
	require.NotEmpty(t, bindings)
	return created.ID, net.JoinHostPort("127.0.0.1", bindings[0].HostPort)
}

func archive(t *testing.T, files map[string][]byte) *bytes.Buffer {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for name, data := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &archive
}

// A client with the authority's certificate gets in with a password, one with a certificate of its own
// without, and one that does not know the authority not at all.
func TestTLSAndExternalAuthentication(t *testing.T) {
	e, a := newEngine(t), newAuthority(t)
	broker, address := startTLSBroker(t, e, a)
	trusting := &tls.Config{RootCAs: a.pool(), MinVersion: tls.VersionTLS12}

	c, err := NewClient([]string{"amqps://guest:guest@" + address + "/"}, WithTLSConfig(trusting))
	require.NoError(t, err)
	defer c.Close(context.Background())
	_, err = c.DeclareQueue(testContext(t, patience), Queue{Name: "q"}) // waits until the node has booted
	require.NoError(t, err)
	p, err := c.NewProducer()
	require.NoError(t, err)
	require.NoError(t, p.Publish(testContext(t, patience), Message{RoutingKey: "q", Body: make([]byte, 1<<20)}))
	require.NoError(t, p.Close(testContext(t, patience)))

	eventually(t, func() bool {
		created, err := e.client.ContainerExecCreate(t.Context(), broker, container.ExecOptions{
			Cmd: []string{"sh", "-c", "rabbitmqctl await_startup && rabbitmqctl add_user shop unused && " +
				"rabbitmqctl set_permissions shop '.*' '.*' '.*'"},
		})
		if err != nil || e.client.ContainerExecStart(t.Context(), created.ID, container.ExecStartOptions{}) != nil {
			return false
		}
		eventually(t, func() bool {
			state, err := e.client.ContainerExecInspect(t.Context(), created.ID)
			return err == nil && !state.Running
		}, "the user was not made")
		return true
	}, "a user")
	certificate, key := a.issue("shop")
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	external := "amqps://" + address + "/?auth_mechanism=external"
	own := trusting.Clone()
	own.Certificates = []tls.Certificate{pair}
	shop := newTestProducer(t, []string{external}, WithTLSConfig(own))
	require.NoError(t, shop.Publish(testContext(t, patience), Message{RoutingKey: "q", UserID: "shop"}),
		"the broker knows the user by the certificate")
	require.ErrorIs(t, shop.Publish(testContext(t, patience), Message{RoutingKey: "q", UserID: "guest"}),
		ErrChannelException)

	nobody := newTestProducer(t, []string{external}, WithTLSConfig(trusting))
	require.ErrorIs(t, nobody.Publish(testContext(t, patience), Message{RoutingKey: "q"}), ErrAuthentication)

	stranger := newTestProducer(t, []string{"amqps://guest:guest@" + address + "/"},
		WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	err = stranger.Publish(testContext(t, 2*time.Second), Message{RoutingKey: "q"})
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
}
