package topology

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

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
	{"channel_max = 1\nchannel_max = 2", "sets channel_max on line 2 and before on line 1: leave one"},
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

func TestLinesThatTakeAwayWhatWarrenStandsOnAreRefused(t *testing.T) {
	for _, r := range refusals {
		for _, image := range []string{"rabbitmq:3.10", "rabbitmq:4.0", "rabbitmq:4.3"} {
			_, err := Parse("dev", raw{"image": image, "rabbitmqConf": r.lines})
			assert.ErrorContains(t, err, r.says, "%q with %s", r.lines, image)
		}
	}
	for _, r := range reservedKeys {
		for _, key := range r.keys {
			_, err := Parse("dev", raw{"rabbitmqConf": strings.TrimSuffix(key, "*") + " = x"})
			assert.ErrorContains(t, err, r.effect, key)
		}
	}
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
	cluster, err := Parse("dev", map[string]string{"rabbitmqConf": lines})
	require.NoError(t, err)
	conf := cluster.RabbitMQConf(cluster.Nodes[0])
	assert.Contains(t, conf, strings.TrimSpace(lines))

	settings, mistakes := parseConf(lines)
	assert.Empty(t, mistakes)
	assert.Contains(t, settings, confSetting{5, "default_queue_type", "default_queue_type", "quorum"})
	assert.Contains(t, settings, confSetting{15, `default_policies.operator.all\.queues.queue_pattern`,
		"default_policies.operator.all.queues.queue_pattern", "^a#b$"})
}

// Whatever the templates render is protected, whether somebody thought of it or not.
func TestEveryRenderedKeyIsProtected(t *testing.T) {
	for _, v := range variants {
		cluster, err := New("test", v.config)
		require.NoError(t, err)
		keys := cluster.renderedKeys()
		require.Greater(t, len(keys), 20)
		for _, key := range keys {
			config := v.config
			config.RabbitMQConf = key + " = 1"
			_, err := New("test", config)
			if slices.Contains(overridableKeys, key) {
				assert.NoError(t, err, key)
				continue
			}
			assert.ErrorContains(t, err, "sets "+key+" on line 1, which", "%s: %s", v.name, key)
		}
	}
	effect, remedy := reserved(confSetting{canonical: "brand.new"}, []string{"brand.new"})
	assert.Equal(t, "Warren sets itself", effect)
	assert.Equal(t, "leave it out", remedy)
}

func TestOverridableKeysAreRendered(t *testing.T) {
	var rendered []string
	for _, v := range variants {
		cluster, err := New("test", v.config)
		require.NoError(t, err)
		rendered = append(rendered, cluster.renderedKeys()...)
	}
	for _, key := range overridableKeys {
		assert.Contains(t, rendered, key)
	}
}

// However lines are written, RabbitMQ finds no setting in accepted ones that Warren refuses, and can read
// them all.
func TestNoReservedKeyGetsPast(t *testing.T) {
	key := rapid.SampledFrom([]string{
		"heartbeat", "listeners.tcp.default", `listeners\.tcp.default`, "Heartbeat", "prometheus.path",
		"channel_max", "a.b-c_d", "load_definitions", "include", `x\.y`, "management.rates_mode",
	})
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			" ", "\t", "\n", "\r\n", "\r", "=", " = ", "#", "'", "'''", "\\", ".", "1", "x y", "\n\n",
			"# c\n", "include ", "é", "\v",
		}),
		rapid.Map(key, func(k string) string { return k + " = " }),
		rapid.Map(key, func(k string) string { return k + " = 1\n" }),
		rapid.Map(key, func(k string) string { return k + " = 'x y' # z\n" }),
		key,
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		cluster, err := Parse("dev", map[string]string{"rabbitmqConf": text})
		if err != nil {
			return
		}
		conf := cluster.RabbitMQConf(cluster.Nodes[0])
		require.Contains(t, conf, strings.TrimSpace(text))
		for _, quotes := range []bool{false, true} { // since 4.0 RabbitMQ takes values between quotes
			keys, read := readByRabbitMQ(conf, quotes)
			require.True(t, read, "%q", conf)
			for i := range keys {
				keys[i] = strings.ToLower(keys[i])
			}
			for _, rendered := range []string{"heartbeat", "listeners.tcp.default", "load_definitions"} {
				first := slices.Index(keys, rendered)
				require.GreaterOrEqual(t, first, 0)
				require.NotContains(t, keys[first+1:], rendered)
			}
			require.NotContains(t, keys, "prometheus.path")
		}
	})
}

// readByRabbitMQ finds the keys in a rabbitmq.conf by the grammar of RabbitMQ's parser, one expression for
// each of its rules, tried in its order: a setting, an inclusion, a comment, blanks. It fails where the
// parser does.
func readByRabbitMQ(text string, quotes bool) (keys []string, read bool) {
	const (
		word   = `(?:\\\.|[A-Za-z0-9_-])+`
		end    = `[ \t]*(?:#[^\n]*?)?(?:\r?\n|$)`
		setkey = `^[ \t]*(` + word + `(?:\.` + word + `)*)[ \t]*=[ \t]*`
	)
	settings := []*regexp.Regexp{regexp.MustCompile(setkey + `(?:[^#\n]+?)` + end)}
	if quotes {
		settings = slices.Insert(settings, 0,
			regexp.MustCompile(`(?s)`+setkey+`'''(?:.*?)'''`+end),
			regexp.MustCompile(setkey+`'[^']*'`+end))
	}
	others := []*regexp.Regexp{
		regexp.MustCompile(`^[ \t]*include[ \t]+[A-Za-z0-9_.*/-]+` + end),
		regexp.MustCompile(`^[ \t]*#[^\n]*(?:\n|$)`),
		regexp.MustCompile(`^[ \t]*\r?(?:\n|$)`),
	}
next:
	for text != "" {
		for _, setting := range settings {
			if m := setting.FindStringSubmatch(text); m != nil {
				keys = append(keys, strings.ReplaceAll(m[1], `\.`, "."))
				text = text[len(m[0]):]
				continue next
			}
		}
		for _, other := range others {
			if m := other.FindString(text); m != "" {
				text = text[len(m):]
				continue next
			}
		}
		return keys, false
	}
	return keys, true
}
