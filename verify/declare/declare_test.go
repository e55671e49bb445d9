package declare

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
)

// broker is as much of the management API as declaring needs. Its contents are by path, as PUT there.
type broker struct {
	mutex    sync.Mutex
	contents map[string]map[string]any
	bindings []map[string]any
	writes   int
}

func (b *broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/")
	if r.Method == http.MethodGet {
		b.answer(w, path)
		return
	}
	b.writes++
	var body map[string]any
	text, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(text, &body)
	if strings.HasPrefix(path, "bindings/") {
		b.bindings = append(b.bindings, body)
	} else {
		b.contents[path] = body
	}
	w.WriteHeader(http.StatusCreated)
}

func (b *broker) answer(w http.ResponseWriter, path string) {
	switch {
	case path == "whoami":
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "admin", "tags": []string{"administrator"}})
	case strings.HasPrefix(path, "bindings/"):
		found := []map[string]any{}
		for _, binding := range b.bindings {
			if path == "bindings/%2F/e/"+binding["source"].(string)+"/q/"+binding["destination"].(string) {
				found = append(found, binding)
			}
		}
		_ = json.NewEncoder(w).Encode(found)
	case b.contents[path] != nil:
		_ = json.NewEncoder(w).Encode(b.contents[path])
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"Object Not Found","reason":"Not Found"}`)
	}
}

// open returns a cluster of one node, which is the broker.
func open(t *testing.T, b *broker) *cluster.Cluster {
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(address.Port())
	require.NoError(t, err)
	c, err := cluster.Open(topology.Outputs{
		ManagementURL: server.URL, Username: "admin", Password: "secret",
		Nodes: []topology.NodeOutput{{Name: "rabbit1", NodeName: "rabbit@rabbit1", ManagementPort: port}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func newBroker() *broker {
	return &broker{contents: map[string]map[string]any{"vhosts/%2F": {"name": "/"}}}
}

// example has something of each kind.
func example() topology.Application {
	return topology.Application{
		VirtualHost: "/",
		Exchanges:   []topology.Exchange{{Name: "ha_exchange", Type: "direct"}},
		Queues:      []topology.Queue{{Name: "ha_queue", Arguments: map[string]any{"x-queue-type": "quorum"}}},
		Bindings:    []topology.Binding{{Source: "ha_exchange", Destination: "ha_queue", RoutingKey: "ha_route"}},
	}
}

func TestApplicationIsDeclaredOnce(t *testing.T) {
	b := newBroker()
	c := open(t, b)
	app := example()
	things := len(app.Exchanges) + len(app.Queues) + len(app.Bindings)

	first, err := Report(t.Context(), c, app)
	require.NoError(t, err)
	assert.Equal(t, things, b.writes)
	assert.Equal(t, Result{"vhost", "/", false}, first[0])
	for _, result := range first[1:] {
		assert.True(t, result.Created, result)
	}
	queue := b.contents["queues/%2F/ha_queue"]
	assert.Equal(t, true, queue["durable"])
	assert.Equal(t, "quorum", queue["arguments"].(map[string]any)["x-queue-type"])

	second, err := Report(t.Context(), c, app)
	require.NoError(t, err)
	assert.Equal(t, things, b.writes, "the second time nothing is sent")
	for _, result := range second {
		assert.False(t, result.Created, result)
	}
}

func TestQueueWithOtherArgumentsIsLeftAloneAndShown(t *testing.T) {
	b := newBroker()
	b.contents["queues/%2F/ha_queue"] = map[string]any{
		"name": "ha_queue", "durable": true, "auto_delete": false,
		"arguments": map[string]any{"x-queue-type": "quorum", "x-max-length": 5, "x-expires": 60000},
	}
	app := topology.Application{VirtualHost: "/", Queues: []topology.Queue{
		{Name: "other", Arguments: map[string]any{"x-queue-type": "quorum"}},
		{Name: "ha_queue", Arguments: map[string]any{"x-queue-type": "quorum", "x-max-length": int64(10000)}},
	}}
	err := Application(t.Context(), open(t, b), app)
	var mismatch *MismatchError
	require.ErrorAs(t, err, &mismatch)
	assert.Equal(t, []Difference{{"x-expires", "-", "60000"}, {"x-max-length", "10000", "5"}},
		mismatch.Differences)
	assert.ErrorContains(t, err, `queue "ha_queue" in vhost "/" is there with other properties:
  PROPERTY      WANTED  FOUND
  x-expires     -       60000
  x-max-length  10000   5
`)
	assert.Zero(t, b.writes, "nothing is declared, not even the queue that could be")
}

func TestEveryMismatchIsReported(t *testing.T) {
	b := newBroker()
	b.contents["queues/%2F/ha_queue"] = map[string]any{"durable": false, "arguments": map[string]any{}}
	b.contents["exchanges/%2F/ha_exchange"] = map[string]any{"durable": true, "type": "fanout"}
	err := Application(t.Context(), open(t, b), example())
	assert.ErrorContains(t, err, `exchange "ha_exchange"`)
	assert.ErrorContains(t, err, `"direct"  "fanout"`)
	assert.ErrorContains(t, err, `queue "ha_queue"`)
}

func TestMissingVHostIsCreated(t *testing.T) {
	b := newBroker()
	err := Application(t.Context(), open(t, b), topology.Application{VirtualHost: "orders"})
	require.NoError(t, err)
	assert.Contains(t, b.contents, "vhosts/orders")
}

func TestClusterThatDoesNotAnswerIsAnError(t *testing.T) {
	c := open(t, newBroker())
	outputs := c.Outputs()
	outputs.Nodes[0].ManagementPort = 1 // nothing listens there
	err := Application(t.Context(), c, example())
	assert.ErrorIs(t, err, cluster.ErrNoNodeAnswers)
}
