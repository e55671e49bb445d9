package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"warren/infra/node"
	"warren/topology"
)

// departureTimeout bounds asking the cluster whether nodes can leave it. It looks at every queue.
const departureTimeout = time.Minute

// departureProblems asks the cluster whether the nodes that the stack has no more can leave it, so that a refusal comes before anything is
// touched, and in a preview. If nobody is there to be asked, the formation refuses later.
func departureProblems(ctx context.Context, docker engine, cluster *topology.Cluster, nodes []container.Summary) ([]string, error) {
	leaves := func(c container.Summary) bool {
		return !slices.ContainsFunc(cluster.Nodes, func(n topology.Node) bool { return n.Name == c.Labels[labelNode] })
	}
	if !slices.ContainsFunc(nodes, leaves) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, departureTimeout)
	defer cancel()
	status, output, err := runIn(ctx, docker, cluster.FormationContainerName(), container.ExecOptions{
		User: "rabbitmq",
		Env:  []string{"HOME=" + dataPath, "WARREN_NODES=" + hostNames(cluster)},
		Cmd:  []string{"bash", formClusterPath, "check"},
	})
	switch {
	case cerrdefs.IsNotFound(err), cerrdefs.IsConflict(err): // conflict: it does not run
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("asking the cluster whether nodes can leave it: %w", err)
	case status == node.Refusal:
		return []string{strings.TrimSpace(reasons(output)) + "; or give the stack its nodes back"}, nil
	default:
		return nil, nil
	}
}
