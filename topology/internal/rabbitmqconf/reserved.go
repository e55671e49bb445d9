package rabbitmqconf

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reservedKeys are keys of rabbitmq.conf that an operator can't set, because they would move or lock what
// Warren depends on. A key covers those below it; one that ends in '*' covers those that begin like it.
//
// Keys that Warren renders need no entry here: all of them are refused, except Overridable. What has an
// entry is explained better, or is not rendered in every cluster.
var reservedKeys = []struct {
	keys           []string
	effect, remedy string
}{
	{
		[]string{"cluster_formation"},
		"decides which nodes form the cluster", "set warren:nodes",
	}, {
		[]string{"cluster_name"},
		"changes the name of the cluster, which is the stack's", "",
	}, {
		[]string{"cluster_partition_handling"},
		"decides what nodes do after a partition", "set warren:partitionHandling, in series before 4.3",
	}, {
		[]string{"vm_memory_high_watermark"},
		"decides when a node blocks publishers", "set warren:memoryHighWatermark",
	}, {
		[]string{"total_memory_available_override_value"},
		"hides the limit of the node's container", "set warren:memoryLimit",
	}, {
		[]string{"raft.wal_max_size_bytes", "quorum_queue.wal_max_size_bytes"},
		"decides how much memory the write-ahead log takes, which depends on the memory limit",
		"raise warren:memoryLimit",
	}, {
		[]string{"disk_free_limit"},
		"decides when a node blocks publishers", "set warren:diskFreeLimit",
	}, {
		[]string{"heartbeat"},
		"is the heartbeat that nodes propose", "set warren:heartbeatSeconds",
	}, {
		[]string{"connection_max", "max_connections", "ranch_connection_max"},
		"needs other limits on open files and in HAProxy", "set warren:connectionMax",
	}, {
		[]string{"log.console.level", "log.file.level"},
		"is the level of the log", "set warren:logLevel",
	}, {
		[]string{"net_ticktime", "raft.adaptive_failure_detector"},
		"decides how soon nodes notice a failure", "set warren:failureDetection",
	}, {
		[]string{"listeners", "tcp_listen_options.port", "tcp_listen_options.fd"},
		"moves or adds AMQP listeners: HAProxy and clients look for them on port 5672",
		"set warren:ports for the ports on the host",
	}, {
		[]string{"proxy_protocol"},
		"keeps out every client that does not speak the PROXY protocol, Warren's included", "",
	}, {
		[]string{"management.tcp", "management.ssl", "management.listener", "management.path_prefix"},
		"moves the management interface: HAProxy checks it and Warren's agent calls it at port 15672",
		"set warren:ports for the ports on the host",
	}, {
		[]string{
			"management.disable_basic_auth", "management.oauth_enabled",
			"management.oauth_disable_basic_auth", "management.enable_uaa", "http_dispatch.auth_backends",
		},
		"keeps HAProxy and Warren's agent, which log in with passwords, out of the management interface", "",
	}, {
		[]string{
			"management.disable_stats", "management_agent.disable_metrics_collector",
			"deprecated_features.permit.management_metrics_collection",
		},
		"takes away the numbers that Warren judges queues and nodes by", "",
	}, {
		[]string{"management.restrictions.quorum_queue_replica_operations"},
		"keeps Warren's agent from giving queues their replicas", "",
	}, {
		[]string{"quorum_queue.continuous_membership_reconciliation"},
		"lets RabbitMQ move replicas while Warren's agent does", "",
	}, {
		[]string{"queue_types.quorum"},
		"takes away quorum queues", "",
	}, {
		[]string{"prometheus"},
		"moves, locks or changes the metrics, by which HAProxy sees which nodes have a majority", "",
	}, {
		[]string{"load_definitions", "management.load_definitions", "definitions"},
		"replaces the definitions that Warren's users come from",
		"import yours into the running cluster, by `rabbitmqctl import_definitions`",
	}, {
		[]string{
			"default_user", "default_pass", "default_vhost", "default_permissions", "default_user_tags",
			"default_users",
		},
		"is for users that come without definitions, and Warren's come with them",
		"set warren:username and warren:adminPassword, or add users to the running cluster",
	}, {
		[]string{"anonymous_login_*"},
		"lets everybody in without a password", "",
	}, {
		[]string{"auth_backends", "auth_mechanisms", "loopback_users"},
		"decides who may log in from where, and could lock out Warren's agent and clients", "",
	}, {
		[]string{"handshake_timeout"},
		"closes connections that are still logging in, Warren's included", "",
	}, {
		[]string{"default_limits"},
		"limits the connections and queues of virtual hosts and users, Warren's included",
		"set limits in the running cluster, by `rabbitmqctl set_vhost_limits` and `rabbitmqctl set_user_limits`",
	}, {
		[]string{"distribution"},
		"moves the port on which nodes and command line tools reach one another", "",
	}, {
		[]string{"raft.data_dir"},
		"moves data out of the node's volume", "",
	}, {
		[]string{"prevent_startup_if_node_was_reset"},
		"keeps a node whose volume was replaced from coming back", "",
	},
}

// Overridable are the keys that Warren renders and an operator may set to something else: they tune, and
// nothing depends on them.
var Overridable = []string{
	"queue_leader_locator", "queue_master_locator",
	"log.file.rotation.size", "log.file.rotation.count",
	"tcp_listen_options.backlog", "tcp_listen_options.nodelay", "tcp_listen_options.keepalive",
}

// Refusal is a reason why a line can't be appended to what Warren renders.
type Refusal struct {
	// Wrong says what is wrong, Remedy what to do about it.
	Wrong, Remedy string
}

// Refusals checks the operator's own lines of rabbitmq.conf. rendered are the keys that Warren renders
// itself, and ports the uses of the ports that are taken inside a node's container. What other keys mean is
// RabbitMQ's to judge.
func Refusals(lines string, rendered []string, ports map[int]string) []Refusal {
	var refusals []Refusal
	settings, mistakes := Parse(lines)
	for _, m := range mistakes {
		refusals = append(refusals, Refusal{
			fmt.Sprintf("has the line %d %q, which %s", m.Line, m.Text, m.Problem),
			"write key = value on one line, or # and a comment",
		})
	}
	firstLine := map[string]int{}
	for _, s := range settings {
		place := fmt.Sprintf("sets %s on line %d", s.Key, s.Line)
		effect, remedy := reserved(s, rendered, ports)
		if first, twice := firstLine[s.Canonical]; effect != "" {
			refusals = append(refusals, Refusal{place + ", which " + effect, remedy})
		} else if twice {
			again := fmt.Sprintf("%s and before on line %d", place, first)
			refusals = append(refusals, Refusal{again, "leave one of them out"})
		} else {
			firstLine[s.Canonical] = s.Line
		}
	}
	return refusals
}

// reserved says what a setting would do to what Warren depends on, and what to do instead; the effect is
// empty for one that an operator is free to make.
func reserved(s Setting, rendered []string, ports map[int]string) (effect, remedy string) {
	remedy = "leave it out"
	for _, r := range reservedKeys {
		if slices.ContainsFunc(r.keys, func(key string) bool { return covers(key, s.Canonical) }) {
			if r.remedy != "" {
				remedy += " and " + r.remedy
			}
			return r.effect, remedy
		}
	}
	if slices.Contains(rendered, s.Canonical) && !slices.Contains(Overridable, s.Canonical) {
		return "Warren sets itself", remedy
	}
	if use, taken := ports[listenerPort(s)]; taken {
		return "takes the port of " + use, "use another port"
	}
	return "", ""
}

// covers tells whether a reserved key stands for another one.
func covers(reserved, key string) bool {
	if prefix, open := strings.CutSuffix(reserved, "*"); open {
		return strings.HasPrefix(key, prefix)
	}
	return key == reserved || strings.HasPrefix(key, reserved+".")
}

var (
	listenerKey = regexp.MustCompile(`(^|\.)(listeners\.|(tcp|ssl)\.port$)`)
	endingPort  = regexp.MustCompile(`(^|:)([0-9]+)$`)
)

// listenerPort is the port that a setting has a plugin listen on; 0 if it is about something else.
func listenerPort(s Setting) int {
	m := endingPort.FindStringSubmatch(s.Value)
	if m == nil || !listenerKey.MatchString(s.Canonical) {
		return 0
	}
	port, _ := strconv.Atoi(m[2]) // out of range is no port of ours
	return port
}
