package render

import (
	"slices"
	"strings"

	"warren/topology"
)

// requiredPlugins are enabled on every node: the management interface, and the metrics HAProxy's checks read.
var requiredPlugins = []string{"rabbitmq_management", "rabbitmq_prometheus"}

// EnabledPlugins renders the file enabled_plugins, an Erlang list of atoms.
func EnabledPlugins(c *topology.Cluster) string {
	plugins := slices.Concat(requiredPlugins, c.Plugins)
	if c.TLSClientAuthority != "" {
		plugins = append(plugins, "rabbitmq_auth_mechanism_ssl")
	}
	slices.Sort(plugins)
	return "[" + strings.Join(slices.Compact(plugins), ",") + "].\n"
}
