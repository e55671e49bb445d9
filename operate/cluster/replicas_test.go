package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/topology"
)

// member is a replica as the API shows one that runs; it has written all of the log up to an index.
func member(node, state, membership string, written, commit int) string {
	return fmt.Sprintf(`{"Node Name":"rabbit@%s","Raft State":"%s","Membership":"%s","Last Written":%d,"Commit Index":%d}`,
		node, state, membership, written, commit)
}

// absent is one that does not run.
func absent(node string) string {
	return fmt.Sprintf(`{"Node Name":"rabbit@%s","Raft State":"noproc","Membership":"","Last Written":"","Commit Index":""}`, node)
}

func TestReplicasSayHowTheyAre(t *testing.T) {
	for _, test := range []struct {
		name     string
		replicas []string
		want     Queue
	}{
		{"all well", []string{
			member("a", "leader", "voter", 9, 9), member("b", "follower", "voter", 9, 8),
			member("c", "follower", "voter", 9, 9),
		}, Queue{Leader: "rabbit@a", Online: []string{"rabbit@a", "rabbit@b", "rabbit@c"}}},
		{"one got a snapshot, and nothing since", []string{
			member("a", "leader", "voter", 9, 9), member("b", "follower", "voter", 9, 9),
			`{"Node Name":"rabbit@c","Raft State":"follower","Membership":"voter","Last Written":5,"Snapshot Index":9,"Commit Index":9}`,
		}, Queue{Leader: "rabbit@a", Online: []string{"rabbit@a", "rabbit@b", "rabbit@c"}}},
		{"half deleted", []string{absent("a"), absent("b"), absent("c")}, Queue{}},
		{"a node is away", []string{member("a", "leader", "voter", 9, 9), absent("b")},
			Queue{Leader: "rabbit@a", Online: []string{"rabbit@a"}}},
		{"a new replica", []string{member("a", "leader", "voter", 900, 900),
			member("b", "follower", "promotable", 100, 90)}, Queue{
			Leader: "rabbit@a", Online: []string{"rabbit@a", "rabbit@b"}, NonVoters: []string{"rabbit@b"},
			Behind: map[string]int64{"rabbit@b": 800},
		}},
		{"an election", []string{member("a", "candidate", "voter", 9, 9), member("b", "follower", "voter", 9, 9)},
			Queue{Online: []string{"rabbit@b"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replicas []replica
			for _, text := range test.replicas {
				var r replica
				require.NoError(t, json.Unmarshal([]byte(text), &r))
				replicas = append(replicas, r)
			}
			queue := Queue{Leader: "rabbit@z", Online: []string{"rabbit@z"}} // what the record said
			queue.judge(replicas)
			assert.Equal(t, test.want, queue)
		})
	}
}

// serve opens a cluster of one node whose management API is a handler.
func serve(t *testing.T, handler http.HandlerFunc) (*Cluster, topology.NodeOutput) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(at.Host)
	require.NoError(t, err)
	node := topology.NodeOutput{Name: "a", NodeName: "rabbit@a"}
	node.ManagementPort, err = strconv.Atoi(port)
	require.NoError(t, err)
	c, err := Open(topology.Outputs{ManagementURL: server.URL, Nodes: []topology.NodeOutput{node}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c, node
}

// TestQueuesAreAskedOneByOneOnlyForTheirReplicas lists a queue of each type. The quorum queue is busy: a
// follower lags when it is asked first, and has by the second time what was committed then.
func TestQueuesAreAskedOneByOneOnlyForTheirReplicas(t *testing.T) {
	asked := map[string]int{}
	var mu sync.Mutex // guards asked
	c, node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		path := r.URL.EscapedPath()
		asked[path]++
		switch path {
		case "/api/queues":
			assert.Equal(t, "true", r.URL.Query().Get("disable_stats"))
			fmt.Fprint(w,
				`[{"vhost":"b","name":"q/1","type":"quorum","leader":"rabbit@a","members":["rabbit@a","rabbit@b"]},
				{"vhost":"/","name":"c","type":"classic","node":"rabbit@a","state":"running"},
				{"vhost":"/","name":"mine","type":"classic","exclusive":true},
				{"vhost":"/","name":"s","type":"stream","online":["rabbit@a"],"totals":null}]`)
		case "/api/consumers":
			fmt.Fprint(w,
				`[{"queue":{"vhost":"b","name":"q/1"}},{"queue":{"vhost":"/","name":"s"}},{"queue":{"vhost":"b","name":"q/1"}}]`)
		case "/api/queues/quorum/b/q%2F1/status":
			commit := 10 * asked[path]
			fmt.Fprintf(w, "[%s,%s]", member("a", "leader", "voter", commit, commit),
				member("b", "follower", "voter", commit-5, 0))
		case "/api/queues/%2F/s":
			fmt.Fprint(w,
				`{"vhost":"/","name":"s","type":"stream","leader":"rabbit@a","members":["rabbit@a","rabbit@b"],"online":["rabbit@a"]}`)
		default:
			t.Errorf("asked for %s", path)
		}
	})
	queues, err := c.Queues(t.Context(), node)
	require.NoError(t, err)
	require.Len(t, queues, 3)
	assert.Equal(t, []string{"c", "s", "q/1"}, []string{queues[0].Name, queues[1].Name, queues[2].Name})
	assert.Equal(t, "rabbit@a", queues[1].Leader)
	assert.Equal(t, []string{"rabbit@a", "rabbit@b"}, queues[1].Members)
	assert.Equal(t, 1, queues[1].Consumers)
	assert.Equal(t, []string{"rabbit@a", "rabbit@b"}, queues[2].Online)
	assert.Empty(t, queues[2].Behind)
	assert.Equal(t, 2, queues[2].Consumers)
	assert.Equal(t, 2, asked["/api/queues/quorum/b/q%2F1/status"])
}

func TestQueueThatIsGoneWhenItIsAskedKeepsWhatTheListSaid(t *testing.T) {
	c, node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/queues":
			fmt.Fprint(w,
				`[{"vhost":"/","name":"q","type":"quorum","leader":"rabbit@a","members":["rabbit@a"],"online":["rabbit@a"]}]`)
		case "/api/consumers":
			http.Error(w, "{}", http.StatusServiceUnavailable)
		default:
			http.Error(w, `{"error":"Object Not Found"}`, http.StatusNotFound)
		}
	})
	queues, err := c.Queues(t.Context(), node)
	require.NoError(t, err)
	assert.Equal(t, "rabbit@a", queues[0].Leader)
	assert.Equal(t, UnknownConsumers, queues[0].Consumers) // nobody could be asked
}

func TestReplicasOfAllQueues(t *testing.T) {
	of := func(name, replica string) string { return `{"vhost":"/","name":"` + name + `",` + replica[1:] }
	replicas, err := parseReplicas(`{"node":"rabbit@a","result":"ok","value":[` +
		of("a", member("a", "leader", "voter", 9, 9)) + "," + of("b", absent("a")) + "," +
		of("a", member("b", "follower", "promotable", 2, 2)) + "," + of("a", absent("c")) + "]}")
	require.NoError(t, err)
	queue := Queue{}
	queue.judge(membersOnly(replicas[plan.QueueID{VHost: "/", Name: "a"}], []string{"rabbit@a", "rabbit@b"}))
	assert.Equal(t, Queue{
		Leader: "rabbit@a", Online: []string{"rabbit@a", "rabbit@b"}, NonVoters: []string{"rabbit@b"},
		Behind: map[string]int64{"rabbit@b": 7},
	}, queue)
	_, err = parseReplicas("Error: undefined function")
	assert.Error(t, err)
}
