package rabbitmqconf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// rendered are keys that Warren renders, in these tests.
var rendered = []string{"heartbeat", "log.console", "queue_leader_locator", "brand.new"}

var ports = map[int]string{4369: "epmd", 5672: "AMQP", 15672: "the management interface"}

// refused puts the refusals of lines in one text.
func refused(lines string) string { return fmt.Sprint(Refusals(lines, rendered, ports)) }

// refusals are lines of rabbitmqConf with what the refusal says.
var refusals = []struct{ lines, says string }{
	{"management.path_prefix = /x", "moves the management interface"},
	{"management.tcp.port = 1", "set warren:ports"},
	{"management.ssl.port = 15671", "moves the management interface"},
	{"management.listener.port = 1", "moves the management interface"},
	{"management.load_definitions = /x", "rabbitmqctl import_definitions"},
	{"management.disable_basic_auth = true", "keeps HAProxy and Warren's agent"},
	{"management.oauth_enabled = true", "keeps HAProxy and Warren's agent"},
	{"http_dispatch.auth_backends.1 = http", "keeps HAProxy and Warren's agent"},
	{"management.disable_stats = true", "takes away the numbers"},
	{"deprecated_features.permit.management_metrics_collection = false", "takes away the numbers"},
	{"handshake_timeout = 1", "still logging in"},
	{"default_limits.vhosts.1.max_connections = 0", "rabbitmqctl set_vhost_limits"},
	{"auth_backends.1.authn = http", "lock out Warren's agent"},
	{"auth_backends = http", "lock out Warren's agent"},
	{"listeners.tcp.default = 5673", "look for them on port 5672"},
	{"listeners.tcp = none", "look for them on port 5672"},
	{"listeners.ssl.1 = 5671", "moves or adds AMQP listeners"},
	{"tcp_listen_options.port = 1", "moves or adds AMQP listeners"},
	{"proxy_protocol = true", "PROXY protocol"},
	{"prometheus.path = /m", "which nodes have a majority"},
	{"prometheus.tcp.port = 1", "which nodes have a majority"},
	{"prometheus.authentication.enabled = on", "which nodes have a majority"},
	{"prometheus.return_per_object_metrics =1", "which nodes have a majority"},
	{"load_definitions = /x", "replaces the definitions"},
	{"definitions.import_backend = http", "replaces the definitions"},
	{"default_user = x", "set warren:username and warren:adminPassword"},
	{"default_pass = x", "set warren:username and warren:adminPassword"},
	{"default_user_tags.administrator = true", "set warren:username and warren:adminPassword"},
	{"default_users.a.password = x", "set warren:username and warren:adminPassword"},
	{"anonymous_login_user = guest", "without a password"},
	{"anonymous_login_pass = guest", "without a password"},
	{"auth_backends.1 = ldap", "lock out Warren's agent"},
	{"auth_mechanisms.1 = EXTERNAL", "lock out Warren's agent"},
	{"loopback_users.admin = true", "lock out Warren's agent"},
	{"cluster_formation.node_cleanup = 1", "set warren:nodes"},
	{"cluster_name = x", "which is the stack's"},
	{"cluster_partition_handling = ignore", "set warren:partitionHandling"},
	{"vm_memory_high_watermark.absolute = 1", "set warren:memoryHighWatermark"},
	{"vm_memory_high_watermark.relative = 0.1", "set warren:memoryHighWatermark"},
	{"total_memory_available_override_value=1", "set warren:memoryLimit"},
	{"raft.wal_max_size_bytes = 1", "raise warren:memoryLimit"},
	{"quorum_queue.wal_max_size_bytes = 1", "raise warren:memoryLimit"},
	{"disk_free_limit.relative = 1.0", "set warren:diskFreeLimit"},
	{"heartbeat = 1", "set warren:heartbeatSeconds"},
	{"max_connections = 1", "set warren:connectionMax"},
	{"connection_max = 1", "set warren:connectionMax"},
	{"log.console = false", "which Warren sets itself"},
	{"log.console.level = debug", "set warren:logLevel"},
	{"net_ticktime = 5", "set warren:failureDetection"},
	{"raft.adaptive_failure_detector.poll_interval = 1", "set warren:failureDetection"},
	{"distribution.listener.port_range.min = 1", "moves the port on which nodes"},
	{"raft.data_dir = /tmp", "out of the node's volume"},
	{"prevent_startup_if_node_was_reset = true", "whose volume was replaced"},
	{"queue_types.quorum.enabled = false", "takes away quorum queues"},
	{"quorum_queue.continuous_membership_reconciliation.enabled = true", "lets RabbitMQ move replicas"},
	{"management.restrictions.quorum_queue_replica_operations.disabled=1", "from giving queues their"},
	{"mqtt.listeners.tcp.1 = 127.0.0.1:5672", "takes the port of AMQP"},
	{"web_mqtt.tcp.port = 15672", "takes the port of the management interface"},
	{"stream.listeners.tcp.1 = 4369", "takes the port of epmd"},

	{"  \tListeners.TCP.default\t=\t1 # mine", "look for them on port 5672"},
	{`listeners\.tcp.default = 1`, "look for them on port 5672"},
	{"# fine\n\n#\nheartbeat = 1", "sets heartbeat on line 4"},
	{"channel_max = 1\nchannel_max = 2", "sets channel_max on line 2 and before on line 1"},
	{"channel_max = 1\nChannel_Max = 2", "leave one of them out"},
	{"default_queue_type = 'quorum\nheartbeat = 1'", "sets heartbeat on line 2"},
	{"default_queue_type = 'quorum\n'", "does not end with its quote on the same line"},
	{"message = '''x'''", "does not end with its quote on the same line"},
	{"message = 'x' y", "does not end with its quote on the same line"},
	{"include /tmp/other.conf", "includes a file"},
	{"channel_max = ", "has no value"},
	{"channel_max = # 5", "has no value"},
	{"channel_max", "is no setting"},
	{"= 5", "is no setting"},
	{"a..b = 5", "is no setting"},
	{"#\n\u00a0heartbeat = 1", "is no setting"},
	{"channel_max = 5\vheartbeat = 1", "contains a control character"},
	{"channel_max = 5\rheartbeat = 1", "contains a control character"},
	{"channel_max = \xff", "is not UTF-8"},
	{"vm_memory_high_watermark.relative = 0.4 ## override", "set warren:memoryHighWatermark"},
}

func TestLinesThatTakeAwayWhatWarrenDependsOnAreRefused(t *testing.T) {
	for _, r := range refusals {
		assert.Contains(t, refused(r.lines), r.says, "%q", r.lines)
	}
	for _, r := range reservedKeys {
		for _, key := range r.keys {
			assert.Contains(t, refused(strings.TrimSuffix(key, "*")+" = x"), r.effect, key)
		}
	}
}

// Nobody has to think of a key that the templates render for it to be protected.
func TestRenderedKeysAreRefused(t *testing.T) {
	want := []Refusal{{"sets brand.new on line 1, which Warren sets itself", "leave it out"}}
	assert.Equal(t, want, Refusals("brand.new = 1", rendered, ports))
	assert.Empty(t, Refusals("brand.newer = 1", rendered, ports))
}

func TestOtherLinesAreTheOperatorsToWrite(t *testing.T) {
	const lines = `
# Comments, = and
	 # spaces.
channel_max = 1024
default_queue_type=quorum   # a comment

consumer_timeout	=	3600000
queue_leader_locator = client-local
tcp_listen_options.backlog = 4096
log.syslog = true
log.syslog.port = 5672
mqtt.listeners.tcp.default = 1883
management.rates_mode = none
vm_memory_high_watermark_paging_ratio = 0.7
default_policies.operator.all\.queues.queue_pattern = '^a#b$'
`
	assert.Empty(t, Refusals(lines, rendered, ports))

	settings, mistakes := Parse(lines)
	assert.Empty(t, mistakes)
	assert.Contains(t, settings, Setting{5, "default_queue_type", "default_queue_type", "quorum"})
	assert.Contains(t, settings, Setting{15, `default_policies.operator.all\.queues.queue_pattern`,
		"default_policies.operator.all.queues.queue_pattern", "^a#b$"})
}
