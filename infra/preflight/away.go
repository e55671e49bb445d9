package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"warren/infra/engine"
	"warren/infra/survey"
	"warren/topology"
)

// Reach returns the engines that answer as one, and the hosts whose engines do not. It fails with an *Error
// if the deployment can't go on without those.
func Reach(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, last survey.Last,
) (reached engine.Client, away []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	hosts := engine.HostsOf(docker)
	_, failures := ask(ctx, hosts)
	var answering []engine.Host
	var unheard []string
	for i, h := range hosts {
		if failures[i] == nil {
			answering = append(answering, h)
			continue
		}
		away = append(away, h.Name)
		unheard = append(unheard, unreachable(h, failures[i]))
	}
	if len(away) == 0 {
		return docker, nil, nil
	}
	if why := needed(cluster, last, away); why != "" {
		return nil, nil, &Error{append(unheard, why)}
	}
	if !last.Deployed || minority(cluster, away) {
		return nil, nil, &Error{unheard}
	}
	return engine.NewGroup(answering...), away, nil
}

// minority tells whether half of the nodes or fewer are on hosts that answer.
func minority(cluster *topology.Cluster, away []string) bool {
	lost := 0
	for _, n := range cluster.Nodes {
		if slices.Contains(away, n.Host) {
			lost++
		}
	}
	return 2*(len(cluster.Nodes)-lost) <= len(cluster.Nodes)
}

// needed says what a deployment is to change that needs all hosts: nodes that come or go change the members
// of queues everywhere.
func needed(cluster *topology.Cluster, last survey.Last, away []string) string {
	var names []string
	for _, n := range cluster.Nodes {
		names = append(names, n.Name)
	}
	sorted := func(names []string) []string { return slices.Sorted(slices.Values(names)) }
	if !last.Deployed || slices.Equal(sorted(names), sorted(last.Nodes)) {
		return ""
	}
	return fmt.Sprintf("the nodes are to be %s and were %s, and nodes neither come nor go while host %s is "+
		"away",
		strings.Join(names, ", "), strings.Join(last.Nodes, ", "), strings.Join(away, " and host "))
}
