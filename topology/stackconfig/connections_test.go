package stackconfig

import (
	"regexp"
	"strconv"
	"testing"

	"warren/topology/internal/sample"
	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// numberIn returns the number after a keyword in a section of haproxy.cfg.
func numberIn(t require.TestingT, conf, section, keyword string) int {
	pattern := `(?ms)^` + regexp.QuoteMeta(section) + `$.*?^    ` + regexp.QuoteMeta(keyword) + ` ([0-9]+)$`
	m := regexp.MustCompile(pattern).FindStringSubmatch(conf)
	require.NotNil(t, m, "%s has no %s", section, keyword)
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}

func TestTheLoadBalancerTakesAllNodesConnections(t *testing.T) {
	for nodes, want := range map[int]int{3: 3000, 5: 5000, 8: 8000, 15: 8000} {
		c, err := New("dev", Config{Nodes: NodesConfig{Count: nodes}, ConnectionMax: 1000})
		require.NoError(t, err)
		assert.Equal(t, want, numberIn(t, render.HAProxyConf(c.Balancers()[0], sample.Secrets),
			"listen amqp", "maxconn"))
	}
}

// However many connections AMQP clients may have, the management interface and the statistics page keep their
// places, and neither a node nor HAProxy needs more descriptors than the kernel grants.
func TestManagementAndStatisticsKeepTheirPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := Parse("dev", map[string]string{
			"nodes":         strconv.Itoa(rapid.IntRange(minNodes, maxNodes).Draw(t, "nodes")),
			"connectionMax": strconv.Itoa(rapid.IntRange(minConnectionMax, 520_192).Draw(t, "connectionMax")),
		})
		require.NoError(t, err)
		require.LessOrEqual(t, c.OpenFiles(), 1<<20)
		require.Greater(t, c.OpenFiles(), 2*c.ConnectionMax)

		conf := render.HAProxyConf(c.Balancers()[0], sample.Secrets)
		descriptors := numberIn(t, conf, "global", "fd-hard-limit")
		management := numberIn(t, conf, "listen management", "maxconn")
		statistics := numberIn(t, conf, "listen statistics", "maxconn")
		require.LessOrEqual(t, descriptors, 1<<20)
		require.GreaterOrEqual(t, management, 100)
		require.GreaterOrEqual(t, statistics, 10)
		all := numberIn(t, conf, "listen amqp", "maxconn") + management + statistics
		require.GreaterOrEqual(t, descriptors, 2*all+100)
		memory := int64(32<<20 + all*(9<<10)) // 9 KiB for each, measured
		require.GreaterOrEqual(t, c.LoadBalancerMemory(), memory)
	})
}
