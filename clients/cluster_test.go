//go:build cluster

package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	docker "github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// outputsFile names the environment variable with the path of a JSON file of the outputs of the stack to test
// against.
const outputsFile = "WARREN_TEST_OUTPUTS"

// patience is how long tests wait for what should happen soon, on a machine that may be busy.
const patience = 2 * time.Minute

// readOutputs returns the outputs of the stack to test against.
func readOutputs(t testing.TB) topology.Outputs {
	t.Helper()
	path := os.Getenv(outputsFile)
	require.NotEmpty(t, path, "set %s to a file with the JSON outputs of a running stack", outputsFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var outputs topology.Outputs
	require.NoError(t, json.Unmarshal(data, &outputs))
	return outputs
}

// changeURI returns the URI after a change to it.
func changeURI(t testing.TB, uri string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(uri)
	require.NoError(t, err)
	change(u)
	return u.String()
}

// dialBroker connects with the bare library, for what a test needs besides the clients under test.
func dialBroker(t testing.TB, uri string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(uri)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	return ch
}

// declareQueue declares a quorum queue of the test's own, and deletes it in the end.
func declareQueue(t testing.TB, uri string, args amqp.Table) string {
	t.Helper()
	name := fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())
	redeclareQueue(t, uri, name, args)
	t.Cleanup(func() {
		_, err := dialBroker(t, uri).QueueDelete(name, false, false, false)
		require.NoError(t, err)
	})
	return name
}

func redeclareQueue(t testing.TB, uri, name string, args amqp.Table) {
	t.Helper()
	all := amqp.Table{"x-queue-type": "quorum", "x-quorum-initial-group-size": 3}
	maps.Copy(all, args)
	_, err := dialBroker(t, uri).QueueDeclare(name, true, false, false, false, all)
	require.NoError(t, err)
}

// newTestProducer makes a producer that is closed at the end of the test, with nothing unconfirmed.
func newTestProducer(t testing.TB, endpoints []string, opts ...ProducerOption) *Producer {
	t.Helper()
	p, err := NewProducer(endpoints, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, p.Close(ctx))
	})
	return p
}

// startConsumer runs a consumer until the test ends, or stop is called, which returns what Run returned.
func startConsumer(t testing.TB, endpoints []string, queue string, h Handler,
	opts ...ConsumerOption) (*Consumer, func() error) {
	t.Helper()
	c, err := NewConsumer(endpoints, queue, h, opts...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ran
	})
	t.Cleanup(func() { _ = stop() })
	return c, stop
}

// publishAll publishes messages with the given bodies to a queue.
func publishAll(t testing.TB, endpoint, queue string, bodies ...string) {
	t.Helper()
	p := newTestProducer(t, []string{endpoint})
	for _, body := range bodies {
		require.NoError(t, p.Publish(testContext(t, patience), Message{RoutingKey: queue, Body: []byte(body)}))
	}
}

func testContext(t testing.TB, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// stateLog records changes of state.
type stateLog struct {
	mu      sync.Mutex
	changes []StateChange
}

func (l *stateLog) record(c StateChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = append(l.changes, c)
}

// count is how many changes led to a state.
func (l *stateLog) count(to State) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.changes {
		if c.To == to {
			n++
		}
	}
	return n
}

// last is the error of the latest change to a state.
func (l *stateLog) last(to State) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.changes {
		if c.To == to {
			err = c.Err
		}
	}
	return err
}

// eventually waits for a condition.
func eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, patience, 20*time.Millisecond, what)
}

// engine is the Docker engine that the stack's containers run on.
type engine struct {
	t      testing.TB
	client *docker.Client
}

func newEngine(t testing.TB) *engine {
	t.Helper()
	client, err := docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return &engine{t: t, client: client}
}

func (e *engine) kill(name string) {
	e.t.Helper()
	require.NoError(e.t, e.client.ContainerKill(context.Background(), name, "KILL"))
}

func (e *engine) start(name string) {
	e.t.Helper()
	require.NoError(e.t, e.client.ContainerStart(context.Background(), name, container.StartOptions{}))
}

func (e *engine) restart(name string) {
	e.t.Helper()
	require.NoError(e.t, e.client.ContainerRestart(context.Background(), name, container.StopOptions{}))
}

// exec runs a command in a container and returns its standard output.
func (e *engine) exec(name string, command ...string) string {
	e.t.Helper()
	ctx := testContext(e.t, patience)
	created, err := e.client.ContainerExecCreate(ctx, name, container.ExecOptions{
		Cmd: command, AttachStdout: true, AttachStderr: true,
	})
	require.NoError(e.t, err)
	attached, err := e.client.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{})
	require.NoError(e.t, err)
	defer attached.Close()
	var stdout, stderr strings.Builder
	_, err = stdcopy.StdCopy(&stdout, &stderr, attached.Reader)
	require.NoError(e.t, err)
	inspected, err := e.client.ContainerExecInspect(ctx, created.ID)
	require.NoError(e.t, err)
	require.Zero(e.t, inspected.ExitCode, "%s: %v: %s", name, command, stderr.String())
	return strings.TrimSpace(stdout.String())
}

// onlineMembers is how many of a queue's members are up, as any node that answers tells.
func onlineMembers(outputs topology.Outputs, queue string) int {
	var answer struct {
		Online []string `json:"online"`
	}
	_ = ask(context.Background(), outputs, "queues/%2F/"+url.PathEscape(queue),
		&answer) // none, if nobody answers
	return len(answer.Online)
}

// leaderOf is a Locator of a queue's leader.
func leaderOf(outputs topology.Outputs, queue string) Locator {
	return func(ctx context.Context) (string, error) {
		var answer struct {
			Leader string `json:"leader"`
		}
		err := ask(ctx, outputs, "queues/%2F/"+url.PathEscape(queue), &answer)
		return answer.Leader, err
	}
}

// connectedNodes are the nodes of all connections of a name, sorted.
func connectedNodes(outputs topology.Outputs, name string) (nodes []string) {
	var connections []struct {
		Node string `json:"node"`
		Name string `json:"user_provided_name"`
	}
	_ = ask(context.Background(), outputs, "connections?columns=node,user_provided_name",
		&connections) // none, if nobody answers
	for _, c := range connections {
		if c.Name == name {
			nodes = append(nodes, c.Node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// ask decodes what the management API of the first node that answers has to GET /api/{path}.
func ask(ctx context.Context, outputs topology.Outputs, path string, into any) (err error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, node := range outputs.Nodes {
		uri := fmt.Sprintf("http://127.0.0.1:%d/api/%s", node.ManagementPort, path)
		var request *http.Request
		if request, err = http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody); err != nil {
			return err
		}
		request.SetBasicAuth(outputs.Username, outputs.Password)
		var response *http.Response
		if response, err = client.Do(request); err != nil {
			continue
		}
		err = json.NewDecoder(response.Body).Decode(into)
		_ = response.Body.Close()
		if err == nil && response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("no node answers: %w", err)
}
