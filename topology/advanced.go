package topology

import (
	"fmt"
	"strings"
)

// AdvancedConfig renders a node's advanced.config, an Erlang term: the settings rabbitmq.conf has no key for.
func (c *Cluster) AdvancedConfig(node Node) string {
	return render("advanced.config.tmpl", struct {
		detection
		NodeName string
	}{c.detection(), node.NodeName()})
}

// ErlangArgs renders RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: flags of the virtual machine, and settings that must be there
// before it reads any configuration file, because it opens its distribution sockets first.
func (c *Cluster) ErlangArgs() string {
	// Idle schedulers sleep instead of spinning. Spinning costs CPU time that other containers on the machine need, which
	// shows as latency as soon as there are more schedulers than cores.
	args := []string{"+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"}
	if d := c.detection(); d.UserTimeout > 0 {
		options := fmt.Sprintf("[{raw,%d,%d,<<%d:32/native>>}]", ipprotoTCP, tcpUserTimeout, d.UserTimeout.Milliseconds())
		args = append(args, "-kernel", "inet_dist_connect_options", options, "-kernel", "inet_dist_listen_options", options)
	}
	return strings.Join(args, " ")
}

// Linux's numbers for setsockopt.
const (
	ipprotoTCP     = 6
	tcpUserTimeout = 18
)
