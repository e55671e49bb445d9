//go:build cluster

package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/clients"
	"warren/internal/livestack"
	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/certificate"
	"warren/verify/traffic"
)

// TestNodesTalkOverTLS brings up a stack whose nodes talk to each other over TLS, and sees that they take
// nobody else, that their tools work, and that certificates are renewed, a leader dies and the nodes roll
// without a loss. Then it goes back to plain text, which can't roll.
func TestNodesTalkOverTLS(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:tls": "required", "warren:tlsInterNode": true})
	out := s.MustUp()
	c, err := cluster.Open(out)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	livetest.HealthyWithin(t, c, patience)

	t.Log("nodes take nobody who has no certificate of the stack's authority")
	for _, node := range c.Nodes() {
		requireOnlyPeers(t, out, node.Name, distributionOf(t, s, node.Container))
	}
	t.Log("rabbitmqctl works as it is, and only over TLS")
	first := c.Nodes()[0].Container
	said, err := c.Run(t.Context(), first, "rabbitmqctl", "cluster_status")
	assert.NoError(t, err)
	assert.Contains(t, said, c.Nodes()[2].NodeName)
	_, err = c.Run(t.Context(), first, "env", "-u", "RABBITMQ_CTL_ERL_ARGS", "rabbitmqctl", "-t", "10", "status")
	assert.Error(t, err)

	t.Log("renewed certificates are in place while messages flow")
	before, started := betweenNodes(t, s, c), startTimes(t, s)
	verdict := underTraffic(t, c, func() {
		s.Configure(map[string]any{"warren:tlsRenew": "a second time"})
		s.MustUp()
	})
	assert.Zero(t, verdict.Lost.Count)
	assert.Equal(t, started, startTimes(t, s), "no node and no HAProxy was restarted")
	for name, after := range betweenNodes(t, s, c) {
		assert.NotEqual(t, before[name], after, "%s has the new certificate", name)
	}

	t.Log("a leader dies and comes back while messages flow, and all nodes roll")
	verdict = underTraffic(t, c, func() {
		q, err := c.Queue(t.Context(), traffic.VHost, queue)
		require.NoError(t, err)
		leader, err := c.Node(q.Leader)
		require.NoError(t, err)
		require.NoError(t, c.Kill(t.Context(), leader.Container))
		require.NoError(t, c.Start(t.Context(), leader.Container))
		livetest.HealthyWithin(t, c, patience)
		s.Configure(map[string]any{"warren:heartbeatSeconds": 30})
		s.MustUp()
	})
	assert.Zero(t, verdict.Lost.Count)
	livetest.HealthyWithin(t, c, patience)

	t.Log("another way to talk can't roll, and takes effect when all nodes are stopped")
	started = startTimes(t, s)
	s.Configure(map[string]any{"warren:tlsInterNode": false})
	_, err = s.Up(t.Context())
	require.ErrorContains(t, err, "can't talk to one that does not")
	assert.Equal(t, started, startTimes(t, s), "nothing was touched")
	publish(t, out)
	requireMessages(t, c)
	var all sync.WaitGroup
	for _, node := range c.Nodes() {
		all.Go(func() { assert.NoError(t, c.Stop(t.Context(), node.Container, patience)) })
	}
	all.Wait()
	s.MustUp()
	livetest.HealthyWithin(t, c, patience)
	requireMessages(t, c)
	assert.Error(t, handshake(t, distributionOf(t, s, first), &tls.Config{InsecureSkipVerify: true}))
	_, err = c.Run(t.Context(), first, "rabbitmqctl", "cluster_status")
	assert.NoError(t, err)
	s.Destroy()
	s.NothingLeft()
}

// kept is how many messages are left in the queue.
const kept = 10

// requireMessages requires that the queue has the messages that were left in it, as soon as the statistics,
// which are seconds old, say so.
func requireMessages(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	there := func(ctx context.Context) error {
		q, err := c.Queue(ctx, traffic.VHost, queue)
		if err == nil && q.Messages != kept {
			err = fmt.Errorf("%d are in the queue", q.Messages)
		}
		return err
	}
	require.NoError(t, wait.Within(t.Context(), patience, time.Second, "the messages", there))
}

// publish leaves some messages in the queue.
func publish(t *testing.T, out topology.Outputs) {
	t.Helper()
	producer, err := clients.NewProducer(out.AMQPURLs, clients.WithTLSConfig(tlsConfig(t, out)))
	require.NoError(t, err)
	for range kept {
		require.NoError(t, producer.Publish(t.Context(), clients.Message{RoutingKey: queue, Body: []byte("kept")}))
	}
	require.NoError(t, producer.Close(t.Context()))
}

// distributionOf is where a node's container listens for other nodes, as this machine reaches it.
func distributionOf(t *testing.T, s *livestack.Stack, container string) string {
	t.Helper()
	details, err := s.Docker.ContainerInspect(t.Context(), container)
	require.NoError(t, err)
	for _, network := range details.NetworkSettings.Networks {
		return net.JoinHostPort(network.IPAddress, strconv.Itoa(topology.DistributionPort))
	}
	require.Fail(t, "no network", container)
	return ""
}

// requireOnlyPeers requires that the port for other nodes answers those only who show a certificate of the
// stack's authority.
func requireOnlyPeers(t *testing.T, out topology.Outputs, name, address string) {
	t.Helper()
	// What a node says first to another one, in plain text: its name.
	const flags = "\x00\x00\x00\x0d\x07\xdf\x7f\xbd\x00\x00\x00\x01\x00\x01"
	greeting := fmt.Sprintf("\x00%cN%s%s", len("N")+len(flags)+len(name), flags, name)
	if answer := plainAnswer(t, address, greeting); len(answer) > 0 && answer[0] != 21 {
		assert.Failf(t, "it answers in plain text", "%s: %q", name, answer)
	}
	config := tlsConfig(t, out)
	config.ServerName, config.MaxVersion = name, tls.VersionTLS12
	assert.Error(t, handshake(t, address, config), "without a certificate")
	stranger, err := certificate.NewAuthority("another", time.Now())
	require.NoError(t, err)
	authority, err := certificate.ReadAuthority(stranger)
	require.NoError(t, err)
	subject := certificate.Subject{Name: name, Names: []string{name}, Peer: true}
	pair, err := authority.Issue(subject, "", time.Now())
	require.NoError(t, err)
	shown, err := tls.X509KeyPair([]byte(pair.Chain), []byte(pair.Key))
	require.NoError(t, err)
	config.Certificates = []tls.Certificate{shown}
	assert.Error(t, handshake(t, address, config), "with one of another authority")
}

// betweenNodes are the serial numbers of the certificates that nodes present to each other.
func betweenNodes(t *testing.T, s *livestack.Stack, c *cluster.Cluster) map[string]string {
	t.Helper()
	serials := map[string]string{}
	for _, node := range c.Nodes() {
		config := tlsConfig(t, c.Outputs())
		config.ServerName = node.Name
		config.VerifyConnection = func(state tls.ConnectionState) error {
			serials[node.Name] = state.PeerCertificates[0].SerialNumber.String()
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: config.RootCAs, DNSName: node.Name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			assert.NoError(t, err, node.Name)
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
		conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", distributionOf(t, s, node.Container))
		cancel()
		if err == nil {
			_ = conn.Close()
		}
		require.Contains(t, serials, node.Name, "%v", err)
	}
	return serials
}
