//go:build cluster

package daytwo

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/clients"
	"warren/internal/livestack"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/traffic"
)

// onEverySeries runs a test with every series there are images of.
func onEverySeries(t *testing.T, test func(*testing.T, string)) {
	t.Helper()
	for _, image := range []string{topology.DefaultImage, "warren/rabbitmq:4.0", "warren/rabbitmq:3.10"} {
		t.Run(path.Base(image), func(t *testing.T) { test(t, image) })
	}
}

// TestRolls changes settings under traffic: all nodes are replaced, one after the other.
func TestRolls(t *testing.T) { onEverySeries(t, rolls) }

func rolls(t *testing.T, image string) {
	s := livestack.New(t, map[string]any{"warren:image": image})
	c := open(t, s.MustUp())

	single := restart(t, c)
	for _, change := range []struct {
		name   string
		config map[string]any
	}{
		{"another heartbeat", map[string]any{"warren:heartbeatSeconds": 30}},
		{"another memory limit", map[string]any{"warren:memoryLimit": "640MiB"}},
	} {
		underTraffic(t, c, change.name, rollGap, func() {
			s.Configure(change.config)
			took := requireUp(t, s, 6) // nodes and memberships
			// A claim about time is not for a test to judge; docs/day-two.md says what was measured.
			t.Logf("one node restarts in %.1f s; the roll took %.1f s, %.2f times that", single.Seconds(),
				took.Seconds(), took.Seconds()/single.Seconds())
		})
		healthy(t, c)
	}
	inspected, err := c.Inspect(t.Context(), c.Nodes()[2].Container)
	require.NoError(t, err)
	assert.Equal(t, int64(640<<20), inspected.HostConfig.Memory)
	s.Destroy()
}

// restart restarts one node under traffic, and returns how long it takes until all its replicas are online
// again.
func restart(t *testing.T, c *cluster.Cluster) (took time.Duration) {
	t.Helper()
	underTraffic(t, c, "one node", rollGap, func() {
		start := time.Now()
		require.NoError(t, c.Restart(t.Context(), c.Nodes()[0].Container, time.Minute))
		healthy(t, c)
		took = time.Since(start)
	})
	return took
}

// TestRollWhoseSecondNodeCanNotComeUp stops there, and goes on from there.
func TestRollWhoseSecondNodeCanNotComeUp(t *testing.T) {
	s := livestack.New(t, nil)
	c := open(t, s.MustUp())
	// A node refuses to start when this file, which nothing else needs, is not a certificate.
	const file = topology.DataPath + "/only-here.pem"
	for _, node := range []string{"rabbit1", "rabbit3"} {
		s.Run(node, "bash", "-c", "echo '"+certificate(t)+"' >"+file)
	}

	underTraffic(t, c, "a bad setting", rollGap, func() {
		s.Configure(map[string]any{"warren:rabbitmqConf": "ssl_options.cacertfile = " + file})
		_, err := s.Up(t.Context())
		require.ErrorContains(t, err, "rabbit2 did not become a running member of the cluster")
		assert.ErrorContains(t, err, "cacertfile", "the node's own words")
		assert.True(t, c.Serves(t.Context(), c.Nodes()[0]), "the first node serves")
		assert.True(t, c.Serves(t.Context(), c.Nodes()[2]), "the third node serves")

		s.Configure(map[string]any{"warren:rabbitmqConf": nil})
		requireUp(t, s, 3) // rabbit1, its membership, and rabbit2, whose membership is replaced
	})
	healthy(t, c)

	t.Log("a node whose container and volume were removed by hand comes back with all replicas")
	declare(t, c, "replaced", 3)
	lost := c.Nodes()[1]
	require.NoError(t, c.Docker().ContainerRemove(t.Context(), lost.Container,
		container.RemoveOptions{Force: true}))
	require.NoError(t, exec.CommandContext(t.Context(), "docker", "volume", "rm", lost.Container+"-data").Run())
	s.MustUp()
	healthy(t, c)
	requireMembers(t, c, "replaced", 3)
	s.Destroy()
}

// certificate is one that nobody needs to trust, in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestUpgrade takes a stack to another image while messages flow. The one it comes from leaves feature flags
// disabled that a version brought, as any image does after an upgrade: the formation enables them.
func TestUpgrade(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:image": imageWithoutFlags(t), "warren:series": "4.3"})
	began := time.Now()
	c := open(t, s.MustUp())
	log, err := c.Logs(t.Context(), (&topology.Cluster{Stack: s.Name}).FormationContainerName(),
		began, time.Now())
	require.NoError(t, err)
	require.Contains(t, log, "enable the stable feature flags", "the image enables none by itself")
	require.Empty(t, disabledFlags(t, c))
	underTraffic(t, c, "another image", rollGap, func() {
		s.Configure(map[string]any{"warren:image": nil, "warren:series": nil})
		requireUp(t, s, 8) // the image, nodes, memberships and the formation
	})
	healthy(t, c)
	assert.Empty(t, disabledFlags(t, c))
	s.Destroy()
}

// imageWithoutFlags is an image whose new clusters have only the feature flags that RabbitMQ requires.
func imageWithoutFlags(t *testing.T) string {
	t.Helper()
	const name = "warren/rabbitmq:test-without-flags"
	build := exec.CommandContext(t.Context(), "docker", "build", "--quiet", "--tag", name, "-")
	build.Stdin = strings.NewReader("FROM " + topology.DefaultImage + "\nENV RABBITMQ_FEATURE_FLAGS=\n")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	t.Cleanup(func() {
		assert.NoError(t, exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "image", "rm",
			name).Run())
	})
	return name
}

// disabledFlags are the stable feature flags that a cluster does not have enabled.
func disabledFlags(t *testing.T, c *cluster.Cluster) []string {
	t.Helper()
	var disabled []string
	require.NoError(t, c.AskAny(t.Context(), func(api *rabbithole.Client) error {
		flags, err := api.ListFeatureFlags()
		disabled = nil
		for _, flag := range flags {
			if flag.State == rabbithole.StateDisabled && flag.Stability == rabbithole.StabilityStable {
				disabled = append(disabled, flag.Name)
			}
		}
		return err
	}))
	return disabled
}

// TestScale takes a stack from three nodes to five and back, with a node that leaves dead.
func TestScale(t *testing.T) { onEverySeries(t, scale) }

func scale(t *testing.T, image string) {
	s := livestack.New(t, map[string]any{"warren:image": image})
	small := open(t, s.MustUp())
	declare(t, small, "asks-for-five", 5)
	declare(t, small, "asks-for-three", 3)
	started := startTimes(t, small)

	underTraffic(t, small, "three to five to three", scaleGap, func() {
		s.Configure(map[string]any{"warren:nodes": 5})
		five := open(t, s.MustUp())
		requireMembers(t, five, "asks-for-five", 5)
		requireMembers(t, five, "asks-for-three", 3)
		declare(t, five, "led-by-one-that-leaves", 3)
		stream := traffic.Queue{Name: "stream-on-one-that-leaves", Type: cluster.Stream, Node: "rabbit@rabbit5"}
		require.NoError(t, stream.Declare(t.Context(), five))

		t.Log("a node that alone has messages may not leave, and nothing is touched")
		classic := traffic.Queue{Name: "lives-alone", Type: "classic", Node: "rabbit@rabbit4"}
		require.NoError(t, classic.Declare(t.Context(), five))
		publish(t, five, classic.Name)
		s.Configure(map[string]any{"warren:nodes": 3})
		_, err := s.Up(t.Context())
		require.ErrorContains(t, err, "rabbit@rabbit4 can't leave: it alone has")
		assert.ErrorContains(t, err, "lives-alone")
		servers, err := five.Servers(t.Context())
		require.NoError(t, err)
		assert.Contains(t, serverNames(servers), "rabbit5")
		require.NoError(t, classic.Delete(t.Context(), five))

		dead, err := five.Node("rabbit5")
		require.NoError(t, err)
		require.NoError(t, five.Kill(t.Context(), dead.Container))
		s.MustUp()
	})
	healthy(t, small)
	for _, queue := range []string{
		"asks-for-five", "asks-for-three", "led-by-one-that-leaves", "stream-on-one-that-leaves",
	} {
		requireMembers(t, small, queue, 3)
	}
	requireNoTrace(t, s, small, "rabbit4", "rabbit5")
	assert.Equal(t, started, startTimes(t, small), "no node that stayed was restarted")
	said := follow(t, small.Nodes()[0].Container)
	s.Destroy()
	assert.Contains(t, said(), "the whole stack goes: stopping at once",
		"nothing is drained when everything goes")
}

// follow reads a container's log until the container is gone. The returned function waits for that and
// returns what was read.
func follow(t *testing.T, name string) (said func() string) {
	t.Helper()
	var log bytes.Buffer
	logs := exec.CommandContext(t.Context(), "docker", "logs", "--follow", "--tail", "0", name)
	logs.Stdout, logs.Stderr = &log, &log
	require.NoError(t, logs.Start())
	return func() string {
		require.NoError(t, logs.Wait())
		return log.String()
	}
}

// startTimes are when the nodes' containers were started.
func startTimes(t *testing.T, c *cluster.Cluster) []string {
	t.Helper()
	var times []string
	for _, node := range c.Nodes() {
		inspected, err := c.Inspect(t.Context(), node.Container)
		require.NoError(t, err)
		times = append(times, inspected.State.StartedAt)
	}
	return times
}

func serverNames(servers []cluster.Server) []string {
	var names []string
	for _, server := range servers {
		names = append(names, server.Name)
	}
	return names
}

// publish puts a message into a queue, for good.
func publish(t *testing.T, c *cluster.Cluster, queue string) {
	t.Helper()
	publishMany(t, c, queue, 1, 1)
}

// publishMany puts messages of a size into a queue, for good.
func publishMany(t *testing.T, c *cluster.Cluster, queue string, messages, size int) {
	t.Helper()
	producer, err := clients.NewProducer(c.Outputs().AMQPURLs)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	body := bytes.Repeat([]byte("x"), size)
	var confirmations []*clients.Confirmation
	for range messages {
		confirmation, err := producer.PublishAsync(ctx, clients.Message{RoutingKey: queue, Body: body})
		require.NoError(t, err)
		confirmations = append(confirmations, confirmation)
	}
	for _, confirmation := range confirmations {
		require.NoError(t, confirmation.Wait(ctx))
	}
	require.NoError(t, producer.Close(ctx))
}
