//go:build cluster

package daytwo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/traffic"
)

// Inputs that have broken a deployment once, each with the right outcome. They share stacks: each leaves the
// stack as it has found it.

// three is a stack of three nodes that the tests of inputs share.
type three struct {
	*livestack.Stack
	c         *cluster.Cluster
	heartbeat int
}

// roll changes a setting for which all nodes have to be replaced.
func (s *three) roll() {
	s.heartbeat++
	s.Configure(map[string]any{"warren:heartbeatSeconds": s.heartbeat})
}

func TestInputsToThreeNodes(t *testing.T) {
	stack := livestack.New(t, nil)
	s := &three{Stack: stack, c: open(t, stack.MustUp()), heartbeat: 30}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *three)
	}{
		{"a node is down when a roll begins", nodeDownBeforeRoll},
		{"all nodes are down", allNodesDown},
		{"a queue is half deleted", halfDeletedQueue},
		{"the helpers are gone", helpersGone},
		{"two nodes are replaced one right after the other", replacedInTurn},
		{"containers with their labels are gone before a downgrade", downgradeWithoutLabels},
		{"another administrator", anotherAdministrator},
		{"one node alone has data", onlyCopy}, // the last: nothing else can be done to the stack after it
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
	s.Destroy()
}

// nodeDownBeforeRoll stops a node, whose membership stays healthy, and changes a setting: the node is brought
// back before another one is touched.
func nodeDownBeforeRoll(t *testing.T, s *three) {
	underTraffic(t, s.c, "a node is down", rollGap, func() {
		stop(t, s.c, 1)
		s.roll()
		s.MustUp()
	})
	healthy(t, s.c)
}

// allNodesDown stops all nodes: they start together, since none can boot alone, and have what they had.
func allNodesDown(t *testing.T, s *three) {
	declare(t, s.c, "kept", 3)
	for _, change := range []struct {
		name string
		do   func()
	}{
		{"a changed setting", s.roll},
		{"no change", func() {}},
	} {
		publish(t, s.c, "kept")
		var all sync.WaitGroup
		for i := range s.c.Nodes() {
			all.Go(func() { stop(t, s.c, i) })
		}
		all.Wait()
		t.Log("all nodes are down, with " + change.name)
		change.do()
		s.MustUp()
		healthy(t, s.c)
	}
	requireReplicas(t, s.c, 3, "kept")
	requireMessages(t, s.c, "kept", 2)
}

// requireMessages requires that a queue has so many messages.
func requireMessages(t *testing.T, c *cluster.Cluster, queue string, messages int) {
	t.Helper()
	what := fmt.Sprintf("%d messages in %s", messages, queue)
	require.NoError(t, wait.Within(t.Context(), patience, time.Second, what, func(ctx context.Context) error {
		q, err := c.Queue(ctx, traffic.VHost, queue)
		if err == nil && q.Messages != messages {
			err = fmt.Errorf("there are %d", q.Messages)
		}
		return err
	}))
}

// halfDeletedQueue has a queue of which only the record is left. The doctor names it; it holds up nothing,
// and costs no other queue a replica.
func halfDeletedQueue(t *testing.T, s *three) {
	const name = "half deleted"
	declare(t, s.c, name, 3)
	for _, node := range s.c.Nodes() {
		s.Run(node.Name, "rabbitmqctl", "eval",
			fmt.Sprintf(`ra:force_delete_server(quorum_queues, {'%%2F_%s', '%s'}).`, name, node.NodeName))
	}
	assert.Contains(t, diagnoses(t, s.c)[string(health.QueueHalfDeleted)], name)
	declare(t, s.c, "sound", 3)
	fewest := lowest(t, members(s.c, "sound"))
	underTraffic(t, s.c, "a queue is half deleted", rollGap, func() {
		s.roll()
		s.MustUp()
	})
	assert.Equal(t, 3, fewest(), "replicas that another queue has at any time")
	requireReplicas(t, s.c, 3, "sound")
	require.NoError(t, traffic.Queue{Name: name}.Delete(t.Context(), s.c))
	healthy(t, s.c)
}

// helpersGone removes all helpers, and the load balancer: a node that is told to stop drains all the same,
// the doctor sees what is missing, and the next deployment brings it back.
func helpersGone(t *testing.T, s *three) {
	outputs := s.c.Outputs()
	helpers := []string{outputs.Formation, outputs.LoadBalancer.Config}
	for _, node := range outputs.Nodes {
		helpers = append(helpers, node.Membership)
	}
	for _, name := range helpers {
		require.NoError(t, s.Docker.ContainerRemove(t.Context(), name, container.RemoveOptions{Force: true}))
	}
	first := outputs.Nodes[0].Container
	underTraffic(t, s.c, "the helpers are gone", rollGap, func() {
		require.NoError(t, s.c.Stop(t.Context(), outputs.LoadBalancer.Container, time.Minute))
		missing := diagnoses(t, s.c)[string(health.HelperMissing)]
		for _, name := range helpers {
			assert.Contains(t, missing, name)
		}
		told := time.Now()
		stop(t, s.c, 0)
		log, err := s.c.Logs(t.Context(), first, told, time.Now())
		require.NoError(t, err)
		assert.Contains(t, log, "drain rabbit@rabbit1")
		assert.NotContains(t, log, "the whole stack goes")
		s.MustUp()
	})
	healthy(t, s.c)
	assert.NotContains(t, diagnoses(t, s.c), string(health.HelperMissing))
}

// replacedInTurn replaces two of three nodes, with their volumes, one as soon as the other is said to be
// back: with much in the queues, its replicas must really have what they are to have.
func replacedInTurn(t *testing.T, s *three) {
	const messages, size = 400, 256 << 10
	declare(t, s.c, "full", 3)
	publishMany(t, s.c, "full", messages, size)
	for _, i := range []int{1, 2} {
		removeNode(t, s.c, s.c.Nodes()[i])
		s.MustUp()
		requireReplicas(t, s.c, 3, "full")
	}
	healthy(t, s.c)
	requireMessages(t, s.c, "full", messages)
	require.NoError(t, traffic.Queue{Name: "full"}.Delete(t.Context(), s.c))
}

// downgradeWithoutLabels removes containers, as is the way to replace a node, and with them the labels that
// say what wrote their data. An image that can't take over the data is refused nevertheless.
func downgradeWithoutLabels(t *testing.T, s *three) {
	older := map[string]any{"warren:image": "warren/rabbitmq:4.0"}
	// A node writes down which queues it has a replica of half a second late. A majority that is killed before
	// that starts new and empty replicas. So the queue is declared long before.
	declare(t, s.c, "wanted", 3)
	started := startTimes(t, s.c)
	remove := func(nodes ...topology.NodeOutput) {
		for _, n := range nodes {
			require.NoError(t, s.Docker.ContainerRemove(t.Context(), n.Container,
				container.RemoveOptions{Force: true}))
		}
	}

	t.Log("one container is gone: the others say what they run, and nothing is touched")
	remove(s.c.Nodes()[1])
	s.Configure(older)
	_, err := s.Up(t.Context())
	require.ErrorContains(t, err, "4.3")
	require.ErrorContains(t, err, "4.0")
	state, err := s.c.State(t.Context(), s.c.Nodes()[1].Container)
	require.NoError(t, err)
	assert.Equal(t, cluster.StateMissing, state)
	s.Configure(map[string]any{"warren:image": nil})
	s.MustUp()
	healthy(t, s.c)
	now := startTimes(t, s.c)
	assert.Equal(t, []string{started[0], started[2]}, []string{now[0], now[2]}, "nobody touched the others")

	t.Log("all containers are gone: the nodes themselves refuse to start on their data, which stay as they are")
	publish(t, s.c, "wanted")
	remove(s.c.Nodes()...)
	s.Configure(older)
	_, err = s.Up(t.Context())
	require.ErrorContains(t, err, "4.3")
	s.Configure(map[string]any{"warren:image": nil})
	s.MustUp()
	healthy(t, s.c)
	requireReplicas(t, s.c, 3, "wanted")
	requireMessages(t, s.c, "wanted", 1)
}

// anotherAdministrator changes the administrator's password by hand, which a restart does not undo, and then
// the administrator in the configuration: the old one goes, and the balanced management address answers
// throughout.
func anotherAdministrator(t *testing.T, s *three) {
	old := s.c.Outputs()
	s.Run("rabbit2", "rabbitmqctl", "change_password", old.Username, "by-hand")
	require.NoError(t, s.c.Restart(t.Context(), s.c.Nodes()[0].Container, time.Minute))
	letIn := func(password string) error {
		return wait.Within(t.Context(), patience, time.Second, "the administrator to be let in",
			func(ctx context.Context) error {
				if status := whoAmI(ctx, old.Nodes[0].ManagementPort, old.Username, password); status != http.StatusOK {
					return fmt.Errorf("the answer is %d", status)
				}
				return nil
			})
	}
	require.NoError(t, letIn("by-hand"), "a password that was changed by hand outlives a restart")
	assert.Equal(t, http.StatusUnauthorized,
		whoAmI(t.Context(), old.Nodes[0].ManagementPort, old.Username, old.Password))

	s.Configure(map[string]any{"warren:username": "other"})
	unavailable, rounds := 0, 0
	watched := lowest(t, func(ctx context.Context) (int, error) {
		rounds++
		if whoAmI(ctx, old.LoadBalancer.ManagementPort, "nobody", "") == http.StatusServiceUnavailable {
			unavailable++
		}
		return 0, nil
	})
	now := s.MustUp()
	watched()
	assert.Zero(t, unavailable, "answers of HAProxy that no node is there, of %d", rounds)
	for _, n := range now.Nodes {
		assert.Equal(t, http.StatusOK, whoAmI(t.Context(), n.ManagementPort, "other", now.Password), n.Name)
		for _, password := range []string{old.Password, "by-hand"} {
			assert.Equal(t, http.StatusUnauthorized,
				whoAmI(t.Context(), n.ManagementPort, old.Username, password), n.Name)
		}
	}
	s.Configure(map[string]any{"warren:username": nil})
	s.MustUp()
	healthy(t, s.c)
}

// whoAmI asks the management API who a user is, and returns the status of the answer; 0 without one.
func whoAmI(ctx context.Context, port int, user, password string) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		fmt.Sprintf("http://127.0.0.1:%d/api/whoami", port), nil)
	if err != nil {
		return 0
	}
	request.SetBasicAuth(user, password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// onlyCopy stops one node and removes the others with their data. The two empty nodes must not found a
// cluster beside the only copy.
func onlyCopy(t *testing.T, s *three) {
	declare(t, s.c, "kept", 3)
	publish(t, s.c, "kept")
	stop(t, s.c, 2)
	for _, i := range []int{0, 1} {
		removeNode(t, s.c, s.c.Nodes()[i])
	}
	last := s.c.Nodes()[2]
	_, err := s.Up(t.Context())
	require.ErrorContains(t, err, last.NodeName)
	t.Log(err)
	containers, volumes, _ := s.Leftovers(t.Context())
	assert.Contains(t, containers, last.Container)
	assert.Contains(t, volumes, last.Container+"-data")
	assert.NotContains(t, containers, s.c.Nodes()[0].Container, "nothing was touched")
}

func TestInputsToFiveNodes(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:nodes": 5})
	c := open(t, s.MustUp())
	t.Run("a durable classic queue that is kept empty", func(t *testing.T) { classicKeptEmpty(t, s, c) })
	t.Run("a replica that does not grow back at once", func(t *testing.T) { replicaPostponed(t, s, c) })
	t.Run("a queue on the nodes that leave", func(t *testing.T) { leaveWithMajority(t, s, c) })
	s.Destroy()
}

// classicKeptEmpty has a durable classic queue on a node that is to leave. Its consumer keeps it empty, and
// each of its messages is confirmed: it may have one at any moment.
func classicKeptEmpty(t *testing.T, s *livestack.Stack, c *cluster.Cluster) {
	queue := traffic.Queue{Name: "kept-empty", Type: "classic", Node: "rabbit@rabbit5"}
	require.NoError(t, queue.Declare(t.Context(), c))
	started := startTimes(t, c)
	for _, rate := range []float64{4, 100} {
		v, own := recorded(t, c, fmt.Sprintf("%v messages a second", rate), traffic.Config{
			Queue: queue.Name, Paths: []traffic.Path{{Name: "rabbit1", Endpoints: c.Outputs().AMQPURLs[:1]}},
			Rate: rate, Size: 64,
		}, func() {
			s.Configure(map[string]any{"warren:nodes": 3})
			_, err := s.Up(t.Context())
			require.ErrorContains(t, err, "rabbit@rabbit5 can't leave")
			assert.ErrorContains(t, err, queue.Name)
		})
		judge(t, v, rollGap+slack(own))
	}
	assert.Equal(t, started, startTimes(t, c), "nothing was touched")
	outputs, err := s.Pulumi.Outputs(t.Context())
	require.NoError(t, err)
	assert.Len(t, outputs["nodes"].Value, 5, "nor were the outputs")
	servers, err := c.Servers(t.Context())
	require.NoError(t, err)
	assert.Contains(t, serverNames(servers), "rabbit5")
	healthy(t, c)
	require.NoError(t, queue.Delete(t.Context(), c))
	s.Configure(map[string]any{"warren:nodes": 5})
}

// replicaPostponed replaces a node while RabbitMQ on another one is stopped, so that a queue of five can't
// get its replica back at once. It is not forgotten.
func replicaPostponed(t *testing.T, s *livestack.Stack, c *cluster.Cluster) {
	declare(t, c, "of-five", 5)
	requireReplicas(t, c, 5, "of-five")
	s.Run("rabbit5", "rabbitmqctl", "stop_app")
	removeNode(t, c, c.Nodes()[1])
	_, err := s.Up(t.Context())
	t.Log("the deployment while rabbit5 is stopped:", err)
	s.Run("rabbit5", "rabbitmqctl", "start_app")
	s.MustUp()
	healthy(t, c)
	requireReplicas(t, c, 5, "of-five")
	require.NoError(t, traffic.Queue{Name: "of-five"}.Delete(t.Context(), c))
}

// leaveWithMajority scales in where a queue has two of its three replicas on nodes that leave, and much in
// it: new replicas have to vote before the old ones go.
func leaveWithMajority(t *testing.T, s *livestack.Stack, c *cluster.Cluster) {
	const name, messages, size = "moves", 400, 256 << 10
	declare(t, c, name, 3)
	place(t, s, c, name, "rabbit@rabbit3", "rabbit@rabbit4", "rabbit@rabbit5")
	publishMany(t, c, name, messages, size)
	small := c.Outputs()
	small.Nodes, small.AMQPURLs = small.Nodes[:3], small.AMQPURLs[:3]
	k, err := cluster.Open(small)
	require.NoError(t, err)
	defer k.Close()
	underTraffic(t, k, "a majority leaves", scaleGap, func() {
		s.Configure(map[string]any{"warren:nodes": 3})
		s.MustUp()
		requireReplicas(t, k, 3, name)
	})
	k = open(t, s.MustUp())
	requireMessages(t, k, name, messages)
	requireNoTrace(t, s, k, "rabbit4", "rabbit5")
}

// place moves the replicas of a queue to nodes, one after the other.
func place(t *testing.T, s *livestack.Stack, c *cluster.Cluster, queue string, nodes ...string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, node := range nodes {
		wanted[node] = true
	}
	before, err := c.Queue(t.Context(), traffic.VHost, queue)
	require.NoError(t, err)
	for _, node := range nodes {
		if !strings.Contains(strings.Join(before.Members, " "), node) {
			s.Run("rabbit1", "rabbitmq-queues", "add_member", "--vhost", traffic.VHost, queue, node)
			require.NoError(t, wait.Within(t.Context(), patience, time.Second, "a new replica to vote",
				func(ctx context.Context) error {
					queues, err := c.Queues(ctx, c.Nodes()[0])
					for _, q := range queues {
						if err == nil && q.Name == queue && len(q.NonVoters)+len(q.Members)-len(q.Online) > 0 {
							err = fmt.Errorf("%v do not vote", q.NonVoters)
						}
					}
					return err
				}))
		}
	}
	for _, node := range before.Members {
		if !wanted[node] {
			s.Run("rabbit1", "rabbitmq-queues", "delete_member", "--vhost", traffic.VHost, queue, node)
		}
	}
}
