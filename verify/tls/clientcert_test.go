//go:build cluster

package tls

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/certificate"
)

// clientUser is the user as which a client with a certificate logs in.
const clientUser = "with-certificate"

// clientAuthority draws an authority of clients' certificates.
func clientAuthority(t *testing.T) certificate.Pair {
	t.Helper()
	pair, err := certificate.NewAuthority("clients", time.Now())
	require.NoError(t, err)
	return pair
}

// requireClientCertificates requires that a client logs in with a certificate of an authority and without a
// password, that one of another authority is refused, and that passwords go on.
func requireClientCertificates(
	t *testing.T, c *cluster.Cluster, out topology.Outputs, pair certificate.Pair,
) {
	t.Helper()
	require.NoError(t, livetest.Ask(t.Context(), c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.PutUserWithoutPassword(clientUser, rabbithole.UserSettings{})
	}))
	require.NoError(t, livetest.Ask(t.Context(), c, func(api *rabbithole.Client) (*http.Response, error) {
		nothing := rabbithole.Permissions{Configure: "^$", Write: "^$", Read: "^$"}
		return api.UpdatePermissionsIn("/", clientUser, nothing)
	}))
	external := func(shown *tls.Certificate) error {
		endpoint, err := url.Parse(out.AMQPURL)
		require.NoError(t, err)
		endpoint.User = nil
		config := tlsConfig(t, out)
		if shown != nil {
			config.Certificates = []tls.Certificate{*shown}
		}
		connection, err := amqp.DialConfig(endpoint.String(), amqp.Config{
			TLSClientConfig: config, SASL: []amqp.Authentication{&amqp.ExternalAuth{}}, Vhost: "/",
		})
		if err == nil {
			err = connection.Close()
		}
		return err
	}
	assert.NoError(t, external(issued(t, pair, clientUser)))
	assert.Error(t, external(issued(t, pair, "nobody")), "of no user")
	assert.Error(t, external(issued(t, clientAuthority(t), clientUser)), "of another authority")
	assert.Error(t, external(nil), "without a certificate")
	connection, err := amqp.DialTLS(out.AMQPURL, tlsConfig(t, out))
	if assert.NoError(t, err, "with a password") {
		assert.NoError(t, connection.Close())
	}
}

// issued is a certificate of a client.
func issued(t *testing.T, pair certificate.Pair, name string) *tls.Certificate {
	t.Helper()
	authority, err := certificate.ReadAuthority(pair)
	require.NoError(t, err)
	own, err := authority.Issue(certificate.Subject{Name: name, Peer: true}, "", time.Now())
	require.NoError(t, err)
	shown, err := tls.X509KeyPair([]byte(own.Chain), []byte(own.Key))
	require.NoError(t, err)
	return &shown
}

// requireNoAnonymous requires that nobody logs in without a name, or as guest.
func requireNoAnonymous(t *testing.T, out topology.Outputs) {
	t.Helper()
	for name, auth := range map[string]amqp.Authentication{
		"anonymous": anonymous{}, "guest": &amqp.PlainAuth{Username: "guest", Password: "guest"},
	} {
		endpoint, err := url.Parse(out.AMQPURL)
		require.NoError(t, err)
		endpoint.User = nil
		connection, err := amqp.DialConfig(endpoint.String(), amqp.Config{
			TLSClientConfig: tlsConfig(t, out), SASL: []amqp.Authentication{auth}, Vhost: "/",
		})
		if !assert.Error(t, err, name) {
			assert.NoError(t, connection.Close())
		}
	}
}

// anonymous is SASL's mechanism of that name.
type anonymous struct{}

func (anonymous) Mechanism() string { return "ANONYMOUS" }
func (anonymous) Response() string  { return "" }
