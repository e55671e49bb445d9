//go:build cluster

package tls

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/clients"
	"warren/internal/livestack"
	"warren/internal/livetest"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/topology/certificate"
	"warren/verify/checker"
	"warren/verify/traffic"
)

const (
	// patience is how long a cluster may take to be healthy, and messages to arrive, on a busy machine.
	patience = 2 * time.Minute
	// answerTimeout is how long a port may take to answer.
	answerTimeout = 5 * time.Second
	// queue is what messages go to.
	queue = "tls"
	// rate is that of each producer; there is one for every path.
	rate = 20
	// maxGap is how long no message may be confirmed while certificates are renewed: three times the longest gap
	// that was seen, on a machine with a load of 12 for each core. That no connection is closed proves more.
	maxGap = 3 * time.Second
)

// TestOnlyTLS brings up a stack whose clients must use TLS, looks at it as clients do, and renews its
// certificates.
func TestOnlyTLS(t *testing.T) {
	ofClients := clientAuthority(t)
	s := livestack.New(t, map[string]any{
		"warren:tls": "required", "warren:tlsClientCaCertificate": ofClients.Chain,
	})
	out := s.MustUp()
	c, err := cluster.Open(out)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	livetest.HealthyWithin(t, c, patience)

	t.Log("nothing that is published answers in plain text, and everything over TLS")
	ports := published(t, s)
	assert.Len(t, ports, 2*len(out.Nodes)+3)
	for name, port := range ports {
		requireOnlyTLS(t, out, name, port)
	}

	t.Log("clients refuse what they should, and say why")
	requireRefusals(t, out)
	t.Log("clients log in with certificates, and nobody without a name")
	requireClientCertificates(t, c, out, ofClients)
	requireNoAnonymous(t, out)
	t.Log("openssl and pika connect")
	requireOpenSSL(t, out)
	requirePika(t, out)
	t.Log("the management interface, the statistics and the spread of connections are seen over TLS")
	spread, err := health.MeasureSpread(t.Context(), c)
	require.NoError(t, err)
	assert.Len(t, spread.Nodes, len(out.Nodes))

	t.Log("renewed certificates are in place while messages flow, and nobody notices")
	started := startTimes(t, s)
	before := presented(t, c)
	connection, lost := holdConnection(t, out)
	verdict := underTraffic(t, c, func() {
		s.Configure(map[string]any{"warren:tlsRenew": "a second time"})
		s.MustUp()
	})
	assert.Zero(t, lost.Load(), "connections that were closed")
	_, err = connection.Channel()
	assert.NoError(t, err, "a connection from before")
	assert.Equal(t, started, startTimes(t, s), "no node and no HAProxy was restarted")
	for name, after := range presented(t, c) {
		assert.NotEqual(t, before[name], after, "%s has the new certificate", name)
	}
	assert.Zero(t, verdict.Lost.Count, "messages that were confirmed and did not arrive")
	assert.Less(t, verdict.Overall.Confirms.Longest.Length(), maxGap, "without a confirm")
	for name, port := range published(t, s) {
		requireOnlyTLS(t, out, name, port)
	}
	s.Destroy()
	s.NothingLeft()
}

// published are the ports on the host that the stack's containers publish, with what they are.
func published(t *testing.T, s *livestack.Stack) map[string]string {
	t.Helper()
	containers, err := s.Docker.ContainerList(t.Context(), container.ListOptions{
		Filters: filters.NewArgs(filters.Arg("label", topology.StackLabel(s.Cluster))),
	})
	require.NoError(t, err)
	ports := map[string]string{}
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.PublicPort != 0 {
				address := net.JoinHostPort(p.IP, strconv.Itoa(int(p.PublicPort)))
				ports[fmt.Sprintf("%s:%d", strings.TrimPrefix(c.Names[0], "/"), p.PrivatePort)] = address
			}
		}
	}
	return ports
}

// requireOnlyTLS requires that a port answers in TLS and neither in HTTP nor in AMQP.
func requireOnlyTLS(t *testing.T, out topology.Outputs, name, address string) {
	t.Helper()
	for _, greeting := range []string{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "AMQP\x00\x00\x09\x01"} {
		answer := plainAnswer(t, address, greeting)
		// A TLS alert begins with 21. Nothing at all is as good.
		if len(answer) > 0 && answer[0] != 21 {
			assert.Failf(t, "it answers in plain text", "%s answers %q with %q", name, greeting, answer)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := tlsConfig(t, out)
		config.MinVersion, config.MaxVersion = version, version
		assert.NoErrorf(t, handshake(t, address, config), "%s, %s", name, tls.VersionName(version))
	}
	config := tlsConfig(t, out)
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	assert.Errorf(t, handshake(t, address, config), "%s takes an old version", name)
}

// plainAnswer is what a port says to a client that does not use TLS.
func plainAnswer(t *testing.T, address, greeting string) []byte {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, answerTimeout)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(answerTimeout)))
	if _, err := conn.Write([]byte(greeting)); err != nil {
		return nil
	}
	answer := make([]byte, 64)
	n, _ := conn.Read(answer) // it may be closed at once
	return answer[:n]
}

func tlsConfig(t *testing.T, out topology.Outputs) *tls.Config {
	t.Helper()
	config, err := out.TLSConfig()
	require.NoError(t, err)
	require.NotNil(t, config)
	return config
}

func handshake(t *testing.T, address string, config *tls.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err == nil {
		err = conn.Close()
	}
	return err
}

// requireRefusals requires that clients who expect another authority, another name, or another time, refuse
// every endpoint, and say so.
func requireRefusals(t *testing.T, out topology.Outputs) {
	t.Helper()
	stranger, err := certificate.NewAuthority("another", time.Now())
	require.NoError(t, err)
	others := x509.NewCertPool()
	require.True(t, others.AppendCertsFromPEM([]byte(stranger.Chain)))
	for name, test := range map[string]struct {
		change func(*tls.Config)
		says   string
	}{
		"wrong authority": {func(c *tls.Config) { c.RootCAs = others }, "unknown authority"},
		"wrong name": {func(c *tls.Config) {
			c.ServerName = "elsewhere.example.com"
		}, "not elsewhere.example.com"},
		"expired": {func(c *tls.Config) {
			c.Time = func() time.Time {
				return time.Now().Add(2 * certificate.Lifetime)
			}
		}, "expired"},
	} {
		config := tlsConfig(t, out)
		test.change(config)
		for _, endpoint := range append([]string{out.AMQPURL}, out.AMQPURLs...) {
			_, err := amqp.DialTLS(endpoint, config)
			require.Error(t, err, name)
			assert.ErrorContains(t, err, test.says, name)
		}
		producer, err := clients.NewProducer([]string{out.AMQPURL}, clients.WithTLSConfig(config))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
		err = producer.Publish(ctx, clients.Message{RoutingKey: "tls"})
		cancel()
		assert.ErrorContains(t, err, test.says, name)
		require.NoError(t, producer.Close(t.Context()))
	}
}

// writeCA writes the certificate of the stack's authority into a file.
func writeCA(t *testing.T, out topology.Outputs) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, []byte(out.CACertificate), 0o600))
	return file
}

// requireOpenSSL requires that openssl accepts the certificates of all ports, by address and by name.
func requireOpenSSL(t *testing.T, out topology.Outputs) {
	t.Helper()
	ca := writeCA(t, out)
	for _, port := range []int{
		out.LoadBalancer.AMQPPort, out.LoadBalancer.ManagementPort, out.LoadBalancer.StatsPort,
		out.Nodes[0].AMQPPort, out.Nodes[1].ManagementPort,
	} {
		for _, name := range []string{"-verify_ip=127.0.0.1", "-verify_hostname=localhost"} {
			flag, value, _ := strings.Cut(name, "=")
			said, err := openssl(t, ca, port, flag, value)
			assert.NoErrorf(t, err, "port %d: %s", port, said)
			assert.Containsf(t, said, "Verify return code: 0 (ok)", "port %d", port)
		}
		said, err := openssl(t, ca, port, "-verify_hostname", "elsewhere.example.com")
		assert.Errorf(t, err, "port %d: %s", port, said)
		assert.Containsf(t, said, "ostname mismatch", "port %d", port)
	}
}

func openssl(t *testing.T, ca string, port int, flags ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*answerTimeout)
	defer cancel()
	args := append([]string{
		"s_client", "-connect", fmt.Sprintf("127.0.0.1:%d", port), "-CAfile", ca, "-verify_return_error",
	}, flags...)
	command := exec.CommandContext(ctx, "openssl", args...)
	command.Stdin = strings.NewReader("")
	said, err := command.CombinedOutput()
	return string(said), err
}

// requirePika requires that Python's usual client publishes with a confirm and gets the message back, with
// the authority of the stack and with no other.
func requirePika(t *testing.T, out topology.Outputs) {
	t.Helper()
	const script = `
import os, ssl, pika
context = ssl.create_default_context(cafile=os.environ["CA"] or None)
parameters = pika.URLParameters(os.environ["AMQP_URL"])
parameters.ssl_options = pika.SSLOptions(context, parameters.host)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare("pika", durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_publish("", "pika", b"over TLS", mandatory=True)
_, _, body = next(channel.consume("pika", inactivity_timeout=20, auto_ack=True))
print(body.decode())
channel.queue_delete("pika")
connection.close()
`
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		// Debian's package is for Debian's interpreter
		if exec.CommandContext(t.Context(), candidate, "-c", "import pika").Run() == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		t.Log("no Python has pika: install it with `apt-get install python3-pika` to see what it makes of TLS")
		return
	}
	run := func(ca string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		command := exec.CommandContext(ctx, python, "-c", script)
		command.Env = append(os.Environ(), "CA="+ca, "AMQP_URL="+out.AMQPURL)
		var said bytes.Buffer
		command.Stdout, command.Stderr = &said, &said
		err := command.Run()
		return said.String(), err
	}
	said, err := run(writeCA(t, out))
	assert.NoError(t, err, said)
	assert.Contains(t, said, "over TLS")
	said, err = run("")
	assert.Error(t, err)
	assert.Contains(t, said, "CERTIFICATE_VERIFY_FAILED")
}

// startTimes are when the containers of nodes and HAProxy were started, by their IDs.
func startTimes(t *testing.T, s *livestack.Stack) map[string]string {
	t.Helper()
	times := map[string]string{}
	for _, role := range []string{topology.RoleNode, topology.RoleLoadBalancer} {
		containers, err := s.Docker.ContainerList(t.Context(), container.ListOptions{Filters: filters.NewArgs(
			filters.Arg("label", topology.StackLabel(s.Cluster)), filters.Arg("label", topology.RoleLabel(role)))})
		require.NoError(t, err)
		for _, c := range containers {
			details, err := s.Docker.ContainerInspect(t.Context(), c.ID)
			require.NoError(t, err)
			times[c.ID] = details.State.StartedAt
		}
	}
	require.Len(t, times, 4)
	return times
}

// presented are the serial numbers of the certificates that are presented, by who presents them.
func presented(t *testing.T, c *cluster.Cluster) map[string]string {
	t.Helper()
	serials := map[string]string{}
	for _, node := range c.Nodes() {
		chain, err := c.CertificateOf(t.Context(), node)
		require.NoError(t, err, node.Name)
		serials[node.Name] = chain[0].SerialNumber.String()
	}
	for _, balancer := range c.LoadBalancers() {
		chain, err := c.CertificateOfBalancer(t.Context(), balancer)
		require.NoError(t, err, balancer.Container)
		serials[balancer.Container] = chain[0].SerialNumber.String()
	}
	return serials
}

// holdConnection opens a connection through the load balancer and counts when it is closed.
func holdConnection(t *testing.T, out topology.Outputs) (*amqp.Connection, *atomic.Int32) {
	t.Helper()
	u, err := url.Parse(out.AMQPURL)
	require.NoError(t, err)
	connection, err := amqp.DialTLS(u.String(), tlsConfig(t, out))
	require.NoError(t, err)
	var lost atomic.Int32
	closed := connection.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		if err := <-closed; err != nil {
			lost.Add(1)
		}
	}()
	t.Cleanup(func() {
		if err := connection.Close(); !errors.Is(err, amqp.ErrClosed) {
			assert.NoError(t, err)
		}
	})
	return connection, &lost
}

// underTraffic keeps messages flowing over all paths while something is done, and requires that none is lost,
// that no connection is, and that confirms have no gap to speak of.
func underTraffic(t *testing.T, c *cluster.Cluster, do func()) checker.Verdict {
	t.Helper()

	require.NoError(t, traffic.Queue{Name: queue, Type: "quorum", Replicas: 3}.Declare(t.Context(), c))
	h, missing, err := traffic.Around{
		Config: traffic.Config{
			Queue: queue, Paths: traffic.Paths(c.Outputs()), Rate: rate, Size: 256, TLS: c.TLS(),
		},
		Name: "renewed certificates", After: time.Second, Patience: patience, Drain: patience,
	}.Do(t.Context(), func() error { do(); return nil })
	require.NoError(t, err)
	assert.Zero(t, missing, "messages that did not arrive")
	verdict := checker.Check(h, nil)
	t.Logf("%d confirmed, %d lost, longest gap %v in confirms and %v in deliveries", verdict.Acknowledged,
		verdict.Lost.Count, verdict.Overall.Confirms.Longest.Length().Round(time.Millisecond),
		verdict.Overall.Deliveries.Longest.Length().Round(time.Millisecond))
	return verdict
}
