package stackconfig

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// erlangFloatPattern is what Erlang's list_to_float takes, by which RabbitMQ reads values of the type float,
// without exponents, which it takes too and nobody writes in a configuration.
var erlangFloatPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)

// settingIn returns the value of a key in a rendered rabbitmq.conf.
func settingIn(t require.TestingT, conf, key string) string {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + ` = (.*)$`).FindStringSubmatch(conf)
	require.NotNil(t, m, "%s is not set", key)
	return m[1]
}

func TestTheWatermarkIsRenderedAsAFloat(t *testing.T) {
	for written, want := range map[string]string{
		"1": "1.0", "1.0": "1.0", "1e0": "1.0", "0.6": "0.6", ".5": "0.5", "5e-1": "0.5",
		"0.25000001": "0.25000001",
	} {
		cluster, err := Parse("dev", map[string]string{"memoryHighWatermark": written})
		require.NoError(t, err, written)
		conf := render.RabbitMQConf(cluster, cluster.Nodes[0])
		assert.Equal(t, want, settingIn(t, conf, "vm_memory_high_watermark.relative"), written)
	}
	assert.NotRegexp(t, erlangFloatPattern, strconv.FormatFloat(1, 'g', -1, 64), "what Go writes is refused")
	assert.NotRegexp(t, erlangFloatPattern, strconv.FormatFloat(1e-5, 'g', -1, 64))
}

// Whatever number is accepted, in whatever form, reaches RabbitMQ as the same number in the form that it
// reads.
func TestEveryAcceptedWatermarkIsAFloatForErlang(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.OneOf(rapid.Float64Range(0, 1.5), rapid.Float64Range(0, 0.02), rapid.Just(1.0))
		number := numbers.Draw(t, "number")
		format := rapid.SampledFrom([]byte{'f', 'e', 'g', 'E', 'x'}).Draw(t, "format")
		precision := rapid.IntRange(-1, 17).Draw(t, "precision")
		written := strconv.FormatFloat(number, format, precision, 64)
		read, err := strconv.ParseFloat(written, 64)
		require.NoError(t, err)

		cluster, err := Parse("dev", raw{"memoryLimit": "100GiB", "memoryHighWatermark": written})
		require.Equal(t, read >= 0.01 && read <= 1, err == nil, "%s: %v", written, err)
		if err != nil {
			return
		}
		for _, node := range cluster.Nodes {
			rendered := settingIn(t, render.RabbitMQConf(cluster, node), "vm_memory_high_watermark.relative")
			require.Regexp(t, erlangFloatPattern, rendered)
			again, err := strconv.ParseFloat(rendered, 64)
			require.NoError(t, err)
			require.Equal(t, read, again)
		}
	})
}

// Unless an operator says otherwise, the nodes of one machine can't promise more memory than it has.
func TestTheDefaultClusterFitsAMachineOf4GiB(t *testing.T) {
	cluster, err := Parse("dev", nil)
	require.NoError(t, err)
	var limits, watermarks float64
	for range cluster.Nodes {
		limits += float64(cluster.MemoryLimit)
		watermarks += float64(cluster.MemoryLimit) * cluster.MemoryHighWatermark
	}
	assert.Less(t, limits, 0.8*(4<<30))
	assert.Less(t, watermarks, 0.5*(4<<30))
	conf := render.RabbitMQConf(cluster, cluster.Nodes[0])
	assert.Equal(t, "1073741824", settingIn(t, conf, "total_memory_available_override_value"))
}

// Without limits all nodes share the machine, and each counts all of its memory as its own.
func TestNodesWithoutALimitShareTheirMachine(t *testing.T) {
	for nodes := minNodes; nodes <= maxNodes; nodes++ {
		config := raw{"nodes": strconv.Itoa(nodes), "memoryLimit": "none", "memoryHighWatermark": "0.6"}
		_, err := Parse("dev", config)
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, invalid.Problems, 1)
		assert.ErrorContains(t, err, fmt.Sprintf("%d nodes may take %d %% of their machine", nodes, 60*nodes))

		remedy := regexp.MustCompile(`write ([0-9.]+) or less`).FindStringSubmatch(err.Error())
		config["memoryHighWatermark"] = remedy[1]
		cluster, err := Parse("dev", config)
		require.NoError(t, err, "the remedy works")
		assert.Zero(t, cluster.MemoryLimit)
		assert.LessOrEqual(t, cluster.MemoryHighWatermark*float64(nodes), 0.75)
		assert.NotContains(t, render.RabbitMQConf(cluster, cluster.Nodes[0]),
			"total_memory_available_override_value")
	}
}
