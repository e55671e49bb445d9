package rabbit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/rabbit"
	"warren/topology"
)

const (
	node   = "rabbit@rabbit1"
	cookie = "COOKIE"
)

// server is a management API, of one user and with global parameters.
type server struct {
	mu         sync.Mutex
	password   string
	parameters map[string]json.RawMessage
	permitted  []string
	requests   []string
	metrics    string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/metrics") {
		fmt.Fprint(w, s.metrics)
		return
	}
	s.requests = append(s.requests, r.Method+" "+r.URL.EscapedPath())
	if user, password, _ := r.BasicAuth(); user != topology.AgentUsername || password != s.password {
		http.Error(w, `{"error":"not_authorized"}`, http.StatusUnauthorized)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/api/global-parameters/")
	switch {
	case r.URL.Path == "/api/whoami":
	case r.URL.Path == "/api/vhosts":
		fmt.Fprint(w, `[{"name":"/"},{"name":"a b/c"}]`)
	case r.URL.Path == "/api/users/warren-agent/permissions":
		fmt.Fprint(w, `[{"vhost":"/","configure":".*","write":".*","read":".*"}]`)
	case strings.HasPrefix(r.URL.Path, "/api/permissions/"):
		s.permitted = append(s.permitted, r.URL.Path)
	case r.URL.Path == "/api/global-parameters":
		var list []map[string]any
		for name, value := range s.parameters {
			list = append(list, map[string]any{"name": name, "value": value})
		}
		_ = json.NewEncoder(w).Encode(list)
	case r.Method == http.MethodPut:
		var body struct{ Value json.RawMessage }
		text, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(text, &body)
		s.parameters[name] = body.Value
	case r.Method == http.MethodDelete:
		delete(s.parameters, name)
	default:
		http.NotFound(w, r)
	}
}

// tools take notes of commands, and let the server know the user's new password.
type tools struct {
	server   *server
	commands []rabbit.Command
	fail     string
}

func (t *tools) Run(_ context.Context, command rabbit.Command) (string, error) {
	t.commands = append(t.commands, command)
	if command.Args[0] == t.fail {
		return "", &rabbit.ToolError{Command: command, Err: errors.New("exit status 70")}
	}
	if command.Input != "" {
		t.server.mu.Lock()
		t.server.password = command.Input
		t.server.mu.Unlock()
	}
	return "", nil
}

// start returns a client of a server.
func start(t *testing.T, s *server) (*rabbit.Client, *tools) {
	t.Helper()
	if s.parameters == nil {
		s.parameters = map[string]json.RawMessage{}
	}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listening.Listener.Addr().String())
	}
	tools := &tools{server: s}
	return rabbit.New(cookie, tools, dial), tools
}

func TestARefusedUserIsRestoredByTheToolsAndTheRequestRepeated(t *testing.T) {
	for name, exists := range map[string]bool{"it is gone": false, "its password is another": true} {
		t.Run(name, func(t *testing.T) {
			client, tools := start(t, &server{password: "another"})
			if exists {
				tools.fail = "add_user"
			}
			_, err := client.GlobalParameters(t.Context(), node)
			require.NoError(t, err)
			password := topology.Secrets{ErlangCookie: cookie}.AgentPassword()
			for _, command := range tools.commands {
				assert.NotContains(t, strings.Join(command.Args, " "), password, "it would show in the list of processes")
			}
			last := tools.commands[len(tools.commands)-1]
			assert.Equal(t, []string{"set_user_tags", "warren-agent", "administrator", "warren"}, last.Args)
		})
	}
}

func TestAUserThatCanNotBeRestoredIsAnError(t *testing.T) {
	s := &server{password: "another"}
	client, tools := start(t, s)
	tools.fail = "set_user_tags"
	_, err := client.GlobalParameters(t.Context(), node)
	require.ErrorIs(t, err, rabbit.ErrUnauthorized)
	assert.ErrorContains(t, err, "set_user_tags")
	assert.NotContains(t, err.Error(), topology.Secrets{ErlangCookie: cookie}.AgentPassword())
}

func TestTheAgentGetsPermissionsInEveryVirtualHost(t *testing.T) {
	s := &server{password: topology.Secrets{ErlangCookie: cookie}.AgentPassword()}
	client, _ := start(t, s)
	vhosts, err := client.VHosts(t.Context(), node)
	require.NoError(t, err)
	assert.Equal(t, []string{"/", "a b/c"}, vhosts)
	assert.Equal(t, []string{"/api/permissions/a b/c/warren-agent"}, s.permitted)
}

func TestLostReplicasOfAnyNumberAreKept(t *testing.T) {
	s := &server{password: topology.Secrets{ErlangCookie: cookie}.AgentPassword()}
	client, _ := start(t, s)
	var queues []rabbit.QueueName
	for i := range 3000 {
		queues = append(queues, rabbit.QueueName{VHost: "/", Name: fmt.Sprintf("%036d\t\"\n", i)})
	}
	require.NoError(t, client.SetLostReplicas(t.Context(), node, "rabbit@rabbit2", queues))
	require.NoError(t, client.SetLostReplicas(t.Context(), node, "rabbit@rabbit3", queues[:1]))
	lost, err := client.LostReplicas(t.Context(), node)
	require.NoError(t, err)
	assert.ElementsMatch(t, queues, lost["rabbit@rabbit2"])

	require.NoError(t, client.SetLostReplicas(t.Context(), node, "rabbit@rabbit2", queues[:2]))
	lost, err = client.LostReplicas(t.Context(), node)
	require.NoError(t, err)
	assert.Equal(t, queues[:2], lost["rabbit@rabbit2"])
	assert.Equal(t, queues[:1], lost["rabbit@rabbit3"], "what another node has lost stays")

	require.NoError(t, client.SetLostReplicas(t.Context(), node, "rabbit@rabbit2", nil))
	lost, err = client.LostReplicas(t.Context(), node)
	require.NoError(t, err)
	assert.NotContains(t, lost, "rabbit@rabbit2")
}

func TestUnreadableLostReplicasAreAnError(t *testing.T) {
	s := &server{
		password:   topology.Secrets{ErlangCookie: cookie}.AgentPassword(),
		parameters: map[string]json.RawMessage{"warren_lost_replicas.0.rabbit@rabbit2": json.RawMessage(`"?"`)},
	}
	client, _ := start(t, s)
	_, err := client.LostReplicas(t.Context(), node)
	assert.ErrorContains(t, err, "warren_lost_replicas.0.rabbit@rabbit2")
}

func TestIdentity(t *testing.T) {
	s := &server{metrics: `# TYPE rabbitmq_build_info untyped
rabbitmq_build_info{rabbitmq_version="4.3.6",erlang_version="29.1.1"} 1
rabbitmq_identity_info{rabbitmq_node="rabbit@rabbit1",rabbitmq_cluster_permanent_id="id-1"} 1
`}
	client, _ := start(t, s)
	id, err := client.Identity(t.Context(), node)
	require.NoError(t, err)
	assert.Equal(t, rabbit.Identity{Node: node, ClusterID: "id-1", Version: "4.3.6"}, id)

	s.metrics = `rabbitmq_build_info{rabbitmq_version="4.3.6"} 1` + "\n"
	_, err = client.Identity(t.Context(), node)
	assert.ErrorContains(t, err, "does not tell yet which cluster it is in")
}

func TestRaftOfBothWaysToNameTheMetrics(t *testing.T) {
	const name = `queue \"q\\1\"\n, x=}{`
	for _, prefix := range []string{"rabbitmq_detailed_raft_", "rabbitmq_detailed_raft_log_"} {
		s := &server{metrics: prefix + `commit_index{vhost="/",queue="` + name + `"} 12.0` + "\n" +
			prefix + `snapshot_index{queue="` + name + `",vhost="/"} 13.0` + "\n" +
			prefix + `last_written_index{queue="` + name + `",vhost="/"} 11.0` + "\n" +
			prefix + `commit_index{module="rabbit_khepri",ra_system="coordination"} 7.0` + "\n"}
		client, _ := start(t, s)
		groups, err := client.Raft(t.Context(), node)
		require.NoError(t, err)
		queue := rabbit.QueueName{VHost: "/", Name: "queue \"q\\1\"\n, x=}{"}
		assert.Equal(t, map[rabbit.QueueName]rabbit.RaftGroup{queue: {Stored: 13, CommitIndex: 12}}, groups.Queues)
		require.NotNil(t, groups.Khepri)
		assert.EqualValues(t, 7, groups.Khepri.CommitIndex)
	}
}

func TestWhatIsNoMetricIsAnError(t *testing.T) {
	for _, line := range []string{"word", `m{a="b`, `m{a} 1`, `m{a="b"} x`} {
		client, _ := start(t, &server{metrics: line + "\n"})
		_, err := client.Raft(t.Context(), node)
		assert.Errorf(t, err, "%s", line)
	}
}

func TestGreetsTellsABrokerFromWhatRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		greets bool
	}{
		"a broker's method frame": {"\x01\x00\x00", true},
		"refused":                 {"AMQP\x00\x00\x09\x01", false},
		"broken off":              {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			dial := func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					_, _ = io.ReadFull(theirs, make([]byte, len("AMQP\x00\x00\x09\x01")))
					_, _ = io.WriteString(theirs, test.answer)
				}()
				return ours, nil
			}
			client := rabbit.New(cookie, &tools{}, dial)
			assert.Equal(t, test.greets, client.Greets(t.Context(), node, topology.AMQPPort))
		})
	}
}

func TestAnUnknownIndexIsText(t *testing.T) {
	var member rabbit.RaftMember
	require.NoError(t, json.Unmarshal(
		[]byte(`{"Node Name":"n","Raft State":"noproc","Last Written":"","Commit Index":4}`), &member))
	assert.EqualValues(t, -1, member.LastWritten)
	assert.EqualValues(t, 4, member.CommitIndex)
}

func TestTransfersNameQueuesInBase64(t *testing.T) {
	client, tools := start(t, &server{})
	transfers := []rabbit.Transfer{{Queue: rabbit.QueueName{VHost: "/", Name: `"), halt(). %`},
		To: "rabbit@rabbit2"}}
	require.NoError(t, client.TransferLeadership(t.Context(), node, transfers))
	expression := tools.commands[0].Args[1]
	assert.NotContains(t, expression, "halt")
	assert.Contains(t, expression, `{"Lw==","IiksIGhhbHQoKS4gJQ==",'rabbit@rabbit2'}`)
}

func TestALocalToolIsKilledWithWhatItStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := rabbit.LocalTools{}.Run(ctx, rabbit.Command{Tool: "sh", Node: node})
	assert.ErrorIs(t, err, context.Canceled)
}
