package main

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// A rollout orders the changes to the nodes of a cluster.
//
//	together:  node 1 ─ join 1      node 2 ─ join 2      node 3 ─ join 3
//
//	rolling:   node 1 ─ join 1 ─▶ node 2 ─ join 2 ─▶ node 3 ─ join 3
//
// A cluster that serves is changed rolling: whatever happens to a node waits until the node before it is a member in
// good health again, and does not happen at all if that fails. A cluster that does not serve has nothing to lose, and its
// nodes need one another to start, so that they are changed together. That is so at the first deployment, and after
// most of the containers were removed by hand.
type rollout struct {
	rolling bool
	// last is what the next node waits for.
	last pulumi.Resource
}

// serving tells whether the cluster of a stack takes clients: most of its members are up. Members are counted by their
// volumes, because a node whose container is gone is a member still. A member is up if its node or its membership is healthy;
// the latter is so first. The engine is asked, and not the stack's last outputs, which say nothing of what happened since.
func serving(ctx context.Context, docker engine, stack string) (bool, error) {
	members, err := docker.VolumeList(ctx, volume.ListOptions{Filters: ofStack(stack)})
	if err != nil {
		return false, fmt.Errorf("listing the volumes of stack %s: %w", stack, err)
	}
	filter := ofStack(stack)
	filter.Add("health", container.Healthy)
	healthy, err := docker.ContainerList(ctx, container.ListOptions{Filters: filter})
	if err != nil {
		return false, fmt.Errorf("listing the containers of stack %s: %w", stack, err)
	}
	up := map[string]bool{}
	for _, c := range healthy {
		if node, ok := c.Labels[labelNode]; ok {
			up[node] = true
		}
	}
	return 2*len(up) > len(members.Volumes), nil
}

// next returns what the node whose turn it is waits for.
func (r *rollout) next() []pulumi.Resource {
	if !r.rolling || r.last == nil {
		return nil
	}
	return []pulumi.Resource{r.last}
}

// done says that the node whose turn it was is back in service once membership exists.
func (r *rollout) done(membership pulumi.Resource) { r.last = membership }
