package stackconfig

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/topology"
	"warren/topology/internal/rabbitmqconf"
	"warren/topology/internal/sample"
	"warren/topology/render"
)

// drawConfig draws a configuration as Pulumi stores it, of values that are right, nearly right and wrong.
func drawConfig(t *rapid.T) raw {
	drawn := raw{}
	maybe := func(key string, value *rapid.Generator[string]) {
		if rapid.Bool().Draw(t, key+" is set") {
			drawn[key] = value.Draw(t, key)
		}
	}
	number := func(low, high int) *rapid.Generator[string] {
		return rapid.Map(rapid.IntRange(low, high), strconv.Itoa)
	}
	size := rapid.StringMatching(`[1-9][0-9]{0,3}(\.[0-9])?(MB|MiB|GB|GiB|G|T|TiB)`)
	maybe("nodes", rapid.OneOf(number(3, 9), number(1, 16), rapid.SampledFrom([]string{
		`[{"name":"a"},{"name":"b","amqpPort":7000},{"name":"c"}]`,
		`[{"name":"x"},{"name":"x-minority"},{"name":"haproxy"}]`,
	})))
	maybe("image", rapid.SampledFrom([]string{
		"warren/rabbitmq:3.10", "rabbitmq:3.13-management", "warren/rabbitmq:4.0", "rabbitmq:4.3",
	}))
	maybe("partitionHandling", rapid.SampledFrom([]string{"ignore", "pause_minority", "autoheal"}))
	maybe("failureDetection", rapid.SampledFrom([]string{"fast", "relaxed", "stock"}))
	maybe("logLevel", rapid.SampledFrom([]string{"debug", "warning", "none"}))
	maybe("memoryLimit", rapid.OneOf(size, rapid.Just("none")))
	share := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	maybe("memoryHighWatermark", rapid.OneOf(
		rapid.Map(rapid.Float64Range(0.001, 1), share),
		rapid.SampledFrom([]string{"1", "1e-1", "0.4", "0.05"}),
	))
	maybe("diskFreeLimit", size)
	maybe("heartbeatSeconds", number(1, 600))
	maybe("connectionMax", rapid.OneOf(number(1, 20_000), number(500_000, 530_000)))
	maybe("plugins", rapid.SampledFrom([]string{`["rabbitmq_shovel"]`, `["rabbitmq_stream","rabbitmq_top"]`}))
	maybe("username", rapid.SampledFrom([]string{"operator", "admin", "ops@example.com", "warren-agent"}))
	maybe("rabbitmqConf", rapid.SampledFrom([]string{
		"channel_max = 100", "# nothing", "queue_leader_locator = client-local", "heartbeat = 1",
		"mqtt.listeners.tcp.1 = 1883",
	}))
	return drawn
}

// explicit writes down everything that a cluster was made of, defaults included.
func explicit(t *rapid.T, c *topology.Cluster) raw {
	var nodes NodesConfig
	for _, n := range c.Nodes {
		nodes.List = append(nodes.List, NodeConfig(n))
	}
	text, err := json.Marshal(nodes)
	require.NoError(t, err)
	plugins, err := json.Marshal(c.Plugins)
	require.NoError(t, err)
	limit := noMemoryLimit
	if c.MemoryLimit > 0 {
		limit = strconv.FormatInt(c.MemoryLimit, 10)
	}
	return raw{
		"nodes": string(text), "image": c.Image, "series": c.Series.String(),
		"haproxyImage": c.LoadBalancer.Image,
		"bindAddress":  c.BindAddress, "partitionHandling": string(c.PartitionHandling),
		"failureDetection": string(c.FailureDetection), "memoryLimit": limit,
		"memoryHighWatermark": strconv.FormatFloat(c.MemoryHighWatermark, 'f', -1, 64),
		"diskFreeLimit":       strconv.FormatInt(c.DiskFreeLimit, 10),
		"heartbeatSeconds":    strconv.Itoa(c.HeartbeatSeconds),
		"connectionMax":       strconv.Itoa(c.ConnectionMax),
		"logLevel":            string(c.LogLevel), "plugins": string(plugins),
		"rabbitmqConf": c.ExtraConf, "username": c.Username,
	}
}

// What is accepted renders files that nodes and HAProxy can use, the same ones each time, and the same ones
// from a configuration that writes the defaults down.
func TestAcceptedConfigurationsRenderUsableFiles(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawConfig(t)
		c, err := Parse("dev", drawn)
		if err != nil {
			return
		}
		accepted++
		files := filesFor(t, c)
		again, err := Parse("dev", drawn)
		require.NoError(t, err)
		require.Equal(t, files, filesFor(t, again))
		written, err := Parse("dev", explicit(t, c))
		require.NoError(t, err)
		require.Equal(t, files, filesFor(t, written))

		for name, text := range files {
			require.NotContains(t, text, "<no value>", name)
			require.NotContains(t, text, "%!", name)
		}
		conf := files["rabbitmq.conf"]
		keys, read := readByRabbitMQ(conf, true)
		require.True(t, read)
		require.Equal(t, len(slices.Compact(slices.Sorted(slices.Values(keys)))), len(keys)-overridden(c))
		require.Regexp(t, erlangFloatPattern, settingIn(t, conf, "vm_memory_high_watermark.relative"))
		require.Regexp(t, `^[0-9]+$`, settingIn(t, conf, "disk_free_limit.absolute"))
		require.Equal(t, "5672", settingIn(t, conf, "listeners.tcp.default"))
		require.Equal(t, topology.DefinitionsPath, settingIn(t, conf, "definitions.local.path"))

		memory := c.MemoryHighWatermark * float64(c.MemoryLimit)
		share := c.MemoryHighWatermark * float64(len(c.Nodes))
		require.True(t, memory >= 192<<20 || c.MemoryLimit == 0 && share <= 0.75)
		require.LessOrEqual(t, c.OpenFiles(), 1<<20)
		servers := serversOf(c)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(servers))), 2*len(c.Nodes))
	})
	t.Logf("%d configurations were accepted", accepted)
	require.Positive(t, accepted, "a check of nothing")
}

// overridden counts the rendered keys that the operator's lines set once more.
func overridden(c *topology.Cluster) int {
	n := 0
	settings, _ := rabbitmqconf.Parse(c.ExtraConf)
	for _, s := range settings {
		if slices.Contains(rabbitmqconf.Overridable, s.Canonical) {
			n++
		}
	}
	return n
}

// filesFor renders all files of a cluster.
func filesFor(t *rapid.T, c *topology.Cluster) map[string]string {
	definitions, err := render.Definitions(c, sample.Secrets)
	require.NoError(t, err)
	files := map[string]string{
		"enabled_plugins": render.EnabledPlugins(c), "erlang-args": render.ErlangArgs(c),
		"haproxy.cfg": render.HAProxyConf(c.Balancers()[0], sample.Secrets), "definitions.json": definitions,
	}
	for _, n := range c.Nodes {
		files["rabbitmq.conf"] = render.RabbitMQConf(c, n)
		files["rabbitmq.conf-"+n.Name] = render.RabbitMQConf(c, n)
		files["advanced.config-"+n.Name] = render.AdvancedConfig(c, n)
	}
	return files
}
