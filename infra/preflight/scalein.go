package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"warren/infra/engine"
	"warren/infra/explain"
	"warren/infra/node"
	"warren/topology"
)

// scaleInTimeout bounds asking the cluster whether nodes can leave it. The answer takes a look at every
// queue.
const scaleInTimeout = time.Minute

// scaleInProblems asks the cluster whether the nodes that are no longer in the stack can leave it, so that a
// refusal comes before anything is touched, and in a preview. If nobody is there to be asked, the formation
// refuses later.
func scaleInProblems(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, nodes []container.Summary,
) ([]string, error) {
	leaves := func(c container.Summary) bool {
		return !slices.ContainsFunc(cluster.Nodes, func(n topology.Node) bool {
			return n.Name == c.Labels[topology.LabelNode]
		})
	}
	if !slices.ContainsFunc(nodes, leaves) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, scaleInTimeout)
	defer cancel()
	status, output, err := engine.Exec(ctx, docker, cluster.FormationContainerName(), container.ExecOptions{
		User: "rabbitmq",
		Env:  []string{"HOME=" + topology.DataPath, "WARREN_NODES=" + node.Hosts(cluster)},
		Cmd:  []string{"bash", node.FormPath, "check"},
	})
	switch {
	case cerrdefs.IsNotFound(err), cerrdefs.IsConflict(err): // conflict: it does not run
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("ask the cluster whether nodes can leave it: %w", err)
	case status == node.Refusal:
		return []string{strings.TrimSpace(explain.Refusal(output)) + "; or give the stack its nodes back"}, nil
	default:
		return nil, nil
	}
}
