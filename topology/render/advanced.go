package render

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"warren/topology"
)

// AdvancedConfig renders a node's advanced.config, an Erlang term with the settings that rabbitmq.conf has no
// key for.
func AdvancedConfig(c *topology.Cluster, node topology.Node) string {
	return render("advanced.config.tmpl", struct {
		detection
		NodeName string
		WALSize  int64
		// Own are the operator's own settings by application, Others those of applications that have no others.
		Own, Others map[string]string
	}{detectionOf(c), node.NodeName(), c.WALSize(), c.AdvancedConfig, othersOf(c)})
}

// othersOf are the operator's own settings of applications for which Warren makes none.
func othersOf(c *topology.Cluster) map[string]string {
	others := maps.Clone(c.AdvancedConfig)
	delete(others, "rabbit")
	if detectionOf(c).NetTickTime > 0 {
		delete(others, "kernel")
		delete(others, "aten")
	}
	return others
}

// ErlangArgs renders RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: flags of the virtual machine, and settings that
// must be there before it reads any configuration file, because it opens its distribution sockets first.
func ErlangArgs(c *topology.Cluster) string {
	// Idle schedulers sleep instead of spinning. Spinning costs CPU time that other containers on the machine
	// need, which shows as latency as soon as there are more schedulers than cores.
	args := []string{"+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"}
	d := detectionOf(c)
	if d.UserTimeout > 0 {
		options := fmt.Sprintf("[{raw,%d,%d,<<%d:32/native>>}]",
			ipprotoTCP, tcpUserTimeout, d.UserTimeout.Milliseconds())
		for _, parameter := range []string{"inet_dist_connect_options", "inet_dist_listen_options"} {
			args = append(args, "-kernel", parameter, options)
		}
	}
	if d.PromptElection {
		args = append(args, "-eval", start(topology.PromptElectionPath, ""))
	}
	args = append(args, "-eval", start(topology.NodePulsePath, strconv.Itoa(topology.AgentPort)))
	return strings.Join(append(args, InterNodeArgs(c)...), " ")
}

// start is an Erlang expression that compiles and starts a module. It runs in its own process so that an
// error does not stop the virtual machine from booting. It contains no spaces, because RabbitMQ's scripts
// split the arguments on them.
func start(path, arguments string) string {
	return fmt.Sprintf(`spawn(fun()->{ok,M,B}=compile:file("%[1]s",[binary]),`+
		`{module,M}=code:load_binary(M,"%[1]s",B),M:start(%[2]s)end)`, path, arguments)
}

// Linux's numbers for setsockopt.
const (
	ipprotoTCP     = 6
	tcpUserTimeout = 18
)
