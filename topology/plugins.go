package topology

import (
	"maps"
	"slices"
	"strings"

	"warren/internal/suggest"
)

// requiredPlugins are enabled on every node: the management interface, and the metrics HAProxy's checks read.
var requiredPlugins = []string{"rabbitmq_management", "rabbitmq_prometheus"}

// span is a range of series: from since, if set, to the one before until, if set.
type span struct{ since, until Series }

func (s span) includes(series Series) bool {
	return series.Compare(s.since) >= 0 && (s.until == Series{} || series.Compare(s.until) < 0)
}

// shippedPlugins are the plugins that come with RabbitMQ.
var shippedPlugins = map[string]span{
	"rabbitmq_amqp1_0":                        {},
	"rabbitmq_auth_backend_cache":             {},
	"rabbitmq_auth_backend_http":              {},
	"rabbitmq_auth_backend_internal_loopback": {since: Series{4, 1}},
	"rabbitmq_auth_backend_ldap":              {},
	"rabbitmq_auth_backend_oauth2":            {},
	"rabbitmq_auth_mechanism_ssl":             {},
	"rabbitmq_consistent_hash_exchange":       {},
	"rabbitmq_event_exchange":                 {},
	"rabbitmq_exchange_federation":            {since: Series{4, 1}},
	"rabbitmq_federation":                     {},
	"rabbitmq_federation_management":          {},
	"rabbitmq_federation_prometheus":          {since: Series{4, 0}},
	"rabbitmq_jms_topic_exchange":             {},
	"rabbitmq_management":                     {},
	"rabbitmq_management_agent":               {},
	"rabbitmq_mqtt":                           {},
	"rabbitmq_peer_discovery_aws":             {},
	"rabbitmq_peer_discovery_common":          {},
	"rabbitmq_peer_discovery_consul":          {},
	"rabbitmq_peer_discovery_etcd":            {},
	"rabbitmq_peer_discovery_k8s":             {},
	"rabbitmq_prometheus":                     {},
	"rabbitmq_queue_federation":               {since: Series{4, 1}},
	"rabbitmq_random_exchange":                {},
	"rabbitmq_recent_history_exchange":        {},
	"rabbitmq_sharding":                       {},
	"rabbitmq_shovel":                         {},
	"rabbitmq_shovel_management":              {},
	"rabbitmq_shovel_prometheus":              {since: Series{4, 0}},
	"rabbitmq_stomp":                          {},
	"rabbitmq_stream":                         {},
	"rabbitmq_stream_management":              {},
	"rabbitmq_top":                            {},
	"rabbitmq_tracing":                        {},
	"rabbitmq_trust_store":                    {},
	"rabbitmq_web_dispatch":                   {},
	"rabbitmq_web_mqtt":                       {},
	"rabbitmq_web_mqtt_examples":              {},
	"rabbitmq_web_stomp":                      {},
	"rabbitmq_web_stomp_examples":             {},
}

// EnabledPlugins renders the file enabled_plugins, an Erlang list of atoms.
func (c *Cluster) EnabledPlugins() string {
	plugins := slices.Concat(requiredPlugins, c.Plugins)
	slices.Sort(plugins)
	return "[" + strings.Join(slices.Compact(plugins), ",") + "].\n"
}

func validatePlugins(problems *problemList, plugins []string, series Series) {
	for _, name := range plugins {
		shipped, known := shippedPlugins[name]
		switch {
		case !known:
			problems.add("plugins", "names the unknown plugin "+quoted(name),
				"name plugins that come with RabbitMQ"+
					suggest.DidYouMean(name, slices.Sorted(maps.Keys(shippedPlugins))))
		case series != Series{} && !shipped.includes(series):
			problems.add("plugins",
				"names "+quoted(name)+", which RabbitMQ "+series.String()+" does not come with",
				"leave it out or use another series")
		}
	}
}
