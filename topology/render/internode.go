package render

import (
	"strings"

	"warren/topology"
)

// InterNodeOptions renders how nodes and command-line tools connect to each other over TLS: an Erlang term,
// as -ssl_dist_optfile takes it. Both sides show a certificate of the stack's own authority. Who connects
// also expects the host name of the node.
func InterNodeOptions() string {
	return render("inter_node_tls.config.tmpl", struct {
		Certificate, Authority string
		Ciphers                []string
	}{topology.InterNodePath, topology.InterNodeAuthorityPath, ciphers})
}

// InterNodeArgs are the flags by which an Erlang virtual machine talks to others over TLS; none if the nodes
// of a cluster don't.
func InterNodeArgs(c *topology.Cluster) []string {
	if !c.TLSInterNode {
		return nil
	}
	return []string{"-proto_dist", "inet_tls", "-ssl_dist_optfile", topology.InterNodeOptionsPath}
}

// ToolEnvironment is the name and the value of the environment variable by which command-line tools talk to
// nodes as these do; none if nodes do so in plain text.
func ToolEnvironment(c *topology.Cluster) []string {
	arguments := InterNodeArgs(c)
	if len(arguments) == 0 {
		return nil
	}
	return []string{"RABBITMQ_CTL_ERL_ARGS", strings.Join(arguments, " ")}
}
