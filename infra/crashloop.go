package main

import (
	"context"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

const (
	// crashLimit is how often a node may end while it is waited for. Once may be bad luck.
	crashLimit    = 3
	watchInterval = time.Second
)

// watchCrashes registers a hook that runs before a membership is created and ends the wait for it if the node keeps crashing. A node
// that refuses its configuration does so within seconds, and there is no reason to wait for it as long as for one that has much to
// recover.
func watchCrashes(ctx *pulumi.Context, docker engine, cluster *topology.Cluster, node topology.Node) (*pulumi.ResourceHook, error) {
	return ctx.RegisterResourceHook("watch-"+node.Name, func(*pulumi.ResourceHookArgs) error {
		go removeWhenCrashing(ctx.Context(), docker, cluster.MembershipContainerName(node), cluster.ContainerName(node), watchInterval)
		return nil
	}, nil)
}

// removeWhenCrashing removes the container of a membership, which ends the provider's wait for it, once its node has crashed too often. It
// returns when that is done or the node is healthy, which it is before its membership, and at the end of the program.
func removeWhenCrashing(ctx context.Context, docker engine, membership, node string, interval time.Duration) {
	before, known := 0, false
	watch(ctx, interval, func() (done bool) {
		state, err := docker.ContainerInspect(ctx, node)
		if err != nil {
			return false
		}
		if !known {
			before, known = state.RestartCount, true
		}
		if state.State.Health != nil && state.State.Health.Status == container.Healthy {
			return true
		}
		return state.RestartCount-before >= crashLimit &&
			docker.ContainerRemove(ctx, membership, container.RemoveOptions{Force: true}) == nil
	})
}

// watch looks at once and then at every interval, until look says that it is done or ctx ends.
func watch(ctx context.Context, interval time.Duration, look func() (done bool)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for !look() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
