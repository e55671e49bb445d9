package stackconfig

import (
	"maps"
	"slices"

	"warren/internal/suggest"
	"warren/topology"
)

// shippedPlugins are the plugins that come with RabbitMQ.
var shippedPlugins = map[string]topology.SeriesRange{
	"rabbitmq_amqp1_0":                        {},
	"rabbitmq_auth_backend_cache":             {},
	"rabbitmq_auth_backend_http":              {},
	"rabbitmq_auth_backend_internal_loopback": {Since: topology.Series{Major: 4, Minor: 1}},
	"rabbitmq_auth_backend_ldap":              {},
	"rabbitmq_auth_backend_oauth2":            {},
	"rabbitmq_auth_mechanism_ssl":             {},
	"rabbitmq_consistent_hash_exchange":       {},
	"rabbitmq_event_exchange":                 {},
	"rabbitmq_exchange_federation":            {Since: topology.Series{Major: 4, Minor: 1}},
	"rabbitmq_federation":                     {},
	"rabbitmq_federation_management":          {},
	"rabbitmq_federation_prometheus":          {Since: topology.Series{Major: 4, Minor: 0}},
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
	"rabbitmq_queue_federation":               {Since: topology.Series{Major: 4, Minor: 1}},
	"rabbitmq_random_exchange":                {},
	"rabbitmq_recent_history_exchange":        {},
	"rabbitmq_sharding":                       {},
	"rabbitmq_shovel":                         {},
	"rabbitmq_shovel_management":              {},
	"rabbitmq_shovel_prometheus":              {Since: topology.Series{Major: 4, Minor: 0}},
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

func validatePlugins(problems *problemList, plugins []string, series topology.Series) {
	for _, name := range plugins {
		shipped, known := shippedPlugins[name]
		switch {
		case !known:
			problems.add("plugins", "names the unknown plugin "+quoted(name),
				"name plugins that come with RabbitMQ"+
					suggest.DidYouMean(name, slices.Sorted(maps.Keys(shippedPlugins))))
		case series != topology.Series{} && !shipped.Includes(series):
			problems.add("plugins",
				"names "+quoted(name)+", which RabbitMQ "+series.String()+" does not come with",
				"leave it out or use another series")
		}
	}
}
