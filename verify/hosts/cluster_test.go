//go:build cluster

package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/dockerhost"
	"warren/internal/hostlab"
	"warren/internal/livestack"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

const (
	// recoveryStall is how long nothing may get better while a host comes back.
	recoveryStall = 3 * time.Minute
	// noticeLimit is how long the loss of a host may go unnoticed by its peers. It covers a busy machine.
	noticeLimit = 2 * time.Minute
)

// newLab makes hosts with the images that a stack needs, and describes them. One of them is reached by
// SSH where that is installed.
func newLab(t *testing.T, name string, count int) (*hostlab.Lab, []topology.Host) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a lab of hosts needs root")
	}
	l, err := hostlab.Up(t.Context(), name, netip.Prefix{}, count)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Down(context.WithoutCancel(t.Context()))) })
	require.NoError(t, l.Load(t.Context(), topology.DefaultImage, topology.DefaultHAProxyImage))
	hosts := make([]topology.Host, len(l.Hosts))
	for i, h := range l.Hosts {
		hosts[i] = topology.Host{
			Name: h.Name, Engine: h.Engine, Address: h.Address.String(), Zone: string(rune('a' + i)),
		}
	}
	if l.Key != "" {
		hosts[1].Engine, hosts[1].SSHOptions = l.Hosts[1].SSH, l.SSHOptions()
	}
	return l, hosts
}

func open(t *testing.T, outputs topology.Outputs) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Open(outputs)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// leftovers lists what hosts have of a stack.
func leftovers(t *testing.T, hosts []topology.Host, stack string) []string {
	t.Helper()
	ours := filters.NewArgs(filters.Arg("label", topology.StackLabel(stack)))
	var found []string
	for _, h := range hosts {
		docker, err := dockerhost.Connect(h)
		require.NoError(t, err)
		containers, err := docker.ContainerList(t.Context(), container.ListOptions{All: true, Filters: ours})
		require.NoError(t, err)
		volumes, err := docker.VolumeList(t.Context(), volume.ListOptions{Filters: ours})
		require.NoError(t, err)
		networks, err := docker.NetworkList(t.Context(), network.ListOptions{Filters: ours})
		require.NoError(t, err)
		for _, c := range containers {
			found = append(found, h.Name+c.Names[0])
		}
		for _, v := range volumes.Volumes {
			found = append(found, h.Name+"/"+v.Name)
		}
		for _, n := range networks {
			found = append(found, h.Name+"/"+n.Name)
		}
		require.NoError(t, docker.Close())
	}
	return found
}

// confirm publishes a message to the queue over an endpoint, and waits for its confirm.
func confirm(ctx context.Context, url string) error {
	connection, err := amqp.DialConfig(url, amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	if _, err := channel.QueueDeclare(queue, true, false, false, false,
		amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return err
	}
	deferred, err := channel.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false,
		amqp.Publishing{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	acknowledged, err := deferred.WaitContext(ctx)
	if err == nil && !acknowledged {
		err = errors.New("the message was rejected")
	}
	return err
}

// TestAStackOnThreeHosts brings a stack up, changes nothing, loses a host and gets it back, loses it for good
// and replaces it by a fourth, and leaves nothing.
func TestAStackOnThreeHosts(t *testing.T) {
	l, hosts := newLab(t, "three", 4)
	spare := hosts[3]
	spare.Zone = hosts[2].Zone
	s := livestack.New(t, map[string]any{"warren:hosts": hosts[:3], "warren:ports": nil})
	c := open(t, s.MustUp())
	unchanged(t, s)
	assert.Equal(t, []string{"h1", "h2", "h3"}, placesOf(c))
	status, err := health.Observe(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, failures(status))
	outputs := c.Outputs()
	require.Len(t, outputs.BalancedAMQPURLs, 2)
	for _, url := range slices.Concat(outputs.BalancedAMQPURLs, outputs.AMQPURLs) {
		require.NoError(t, confirm(t.Context(), url))
	}
	lost := l.Hosts[2] // it has a node, and neither a load balancer nor the formation

	t.Run("a host is lost and comes back", func(t *testing.T) {
		require.NoError(t, l.PowerOff(t.Context(), lost))
		for _, url := range slices.Concat(outputs.BalancedAMQPURLs, outputs.AMQPURLs[:2]) {
			require.NoError(t, wait.Within(t.Context(), noticeLimit, time.Second, "a confirm without host h3",
				func(ctx context.Context) error { return confirm(ctx, url) }))
		}
		status, err := health.Observe(t.Context(), c)
		require.NoError(t, err, "a host that is off does not stop the look at the others")
		assert.Equal(t, cluster.StateUnreachable, status.Nodes[2].State)
		assert.True(t, status.Nodes[0].AMQP && status.Nodes[1].AMQP)

		unchanged(t, s) // by `pulumi up` as it is
		before := nodesOf(t, c, "h1", "h2")
		s.Configure(map[string]any{"warren:heartbeatSeconds": 17})
		_, err = s.Up(t.Context())
		require.ErrorContains(t, err, "would be restarted with other settings")
		_, err = s.Pulumi.Preview(t.Context())
		require.ErrorContains(t, err, "would be restarted with other settings")
		assert.Equal(t, before, nodesOf(t, c, "h1", "h2"), "what is refused touches nothing")

		require.NoError(t, l.PowerOn(t.Context(), lost))
		require.NoError(t, health.WaitRecovered(t.Context(), c, recoveryStall))
		s.MustUp()
		for name, id := range nodesOf(t, c, "h1", "h2") {
			assert.NotEqual(t, before[name], id, "%s has its new setting when all hosts are back", name)
		}
		require.NoError(t, health.WaitRecovered(t.Context(), c, recoveryStall))
	})

	t.Run("a host is lost for good and replaced", func(t *testing.T) {
		require.NoError(t, l.PowerOff(t.Context(), lost))
		hosts = []topology.Host{hosts[0], hosts[1], spare}
		s.Configure(map[string]any{"warren:hosts": hosts})
		_, err := s.Up(t.Context())
		require.ErrorContains(t, err, "if it is lost, run `make up STACK="+s.Name)
		s.UpAgain() // as `make up` does
		unchanged(t, s)
		c := open(t, s.MustUp())
		require.NoError(t, health.WaitRecovered(t.Context(), c, recoveryStall))
		assert.Equal(t, []string{"h1", "h2", "h4"}, placesOf(c))
		noTraceOf(t, s, c, lost)
		outputs := c.Outputs()
		for _, url := range slices.Concat(outputs.BalancedAMQPURLs, outputs.AMQPURLs) {
			require.NoError(t, confirm(t.Context(), url))
		}
	})

	s.Destroy()
	assert.Empty(t, leftovers(t, hosts, s.Cluster))
}

// queue is a quorum queue that has a replica on every host.
const queue = "over-all-hosts"

// unchanged asserts that another `pulumi up` changes nothing.
func unchanged(t *testing.T, s *livestack.Stack) {
	t.Helper()
	again, err := s.Up(t.Context())
	require.NoError(t, err)
	for change, n := range *again.Summary.ResourceChanges {
		assert.Truef(t, change == "same", "another `pulumi up`: %s %d", change, n)
	}
}

// noTraceOf asserts that neither the cluster nor Pulumi's state knows anything of a host, and that all queues
// have their replicas.
func noTraceOf(t *testing.T, s *livestack.Stack, c *cluster.Cluster, lost hostlab.Host) {
	t.Helper()
	state, err := s.Command(t.Context(), "pulumi", "stack", "export", "--stack", s.Name).Output()
	require.NoError(t, err)
	for _, trace := range []string{"engine-" + lost.Name, lost.Address.String(), lost.Engine} {
		assert.NotContains(t, string(state), trace, "Pulumi's state")
	}
	status, err := health.Observe(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, failures(status), "members and queues")
	for _, balancer := range c.LoadBalancers() {
		conf, err := c.Run(t.Context(), balancer.Container, "cat", topology.LoadBalancerPath+"/haproxy.cfg")
		require.NoError(t, err)
		assert.NotContains(t, conf, lost.Address.String(), balancer.Container)
		assert.Contains(t, conf, c.Outputs().Hosts[2].Address, balancer.Container)
	}
}

// nodesOf are the IDs of the containers of the nodes on hosts, by the names of the nodes.
func nodesOf(t *testing.T, c *cluster.Cluster, hosts ...string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, n := range c.Nodes() {
		if slices.Contains(hosts, n.Host) {
			found, err := c.Inspect(t.Context(), n.Container)
			require.NoError(t, err)
			ids[n.Name] = found.ID
		}
	}
	return ids
}

// placesOf are the hosts of the nodes.
func placesOf(c *cluster.Cluster) []string {
	var places []string
	for _, n := range c.Nodes() {
		places = append(places, n.Host)
	}
	return places
}

// failures are the problems that matter.
func failures(status health.Status) []string {
	var found []string
	for _, problem := range status.Problems() {
		if problem.Severity == health.Failure {
			found = append(found, fmt.Sprint(problem))
		}
	}
	return found
}
