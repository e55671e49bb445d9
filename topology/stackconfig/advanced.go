package stackconfig

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"warren/topology"
)

var (
	// applicationPattern is the name of an Erlang application.
	applicationPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// termKey finds the keys of settings, and of what is in them.
	termKey = regexp.MustCompile(`\{\s*([a-z][A-Za-z0-9_]*)\s*,`)
	// erlangText is what no key is in: text, quoted atoms and comments.
	erlangText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|%[^\n]*`)
)

// advancedReserved are the settings that Warren makes or depends on, by application.
var advancedReserved = map[string][]string{
	"kernel": {"net_ticktime", "net_setuptime", "inet_dist_listen_min", "inet_dist_listen_max",
		"inet_dist_connect_options", "inet_dist_listen_options", "dist_auto_connect"},
	"aten": {"poll_interval", "scaling_factor"},
	"rabbit": {"quorum_wal_max_size_bytes", "server_properties", "tcp_listeners", "ssl_listeners", "ssl_options",
		"auth_mechanisms", "auth_backends", "default_user", "default_pass", "loopback_users", "cluster_nodes",
		"anonymous_login_user", "anonymous_login_pass", "cluster_partition_handling", "load_definitions",
		"definitions"},
	"rabbitmq_management": {"listener", "tcp_config", "ssl_config", "path_prefix", "disable_basic_auth"},
	"rabbitmq_prometheus": {"tcp_config", "ssl_config", "path", "return_per_object_metrics"},
}

// validateAdvancedConfig checks the operator's own settings of advanced.config as far as that is possible
// without Erlang: that brackets match, and that none is Warren's own. What they mean is RabbitMQ's to judge.
func validateAdvancedConfig(problems *problemList, c *topology.Cluster) {
	for _, application := range slices.Sorted(maps.Keys(c.AdvancedConfig)) {
		key, terms := "advancedConfig."+application, strings.TrimSpace(c.AdvancedConfig[application])
		if !applicationPattern.MatchString(application) {
			problems.add("advancedConfig", "names the application "+quoted(application),
				"write the name of an Erlang application, such as rabbit or rabbitmq_auth_backend_ldap")
			continue
		}
		bare := strings.TrimSpace(erlangText.ReplaceAllStringFunc(terms, func(text string) string {
			if strings.HasPrefix(text, "%") {
				return ""
			}
			return "x"
		}))
		if wrong := unmatched(bare); wrong != "" {
			problems.add(key, wrong, "write Erlang terms separated by commas, such as {key, value}, {other, [1, 2]}")
			continue
		}
		for _, found := range termKey.FindAllStringSubmatch(bare, -1) {
			if slices.Contains(advancedReserved[application], found[1]) {
				problems.add(key, "sets "+found[1]+", which Warren sets itself or depends on", "leave it out")
			}
		}
	}
}

// unmatched says what keeps a text from being terms separated by commas; empty if nothing does.
func unmatched(terms string) string {
	closing := map[rune]rune{'{': '}', '[': ']', '(': ')'}
	var open []rune
	for _, r := range terms {
		switch {
		case closing[r] != 0:
			open = append(open, closing[r])
		case strings.ContainsRune("}])", r):
			if len(open) == 0 || open[len(open)-1] != r {
				return fmt.Sprintf("has a %q too much", r)
			}
			open = open[:len(open)-1]
		case r == '.' && len(open) == 0:
			return "ends with a dot, or has one between terms"
		case r == '"' || r == '\'':
			return fmt.Sprintf("has a %q that is not closed", r)
		}
	}
	switch {
	case len(open) > 0:
		return fmt.Sprintf("lacks a %q", open[len(open)-1])
	case !strings.HasPrefix(terms, "{"):
		return "does not begin with {"
	case !strings.HasSuffix(terms, "}"):
		return "does not end with }"
	}
	return ""
}
