//go:build cluster

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/internal/wait"
	"warren/topology"
)

// settleTime is how long HAProxy's checks and the management interface's statistics may lag behind a
// deployment.
const settleTime = 5 * time.Minute

// TestLifeOfACluster takes a cluster from nothing to nothing left.
func TestLifeOfACluster(t *testing.T) {
	s := livestack.New(t, nil)
	out := s.MustUp()

	t.Log("every node runs, HAProxy has every server up, and both protocols work")
	requireRunning(t, out)
	requireServersUp(t, out)
	status, _ := get(t.Context(), out.ManagementURL+"/api/overview", out.Username, out.Password)
	assert.Equal(t, 200, status)
	status, _ = get(t.Context(), out.ManagementURL+"/api/overview", "guest", "guest")
	assert.Equal(t, 401, status)
	for _, url := range append([]string{out.AMQPURL}, out.AMQPURLs...) {
		requireAMQP(t, url)
	}
	requireNoSecrets(t, s, out.Password, out.StatsPassword)

	t.Log("a second deployment changes nothing")
	result, err := s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"same"}, names(*result.Summary.ResourceChanges))

	t.Log("a changed setting replaces one node after the other")
	s.Configure(map[string]any{"warren:heartbeatSeconds": 30})
	ports := []int{out.Nodes[0].AMQPPort, out.Nodes[1].AMQPPort, out.Nodes[2].AMQPPort}
	fewest := fewestUntil(t, 200*time.Millisecond, taking(ports...))
	result, err = s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 6, (*result.Summary.ResourceChanges)["replace"],
		"three nodes and their memberships, not the load balancer")
	assert.GreaterOrEqual(t, fewest(), 2, "nodes that take clients at any time")
	requireRunning(t, out)

	t.Log("another configuration of the load balancer replaces no HAProxy, and closes and refuses no connection")
	connection, err := amqp.Dial(out.AMQPURL)
	require.NoError(t, err)
	defer connection.Close()
	failures := failuresUntil(t, 5*time.Millisecond, func() error { return greet(out.LoadBalancer.AMQPPort) })
	another := auto.ConfigValue{Value: "another", Secret: true}
	require.NoError(t, s.Pulumi.SetConfig(t.Context(), "warren:statsPassword", another))
	result, err = s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, (*result.Summary.ResourceChanges)["replace"], "the configuration alone")
	_, err = connection.Channel()
	assert.NoError(t, err, "a connection from before")
	assert.Empty(t, failures(), "new connections reach a node at any time")
	requireAMQP(t, out.AMQPURL)
	out.StatsPassword = "another"
	requireServersUp(t, out)

	t.Log("a node that was reset by hand joins its cluster again")
	s.Run("rabbit2", "rabbitmqctl", "stop_app")
	s.Run("rabbit2", "rabbitmqctl", "reset")
	// The membership looks every few seconds. It would not notice the reset of a node that starts again at
	// once.
	requireMembershipLost(t, s, "rabbit2")
	s.Run("rabbit2", "rabbitmqctl", "start_app")
	s.MustUp()
	requireRunning(t, out)

	t.Log("destroying leaves nothing")
	s.Destroy()
	s.NothingLeft()
}

// TestNodeThatRefusesItsConfiguration fails with the node's own words, and succeeds once that is fixed.
func TestNodeThatRefusesItsConfiguration(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:rabbitmqConf": "no_such_setting = 1"})
	_, err := s.Up(t.Context())
	require.ErrorContains(t, err, "rabbit1 did not become a running member of the cluster")
	assert.ErrorContains(t, err, "no_such_setting", "the end of the node's log")

	s.Configure(map[string]any{"warren:rabbitmqConf": nil})
	requireRunning(t, s.MustUp())
	s.Destroy()
}

// TestInterruptedDeployment is completed by the next.
func TestInterruptedDeployment(t *testing.T) {
	s := livestack.New(t, nil)
	s.InterruptedUp(1, os.Interrupt)
	requireRunning(t, s.MustUp())
	s.Destroy()
}

// TestWhatCanNotBeDeployed is reported at once, in full, before anything is created.
func TestWhatCanNotBeDeployed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port

	for name, tc := range map[string]struct {
		config map[string]any
		says   []string
	}{
		"mistakes in the configuration": {
			map[string]any{"warren:nodes": "none", "warren:partitionHandling": "hope", "warren:imgae": "rabbitmq:4.3"},
			[]string{"3 mistakes", "warren:nodes", "warren:partitionHandling", "warren:imgae"},
		},
		"problems of the machine": {
			map[string]any{
				"warren:image": "localhost:1/rabbitmq:4.3", "warren:haproxyImage": "warren/haproxy:0.1",
				"warren:memoryLimit": "4TiB", "warren:diskFreeLimit": "4000TB",
				"warren:nodes": []map[string]any{{"name": "a", "amqpPort": port}, {"name": "b"}, {"name": "c"}},
			},
			[]string{"localhost:1/rabbitmq:4.3 is neither here nor available", "run `make images`",
				"warren:memoryLimit", "warren:diskFreeLimit",
				"port " + strconv.Itoa(port) + " (a, AMQP) can't be used: another process listens there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := livestack.New(t, tc.config)
			_, err := s.Up(t.Context())
			for _, text := range tc.says {
				assert.ErrorContains(t, err, text)
			}
			s.NothingLeft()
		})
	}
	t.Run("no engine", func(t *testing.T) {
		s := livestack.New(t, nil)
		s.Pulumi.Workspace().SetEnvVar("DOCKER_HOST", "unix:///no/such/engine")
		_, err := s.Up(t.Context())
		assert.ErrorContains(t, err, "no Docker engine answers at unix:///no/such/engine")
	})
}

// eventually waits until check finds nothing missing.
func eventually(t *testing.T, what string, check func(ctx context.Context) error) {
	t.Helper()
	require.NoError(t, wait.Within(t.Context(), settleTime, 250*time.Millisecond, what, check))
}

// requireRunning waits until the cluster has the stack's nodes and no other, and they all run.
func requireRunning(t *testing.T, out topology.Outputs) {
	t.Helper()
	eventually(t, "all nodes to run", func(ctx context.Context) error {
		status, body := get(ctx, out.ManagementURL+"/api/nodes", out.Username, out.Password)
		if status != 200 {
			return fmt.Errorf("the management interface answers %d", status)
		}
		var nodes []struct {
			Name    string `json:"name"`
			Running bool   `json:"running"`
		}
		if err := json.Unmarshal(body, &nodes); err != nil {
			return err
		}
		running := 0
		for _, n := range nodes {
			if n.Running {
				running++
			}
		}
		if want := len(out.Nodes); running != want || len(nodes) != want {
			return fmt.Errorf("%d of %d nodes run: %s", running, len(nodes), body)
		}
		return nil
	})
}

// requireServersUp waits until HAProxy finds every server of every backend up.
func requireServersUp(t *testing.T, out topology.Outputs) {
	t.Helper()
	eventually(t, "HAProxy to find all servers up", func(ctx context.Context) error {
		status, body := get(ctx, out.StatsURL+";csv", out.Username, out.StatsPassword)
		if status != 200 {
			return fmt.Errorf("the statistics page answers %d", status)
		}
		rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			return err
		}
		servers := 0
		for _, row := range rows {
			proxy, server, state := row[0], row[1], row[17]
			if server == "FRONTEND" || server == "BACKEND" || strings.HasPrefix(proxy, "#") {
				continue
			}
			if servers++; state != "UP" {
				return fmt.Errorf("server %s of %s is %s", server, proxy, state)
			}
		}
		if servers < 2*len(out.Nodes) {
			return fmt.Errorf("there are %d servers for AMQP and management", servers)
		}
		return nil
	})
}

// requireAMQP opens a connection and a channel.
func requireAMQP(t *testing.T, url string) {
	t.Helper()
	connection, err := amqp.DialConfig(url, amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
	require.NoError(t, err)
	defer connection.Close()
	_, err = connection.Channel()
	require.NoError(t, err)
}

// requireNoSecrets looks for secrets in all that the engine tells about the stack's containers.
func requireNoSecrets(t *testing.T, s *livestack.Stack, secrets ...string) {
	t.Helper()
	containers, _, _ := s.Leftovers(t.Context())
	require.GreaterOrEqual(t, len(containers), 9)
	for _, name := range containers {
		_, raw, err := s.Docker.ContainerInspectWithRaw(t.Context(), name, false)
		require.NoError(t, err)
		for _, secret := range secrets {
			require.NotEmpty(t, secret)
			assert.NotContains(t, string(raw), secret, name)
		}
		assert.NotContains(t, strings.ToLower(string(raw)), "erlang_cookie", name)
	}
}

// requireMembershipLost waits until the membership of a node has noticed that the node left.
func requireMembershipLost(t *testing.T, s *livestack.Stack, node string) {
	t.Helper()
	eventually(t, "the membership of "+node+" to be lost", func(ctx context.Context) error {
		membership, err := s.Docker.ContainerInspect(ctx, "warren-"+s.Name+"-"+node+"-join")
		if err == nil && membership.State.Health.Status != container.Unhealthy {
			err = fmt.Errorf("the membership of %s is %s", node, membership.State.Health.Status)
		}
		return err
	})
}

// fewestUntil counts again and again until the returned function is called, which returns the fewest that
// there were.
func fewestUntil(t *testing.T, every time.Duration, count func() int) (fewest func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	lowest := make(chan int, 1)
	go func() {
		low := count()
		for wait.Sleep(ctx, every) == nil {
			low = min(low, count())
		}
		lowest <- low
	}()
	return func() int { stop(); return <-lowest }
}

// taking counts the ports behind which a node takes clients.
func taking(ports ...int) func() int {
	return func() int {
		n := 0
		for _, port := range ports {
			if greet(port) == nil {
				n++
			}
		}
		return n
	}
}

// failuresUntil tries again and again until the returned function is called, which returns when and why a try
// failed.
func failuresUntil(t *testing.T, every time.Duration, try func() error) (failures func() []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan []string, 1)
	go func() {
		var failed []string
		for begun := time.Now(); wait.Sleep(ctx, every) == nil; begun = time.Now() {
			if err := try(); err != nil {
				failed = append(failed, fmt.Sprintf("%s, after %v: %v",
					begun.Format(time.TimeOnly), time.Since(begun).Round(time.Millisecond), err))
			}
		}
		done <- failed
	}()
	return func() []string { stop(); return <-done }
}

// greet tells why no node answers the header by which an AMQP client begins.
func greet(port int) error {
	const timeout = 10 * time.Second // a node on a busy machine answers late; one that is away refuses at once
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

// get asks a web server with a password and returns status and body; 0 if there is no answer.
func get(ctx context.Context, url, user, password string) (int, []byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil
	}
	request.SetBasicAuth(user, password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := io.Copy(&body, response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, body.Bytes()
}
