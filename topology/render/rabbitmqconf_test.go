package render_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/internal/rabbitmqconf"
	"warren/topology/render"
	"warren/topology/stackconfig"
)

// Whatever the templates render is protected, whether somebody thought of it or not.
func TestEveryRenderedKeyIsProtected(t *testing.T) {
	for _, v := range variants {
		cluster, err := stackconfig.New("test", v.config)
		require.NoError(t, err)
		keys := renderedKeys(cluster)
		require.Greater(t, len(keys), 20)
		for _, key := range keys {
			config := v.config
			config.RabbitMQConf = key + " = 1"
			_, err := stackconfig.New("test", config)
			if slices.Contains(rabbitmqconf.Overridable, key) {
				assert.NoError(t, err, key)
				continue
			}
			assert.ErrorContains(t, err, "sets "+key+" on line 1, which", "%s: %s", v.name, key)
		}
	}
}

func TestOverridableKeysAreRendered(t *testing.T) {
	var rendered []string
	for _, v := range variants {
		cluster, err := stackconfig.New("test", v.config)
		require.NoError(t, err)
		rendered = append(rendered, renderedKeys(cluster)...)
	}
	for _, key := range rabbitmqconf.Overridable {
		assert.Contains(t, rendered, key)
	}
}

// renderedKeys are the keys in the rabbitmq.conf of the first node, without the operator's own lines.
func renderedKeys(c *topology.Cluster) []string {
	without := *c
	without.ExtraConf = ""
	settings, _ := rabbitmqconf.Parse(render.RabbitMQConf(&without, c.Nodes[0]))
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.Canonical
	}
	return keys
}
