package monitoring

import (
	"cmp"
	"fmt"
	"maps"
	"time"
)

// scenario is what the metrics of a stack of three nodes do, and which alerts fire when.
type scenario struct {
	name string
	// changes are series, by their names, that differ from those of a healthy stack: values in promtool's
	// notation, one for each reading, or "" for a series that is not there.
	changes map[string]string
	// firing are all alerts that fire, by the time since the beginning.
	firing map[time.Duration][]string
	// against are the alerts that this is almost a case of.
	against []string
}

// Readings are five seconds apart.
const (
	for1min  = 12
	for2min  = 2 * for1min
	for10min = 10 * for1min
	for1h    = 60 * for1min
)

// nodeNames are those of the stack in the scenarios.
var nodeNames = []string{"rabbit1", "rabbit2", "rabbit3"}

// of is a series of a node.
func of(metric, node, labels string) string {
	return fmt.Sprintf(`%s{job="rabbitmq",instance="%s:15692",node="%s",container="warren-test-%s"%s}`,
		metric, node, node, node, labels)
}

// ofAgent is a series of an agent.
func ofAgent(metric, agent, labels string) string {
	role := map[string]string{"rabbit1": "node", "formation": "formation"}
	return fmt.Sprintf(`%s{job="warren",agent="%s",role="%s",container="warren-test-%s"%s}`,
		metric, agent, cmp.Or(role[agent], "join"), agent, labels)
}

// certificateOf is when the certificate of a host ends.
func certificateOf(host string) string {
	return ofAgent("warren_certificate_ends_seconds", "formation", fmt.Sprintf(`,host="%s"`, host))
}

// ofQueue is a series of a chosen queue.
func ofQueue(metric string) string {
	return fmt.Sprintf(`rabbitmq_detailed_queue_%s{job="rabbitmq-queues",instance="rabbit1:15691",node="rabbit1",`+
		`container="warren-test-rabbit1",vhost="/",queue="orders"}`, metric)
}

// link is whether a node is connected to another.
func link(node, peer string) string {
	return of("erlang_vm_dist_node_state", node, fmt.Sprintf(`,peer="rabbit@%s"`, peer))
}

// server is whether the load balancer takes a node for up.
func server(node string) string {
	return fmt.Sprintf(`haproxy_server_status{job="haproxy",balancer="haproxy",container="warren-test-haproxy",`+
		`proxy="amqp",server="%s",state="UP"}`, node)
}

const (
	failures      = `prometheus_rule_evaluation_failures_total{job="prometheus"}`
	balancerUp    = `up{job="haproxy",instance="haproxy:8405",balancer="haproxy",container="warren-test-haproxy"}`
	activeServers = `haproxy_backend_active_servers{job="haproxy",balancer="haproxy",` +
		`container="warren-test-haproxy",proxy="amqp"}`
)

// always is a value for an hour and twenty minutes.
func always(value string) string { return value + "x" + fmt.Sprint(for1h+2*for10min) }

// then is one value for a minute, and another one from there on.
func then(before, after string) string {
	return fmt.Sprintf("%sx%d %s", before, for1min-1, always(after))
}

// healthy are the metrics of a stack of three nodes with traffic of 100 messages a second.
func healthy() map[string]string {
	series := map[string]string{balancerUp: always("1"), activeServers: always("3"), failures: always("0")}
	for _, agent := range []string{"rabbit1", "rabbit1-join", "formation"} {
		series[ofAgent("up", agent, "")] = always("1")
		series[ofAgent("warren_agent_phase", agent, `,phase="lost"`)] = always("0")
		series[ofAgent("warren_agent_time_seconds", agent, "")] = always("0+5")
	}
	for _, what := range []string{"without_leader", "down", "lacking_replicas", "with_offline_replicas"} {
		series[ofAgent("warren_queues_"+what, "formation", "")] = always("0")
	}
	series[ofQueue("consumers")], series[ofQueue("messages_ready")] = always("1"), always("3")
	for _, host := range []string{"rabbit1", "haproxy"} {
		series[certificateOf(host)] = always("30000000")
	}
	for _, node := range nodeNames {
		series[of("up", node, "")] = always("1")
		series[of("rabbitmq_alarms_memory_used_watermark", node, "")] = always("0")
		series[of("rabbitmq_alarms_free_disk_space_watermark", node, "")] = always("0")
		series[of("rabbitmq_disk_space_available_bytes", node, "")] = always("50000000000")
		series[of("rabbitmq_disk_space_available_limit_bytes", node, "")] = always("2000000000")
		series[of("rabbitmq_global_messages_received_confirm_total", node, `,protocol="amqp091"`)] = always("0+500")
		series[of("rabbitmq_global_messages_confirmed_total", node, `,protocol="amqp091"`)] = always("0+500")
		for _, reason := range []string{"rejected", "expired", "maxlen", "delivery_limit"} {
			series[of("rabbitmq_global_messages_dead_lettered_"+reason+"_total", node, "")] = always("0")
		}
		series[of("rabbitmq_global_consumers", node, `,protocol="amqp091"`)] = always("2")
		series[of("rabbitmq_queue_messages_ready", node, "")] = always("5")
		series[of("rabbitmq_queue_messages_unacked", node, "")] = always("20")
		series[of("rabbitmq_queues", node, "")] = always("10")
		series[server(node)] = always("1")
		series[server(node+"-minority")] = always("0")
		for _, peer := range nodeNames {
			if peer != node {
				series[link(node, peer)] = always("3")
			}
		}
	}
	return series
}

// everyNode is a change of a metric at all nodes.
func everyNode(metric, labels, values string) map[string]string {
	changes := map[string]string{}
	for _, node := range nodeNames {
		changes[of(metric, node, labels)] = values
	}
	return changes
}

// away are the changes while nodes are not there, from the first minute on, for some readings.
func away(readings int, nodes ...string) map[string]string {
	gone := fmt.Sprintf("%sx%d %sx%d %s", "%[1]s", for1min-1, "%[2]s", readings-1, always("%[1]s"))
	changes := map[string]string{activeServers: fmt.Sprintf(gone, "3", fmt.Sprint(3-len(nodes)))}
	for _, node := range nodes {
		changes[of("up", node, "")] = fmt.Sprintf(gone, "1", "0")
		changes[server(node)] = fmt.Sprintf(gone, "1", "0")
		for _, peer := range nodeNames {
			if peer != node {
				changes[link(node, peer)] = fmt.Sprintf("3x%d _x%d %s", for1min-1, readings, always("3"))
				changes[link(peer, node)] = fmt.Sprintf("3x%d _x%d %s", for1min-1, readings, always("3"))
			}
		}
	}
	return changes
}

// scenarios are all of them. Every alert fires in one at least.
var scenarios = []scenario{
	{
		name:   "nothing is wrong",
		firing: map[time.Duration][]string{time.Minute: nil, 5 * time.Minute: nil},
	},
	{
		name:    "a node restarts",
		changes: away(for2min-3, "rabbit2"),
		firing:  map[time.Duration][]string{2 * time.Minute: nil, 3 * time.Minute: nil, 5 * time.Minute: nil},
		against: []string{"NodeDown", "ServerDown", "NodesSeparated"},
	},
	{
		name:    "a node goes",
		changes: away(for1h, "rabbit2"),
		firing:  map[time.Duration][]string{2 * time.Minute: nil, 3*time.Minute + 15*time.Second: {"NodeDown"}},
	},
	{
		name:    "two nodes go",
		changes: away(for1h, "rabbit1", "rabbit3"),
		firing: map[time.Duration][]string{
			time.Minute + 10*time.Second: nil, time.Minute + 30*time.Second: {"NoMajority"},
			4 * time.Minute: {"NoMajority", "NodeDown"},
		},
	},
	{
		name:    "all nodes go, and the load balancer sees none",
		changes: away(for1h, nodeNames...),
		firing: map[time.Duration][]string{
			time.Minute + 10*time.Second: nil, time.Minute + 30*time.Second: {"NoMajority", "NoServers"},
		},
	},
	{
		name: "a node is cut off from its peers",
		changes: map[string]string{
			link("rabbit1", "rabbit2"): then("3", "_"), link("rabbit1", "rabbit3"): then("3", "_"),
			link("rabbit2", "rabbit1"): then("3", "1"), link("rabbit3", "rabbit1"): then("3", "_"),
			server("rabbit1"): then("1", "0"), activeServers: then("3", "2"),
		},
		firing: map[time.Duration][]string{
			time.Minute + 10*time.Second: nil, time.Minute + 30*time.Second: {"NodesSeparated"},
			3*time.Minute + 10*time.Second: {"NodesSeparated", "ServerDown"},
		},
	},
	{
		name: "two nodes are cut off from each other for a moment",
		changes: map[string]string{
			link("rabbit1", "rabbit2"): fmt.Sprintf("3x%d _ _ %s", for1min, always("3")),
			link("rabbit2", "rabbit1"): fmt.Sprintf("3x%d _ _ %s", for1min, always("3")),
		},
		firing:  map[time.Duration][]string{time.Minute + 10*time.Second: nil, time.Minute + 25*time.Second: nil},
		against: []string{"NodesSeparated"},
	},
	{
		name:    "a node runs out of memory",
		changes: map[string]string{of("rabbitmq_alarms_memory_used_watermark", "rabbit3", ""): then("0", "1")},
		firing: map[time.Duration][]string{
			time.Minute - 5*time.Second: nil, time.Minute + 5*time.Second: {"MemoryAlarm"},
		},
	},
	{
		name:    "a node runs out of disk",
		changes: map[string]string{of("rabbitmq_alarms_free_disk_space_watermark", "rabbit3", ""): then("0", "1")},
		firing: map[time.Duration][]string{
			time.Minute - 5*time.Second: nil, time.Minute + 5*time.Second: {"DiskAlarm"},
		},
	},
	{
		name: "a disk fills up: 3 GB an hour of 50",
		changes: map[string]string{
			of("rabbitmq_disk_space_available_bytes", "rabbit1", ""): fmt.Sprintf("50000000000-4166666x%d",
				for1h+2*for10min),
		},
		firing: map[time.Duration][]string{
			20 * time.Minute: nil, 35 * time.Minute: nil, 50 * time.Minute: {"DiskFillsUp"},
		},
	},
	{
		name: "a disk fills up slowly: 1 GB an hour of 50",
		changes: map[string]string{
			of("rabbitmq_disk_space_available_bytes", "rabbit1", ""): fmt.Sprintf("50000000000-1388888x%d",
				for1h+2*for10min),
		},
		firing:  map[time.Duration][]string{50 * time.Minute: nil},
		against: []string{"DiskFillsUp"},
	},
	{
		name: "messages are published, and none is confirmed any more",
		changes: everyNode("rabbitmq_global_messages_confirmed_total", `,protocol="amqp091"`,
			then("0+500", "30000")),
		firing: map[time.Duration][]string{
			time.Minute + 20*time.Second: nil, time.Minute + 45*time.Second: {"NothingConfirmed"},
		},
	},
	{
		name: "nothing is published",
		changes: merge(
			everyNode("rabbitmq_global_messages_confirmed_total", `,protocol="amqp091"`, always("0")),
			everyNode("rabbitmq_global_messages_received_confirm_total", `,protocol="amqp091"`, always("0")),
		),
		firing:  map[time.Duration][]string{2 * time.Minute: nil},
		against: []string{"NothingConfirmed"},
	},
	{
		name:    "a queue has no leader",
		changes: map[string]string{ofAgent("warren_queues_without_leader", "formation", ""): then("0", "1")},
		firing: map[time.Duration][]string{
			time.Minute + 25*time.Second: nil, time.Minute + 35*time.Second: {"QueueWithoutLeader"},
		},
	},
	{
		name: "one look at the queues saw an election",
		changes: map[string]string{
			ofAgent("warren_queues_without_leader", "formation", ""): fmt.Sprintf("0x%d 2x3 %s", for1min-1,
				always("0")),
		},
		firing: map[time.Duration][]string{
			time.Minute + 15*time.Second: nil, time.Minute + 35*time.Second: nil,
		},
		against: []string{"QueueWithoutLeader"},
	},
	{
		name:    "a classic queue has crashed",
		changes: map[string]string{ofAgent("warren_queues_down", "formation", ""): then("0", "1")},
		firing: map[time.Duration][]string{
			2*time.Minute + 50*time.Second: nil, 3*time.Minute + 10*time.Second: {"QueueDown"},
		},
	},
	{
		name:    "a queue was declared with too few nodes",
		changes: map[string]string{ofAgent("warren_queues_lacking_replicas", "formation", ""): then("0", "1")},
		firing: map[time.Duration][]string{
			2*time.Minute + 50*time.Second: nil, 3*time.Minute + 10*time.Second: {"TooFewReplicas"},
		},
	},
	{
		name:    "a node runs without its replicas",
		changes: map[string]string{ofAgent("warren_queues_with_offline_replicas", "formation", ""): then("0", "4")},
		firing: map[time.Duration][]string{
			2*time.Minute + 50*time.Second: nil, 3*time.Minute + 10*time.Second: {"ReplicasOffline"},
		},
	},
	{
		name: "a node is away with its replicas",
		changes: merge(away(for1h, "rabbit2"), map[string]string{
			ofAgent("warren_queues_with_offline_replicas", "formation", ""): then("0", "4"),
		}),
		firing:  map[time.Duration][]string{4 * time.Minute: {"NodeDown"}},
		against: []string{"ReplicasOffline"},
	},
	{
		name:    "a chosen queue loses its consumers",
		changes: map[string]string{ofQueue("consumers"): then("1", "0")},
		firing:  map[time.Duration][]string{10 * time.Minute: nil, 12 * time.Minute: {"NobodyConsumes"}},
	},
	{
		name: "a chosen queue without consumers is empty",
		changes: map[string]string{
			ofQueue("consumers"): then("1", "0"), ofQueue("messages_ready"): always("0"),
		},
		firing:  map[time.Duration][]string{12 * time.Minute: nil},
		against: []string{"NobodyConsumes"},
	},
	{
		name:    "a certificate ends in 29 days",
		changes: map[string]string{certificateOf("rabbit1"): always("2505600")},
		firing:  map[time.Duration][]string{10 * time.Second: nil, 20 * time.Second: {"CertificateEnds"}},
	},
	{
		name:    "a certificate ends in 31 days",
		changes: map[string]string{certificateOf("rabbit1"): always("2678400")},
		firing:  map[time.Duration][]string{time.Minute: nil},
		against: []string{"CertificateEnds"},
	},
	{
		name:    "a certificate ends",
		changes: map[string]string{certificateOf("rabbit1"): always("70")},
		firing: map[time.Duration][]string{
			time.Minute: {"CertificateEnds"}, time.Minute + 15*time.Second: nil,
			time.Minute + 35*time.Second: {"CertificateEnded"},
		},
	},
	{
		name:    "all consumers leave",
		changes: everyNode("rabbitmq_global_consumers", `,protocol="amqp091"`, then("2", "0")),
		firing: map[time.Duration][]string{
			10 * time.Minute: nil, 12 * time.Minute: {"ConsumersGone"},
		},
	},
	{
		name:    "there never was a consumer",
		changes: everyNode("rabbitmq_global_consumers", `,protocol="amqp091"`, always("0")),
		firing:  map[time.Duration][]string{12 * time.Minute: nil},
		against: []string{"ConsumersGone"},
	},
	{
		name:    "what is not acknowledged grows",
		changes: everyNode("rabbitmq_queue_messages_unacked", "", fmt.Sprintf("20x%d 20+10x%d", for10min, for1h)),
		firing: map[time.Duration][]string{
			10 * time.Minute: nil, 15 * time.Minute: nil, 25 * time.Minute: {"UnacknowledgedGrows"},
		},
	},
	{
		name:    "much is not acknowledged, and it stays the same",
		changes: everyNode("rabbitmq_queue_messages_unacked", "", always("5000")),
		firing:  map[time.Duration][]string{25 * time.Minute: nil},
		against: []string{"UnacknowledgedGrows"},
	},
	{
		name: "messages are rejected",
		changes: map[string]string{
			of("rabbitmq_global_messages_dead_lettered_rejected_total", "rabbit1", ""): then("0", "7"),
		},
		firing: map[time.Duration][]string{
			time.Minute - 5*time.Second: nil, time.Minute + 5*time.Second: {"DeadLetters"}, 10 * time.Minute: nil,
		},
	},
	{
		name: "one node leads most queues",
		changes: map[string]string{
			of("rabbitmq_queues", "rabbit1", ""): always("30"), of("rabbitmq_queues", "rabbit2", ""): always("0"),
			of("rabbitmq_queues", "rabbit3", ""): always("0"),
		},
		firing: map[time.Duration][]string{9 * time.Minute: nil, 11 * time.Minute: {"LeadersNotSpread"}},
	},
	{
		name: "one node leads all of few queues",
		changes: map[string]string{
			of("rabbitmq_queues", "rabbit1", ""): always("4"), of("rabbitmq_queues", "rabbit2", ""): always("0"),
			of("rabbitmq_queues", "rabbit3", ""): always("0"),
		},
		firing:  map[time.Duration][]string{11 * time.Minute: nil},
		against: []string{"LeadersNotSpread"},
	},
	{
		name:    "a helper goes",
		changes: map[string]string{ofAgent("up", "rabbit1-join", ""): then("1", "0")},
		firing: map[time.Duration][]string{
			2 * time.Minute: nil, 3*time.Minute + 10*time.Second: {"HelperDown"},
		},
	},
	{
		name:    "the agent of a node goes with its node, of which another alert tells",
		changes: map[string]string{ofAgent("up", "rabbit1", ""): then("1", "0")},
		firing:  map[time.Duration][]string{4 * time.Minute: nil},
		against: []string{"HelperDown"},
	},
	{
		name:    "a helper has lost what it watches over",
		changes: map[string]string{ofAgent("warren_agent_phase", "rabbit1-join", `,phase="lost"`): then("0", "1")},
		firing: map[time.Duration][]string{
			time.Minute + 10*time.Second: nil, time.Minute + 20*time.Second: {"HelperUnhealthy"},
		},
	},
	{
		name:    "a clock is ten seconds late",
		changes: map[string]string{ofAgent("warren_agent_time_seconds", "rabbit1", ""): always("-10+5")},
		firing:  map[time.Duration][]string{time.Minute: nil, 3 * time.Minute: {"ClockSkew"}},
	},
	{
		name:    "a clock is two seconds late",
		changes: map[string]string{ofAgent("warren_agent_time_seconds", "rabbit1", ""): always("-2+5")},
		firing:  map[time.Duration][]string{3 * time.Minute: nil},
		against: []string{"ClockSkew"},
	},
	{
		name:    "a rule can't be evaluated",
		changes: map[string]string{failures: fmt.Sprintf("0x%d 0+1x%d", for1min-1, for1h)},
		firing: map[time.Duration][]string{
			time.Minute + 5*time.Second: nil, time.Minute + 40*time.Second: {"RulesFail"},
		},
	},
	{
		name: "the load balancer goes",
		changes: map[string]string{
			balancerUp: then("1", "0"), activeServers: then("3", "_"),
			server("rabbit1"): then("1", "_"), server("rabbit2"): then("1", "_"),
			server("rabbit3"): then("1", "_"),
		},
		firing: map[time.Duration][]string{
			time.Minute + 10*time.Second: nil, time.Minute + 20*time.Second: {"LoadBalancerDown"},
		},
	},
	{
		name: "the load balancer takes one node for down that runs",
		changes: map[string]string{
			server("rabbit2"): then("1", "0"), activeServers: then("3", "2"),
		},
		firing: map[time.Duration][]string{2 * time.Minute: nil, 3*time.Minute + 10*time.Second: {"ServerDown"}},
	},
}

func merge(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, m := range all {
		maps.Copy(merged, m)
	}
	return merged
}
