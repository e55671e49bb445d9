package topology

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// metrics imitates a part of what a node answers to GET /metrics.
func metrics(links map[string]string, rest string) string {
	var b strings.Builder
	b.WriteString("# TYPE erlang_vm_dist_proc_status gauge\nerlang_vm_dist_proc_status{peer=\"rabbit@rabbit9\",type=\"dist\"} 3\n")
	b.WriteString("# TYPE erlang_vm_dist_node_state gauge\n# HELP erlang_vm_dist_node_state pending=1, up_pending=2, up=3.\n")
	for peer, state := range links {
		b.WriteString(`erlang_vm_dist_node_state{peer="` + peer + `"} ` + state + "\n")
	}
	b.WriteString("# TYPE erlang_vm_dist_node_queue_size_bytes gauge\nerlang_vm_dist_node_queue_size_bytes{peer=\"rabbit@rabbit9\"} 3\n")
	return b.String() + rest
}

func TestMajorityPattern(t *testing.T) {
	const (
		noneOut = "rabbitmq_unreachable_cluster_peers_count 0\n"
		oneOut  = "rabbitmq_unreachable_cluster_peers_count 1\n"
		twoOut  = "rabbitmq_unreachable_cluster_peers_count 2\n"
	)
	for _, c := range []struct {
		name    string
		nodes   int
		image   string
		metrics string
		serves  bool
	}{
		{"all links up", 3, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "3", "rabbit@rabbit3": "3"}, noneOut), true},
		{"one link up", 3, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "3", "rabbit@rabbit3": "1"}, oneOut), true},
		{"one link up, the other forgotten", 3, "rabbitmq:3.10", metrics(map[string]string{"rabbit@rabbit2": "3"}, ""), true},
		{"all links pending", 3, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "1", "rabbit@rabbit3": "1"}, twoOut), false},
		{"no links", 3, "rabbitmq:3.10", metrics(nil, ""), false},
		{"a link that is half up", 3, "rabbitmq:3.10", metrics(map[string]string{"rabbit@rabbit2": "2"}, ""), false},
		{"only a command line tool", 3, "rabbitmq:4.3", metrics(map[string]string{"rabbitmqcli-77-rabbit@rabbit1": "3"}, twoOut), false},
		{"links missing, all peers reached", 3, "rabbitmq:4.3", "# TYPE other gauge\n" + noneOut, true},
		{"links missing, one peer reached", 3, "rabbitmq:4.3", "# TYPE other gauge\n" + oneOut, true},
		{"links missing, no peer reached", 3, "rabbitmq:4.3", "# TYPE other gauge\n" + twoOut, false},
		{"one of four links", 5, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "3", "rabbit@rabbit3": "1"}, ""), false},
		{"two of four links", 5, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "3", "rabbit@rabbit3": "3", "rabbit@rabbit4": "1"}, ""), true},
		{"two of four peers out", 5, "rabbitmq:4.3", twoOut, true},
		{"three of four peers out", 5, "rabbitmq:4.3", "rabbitmq_unreachable_cluster_peers_count 3\n", false},
		{"two nodes of four", 4, "rabbitmq:4.3", metrics(map[string]string{"rabbit@rabbit2": "3"}, twoOut), false},
		{"three nodes of four", 4, "rabbitmq:4.3", oneOut, true},
		{"eleven peers out", 15, "rabbitmq:4.3", "rabbitmq_unreachable_cluster_peers_count 11\n", false},
		{"no metrics at all", 3, "rabbitmq:4.3", "", false},
	} {
		cluster, err := New("dev", Config{Nodes: NodesConfig{Count: c.nodes}, Image: c.image})
		require.NoError(t, err)
		pattern := regexp.MustCompile(haproxyData{Cluster: cluster}.MajorityPattern())
		assert.Equal(t, c.serves, pattern.MatchString(c.metrics), c.name)
	}
}

func TestHAProxyQuote(t *testing.T) {
	assert.Equal(t, `'a b"$x\'`, haproxyQuote(`a b"$x\`))
	assert.Equal(t, `'it'\''s'`, haproxyQuote("it's"))
	assert.Equal(t, `''`, haproxyQuote(""))
}

func TestTheStatisticsPageNeedsAPasswordAndAdministersNothing(t *testing.T) {
	c, err := New("dev", Config{})
	require.NoError(t, err)
	conf := c.HAProxyConf(Secrets{AdminPassword: "a", StatsPassword: "s"})
	assert.Contains(t, conf, "stats auth 'admin:s'")
	assert.NotContains(t, conf, "stats admin")
}

func TestTheManagementCheckFitsTheSeries(t *testing.T) {
	for image, path := range map[string]string{
		"rabbitmq:3.13": "/api/health/checks/port-listener/5672", "rabbitmq:4.0": "/api/health/checks/port-listener/5672",
		"rabbitmq:4.1": "/api/health/checks/is-in-service", "rabbitmq:4.3": "/api/health/checks/is-in-service",
	} {
		c, err := New("dev", Config{Image: image})
		require.NoError(t, err)
		assert.Contains(t, c.HAProxyConf(testSecrets), "http-check send meth GET uri "+path+" hdr Authorization 'Basic ", image)
	}
}
