package monitoring

import (
	"fmt"

	"warren/topology/meaning"
)

// Jobs are what the readings of a kind of target are called.
const (
	jobNodes     = "rabbitmq"
	jobBalancers = "haproxy"
)

// answering counts the nodes whose metrics can be read.
const answering = `count(up{job="` + jobNodes + `"} == 1)`

func nodeRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "NodeDown",
			Expr:     `up{job="rabbitmq"} == 0`,
			For:      afterRestart,
			Severity: Warning,
			Summary:  "Node {{ $labels.node }} does not answer.",
			Means:    meaning.NodeDown,
			Fix:      []string{s.doctor(), logs, "docker start {{ $labels.container }}"},
		},
		{
			Name:     "NoMajority",
			Expr:     fmt.Sprintf(`(%s or vector(0)) < %d`, answering, s.quorum()),
			For:      soon,
			Severity: Critical,
			Summary: fmt.Sprintf("{{ $value }} of %d nodes answer, and the cluster needs %d.",
				len(s.Nodes), s.quorum()),
			Means: "Without a majority of its nodes, the cluster confirms nothing, and quorum queues deliver " +
				"nothing. What was confirmed is on the nodes' disks, and comes back with them.",
			Fix: []string{s.doctor()},
		},
		{
			// A node has no link to a peer that is gone, so links are compared with the nodes that answer.
			Name: "NodesSeparated",
			Expr: `(count by (node, container) (erlang_vm_dist_node_state{job="rabbitmq",peer=~"rabbit@.*"} == 3)` +
				` or sum by (node, container) (up{job="rabbitmq"} == 1) * 0)` +
				` < scalar(` + answering + `) - 1`,
			For:      soon,
			Severity: Critical,
			Summary:  "Node {{ $labels.node }} is connected to {{ $value }} of its peers, and more of them run.",
			Means:    meaning.NodesSeparated,
			Fix: []string{s.doctor(), "docker exec {{ $labels.container }} rabbitmqctl cluster_status",
				"docker network inspect " + s.Network},
		},
	}
}
