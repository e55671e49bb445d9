package survey

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"

	"warren/infra/engine"
	"warren/topology"
)

// AbandonFormation ends the formation of an earlier deployment that was interrupted. It may still want other
// nodes than this deployment, and would make them leave meanwhile. It is killed, because a formation that is
// told to end says farewell to the nodes, which would then stop without draining. A formation that has come
// to its end only watches, and is left alone.
func (f *Found) AbandonFormation(ctx context.Context, docker engine.Client, cluster *topology.Cluster) error {
	c := f.Containers[Place{cluster.FormationHostName(), cluster.FormationContainerName()}]
	if !c.Working {
		return nil
	}
	err := docker.ContainerKill(ctx, c.ID, "KILL")
	if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
		// a conflict: it does not run any more
		return fmt.Errorf("end the formation of an earlier deployment: %w", err)
	}
	return nil
}
