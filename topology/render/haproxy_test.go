package render_test

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// metrics imitates a part of what a node answers to GET /metrics.
func metrics(links map[string]string) string {
	var b strings.Builder
	b.WriteString(`# TYPE erlang_vm_dist_proc_status gauge
erlang_vm_dist_proc_status{peer="rabbit@rabbit9",type="dist"} 3
# TYPE erlang_vm_dist_node_state gauge
# HELP erlang_vm_dist_node_state pending=1, up_pending=2, up=3.
`)
	for peer, state := range links {
		b.WriteString(`erlang_vm_dist_node_state{peer="` + peer + `"} ` + state + "\n")
	}
	b.WriteString(`# TYPE erlang_vm_dist_node_queue_size_bytes gauge
erlang_vm_dist_node_queue_size_bytes{peer="rabbit@rabbit9"} 3
`)
	return b.String()
}

func TestMinorityPattern(t *testing.T) {
	type links = map[string]string
	for _, c := range []struct {
		name     string
		nodes    int
		metrics  string
		minority bool
	}{
		{"all links up", 3, metrics(links{"rabbit@rabbit2": "3", "rabbit@rabbit3": "3"}), false},
		{"one link up", 3, metrics(links{"rabbit@rabbit2": "3", "rabbit@rabbit3": "1"}), false},
		{"one link up, the other forgotten", 3, metrics(links{"rabbit@rabbit2": "3"}), false},
		{"all links pending", 3, metrics(links{"rabbit@rabbit2": "1", "rabbit@rabbit3": "1"}), true},
		{"no links", 3, metrics(nil), true},
		{"a link that is half up", 3, metrics(links{"rabbit@rabbit2": "2"}), true},
		{"only a command line tool", 3, metrics(links{"rabbitmqcli-77-rabbit@rabbit1": "3"}), true},
		{"a command line tool and a peer", 3,
			metrics(links{"rabbitmqcli-77-rabbit@rabbit1": "3", "rabbit@rabbit2": "3"}), false},
		{"a command line tool and a pending peer", 3,
			metrics(links{"rabbitmqcli-77-rabbit@rabbit1": "3", "rabbit@rabbit2": "1"}), true},
		{"links left out", 3, "# TYPE other gauge\n# HELP other Other.\nother 1\n# TYPE end gauge\n", false},
		{"one of four links", 5, metrics(links{"rabbit@rabbit2": "3", "rabbit@rabbit3": "1"}), true},
		{"two of four links", 5,
			metrics(links{"rabbit@rabbit2": "3", "rabbit@rabbit3": "3", "rabbit@rabbit4": "1"}), false},
		{"one link of four nodes", 4, metrics(links{"rabbit@rabbit2": "3"}), true},
		{"two links of four nodes", 4, metrics(links{"rabbit@rabbit2": "3", "rabbit@rabbit3": "3"}), false},
	} {
		cluster, err := stackconfig.New("dev", stackconfig.Config{Nodes: stackconfig.NodesConfig{Count: c.nodes}})
		require.NoError(t, err)
		pattern := regexp.MustCompile(render.MinorityPattern(cluster))
		assert.Equal(t, c.minority, pattern.MatchString(c.metrics), c.name)
	}
}

func TestHAProxyQuote(t *testing.T) {
	assert.Equal(t, `'a b"$x\'`, render.HAProxyQuote(`a b"$x\`))
	assert.Equal(t, `'it'\''s'`, render.HAProxyQuote("it's"))
	assert.Equal(t, `''`, render.HAProxyQuote(""))
}

func TestTheStatisticsPageNeedsAPasswordAndAdministersNothing(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	conf := render.HAProxyConf(c.Balancers()[0], topology.Secrets{AdminPassword: "a", StatsPassword: "s"})
	assert.Contains(t, conf, "stats auth 'admin:s'")
	assert.NotContains(t, conf, "stats admin")
}

// While another administrator or password is rolled out, HAProxy's checks succeed at every node.
func TestTheManagementCheckDoesNotDependOnTheAdministrator(t *testing.T) {
	before, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	after, err := stackconfig.New("dev", stackconfig.Config{Username: "operator"})
	require.NoError(t, err)
	check := regexp.MustCompile(`(?m)^    http-check send .* Authorization 'Basic (.*)'$`)
	old := check.FindStringSubmatch(render.HAProxyConf(before.Balancers()[0], sample.Secrets))
	changed := sample.Secrets
	changed.AdminPassword = "another"
	require.NotNil(t, old)
	assert.Equal(t, old, check.FindStringSubmatch(render.HAProxyConf(after.Balancers()[0], changed)))
	credentials, err := base64.StdEncoding.DecodeString(old[1])
	require.NoError(t, err)
	assert.Equal(t, "warren-haproxy:"+sample.Secrets.LoadBalancerPassword(), string(credentials))
}

func TestTheManagementCheckFitsTheSeries(t *testing.T) {
	for image, path := range map[string]string{
		"rabbitmq:3.13": "/api/health/checks/port-listener/5672",
		"rabbitmq:4.0":  "/api/health/checks/port-listener/5672",
		"rabbitmq:4.1":  "/api/health/checks/is-in-service",
		"rabbitmq:4.3":  "/api/health/checks/is-in-service",
	} {
		c, err := stackconfig.New("dev", stackconfig.Config{Image: image})
		require.NoError(t, err)
		assert.Contains(t, render.HAProxyConf(c.Balancers()[0], sample.Secrets),
			"http-check send meth GET uri "+path+" hdr Authorization 'Basic ", image)
	}
}
