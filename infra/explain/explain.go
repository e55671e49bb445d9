// Package explain tells why a part of a cluster did not come up. Pulumi's Docker provider knows only that a
// container was not healthy in time. The reason is in the logs of the containers, and here it becomes the
// error of the deployment.
//
// The hooks also end a wait that can't succeed, such as the wait for a node that keeps crashing.
package explain

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/engine"
	"warren/topology"
)

const (
	// timeout bounds looking for the reason of a failure.
	timeout = 15 * time.Second
	// watchInterval is how often a container is looked at while the provider waits for it.
	watchInterval = time.Second
)

// Membership returns the hooks for the membership of a node whose resource has that name. They end the wait
// for a node that keeps crashing, and tell why the node did not become a member.
func Membership(
	ctx *pulumi.Context, docker engine.Client, cluster *topology.Cluster, node topology.Node, name string,
) (*pulumi.ResourceHookBinding, error) {
	membership, container := cluster.MembershipContainerName(node), cluster.ContainerName(node)
	watcher := &refusalWatcher{docker: docker, container: membership, interval: watchInterval}
	return hooks(ctx, name,
		func(watchCtx context.Context) {
			go watcher.watch(watchCtx)
			removeWhenCrashing(watchCtx, docker, membership, container, watchInterval)
		},
		func(logCtx context.Context) string {
			abandonFormation(logCtx, docker, cluster)
			return watcher.explain(logCtx, node.Name+" did not become a running member of the cluster.",
				container, membership)
		})
}

// Formation returns the hooks for the formation, whose resource has that name. They end the wait for a
// formation that refuses, and tell why there is none.
func Formation(
	ctx *pulumi.Context, docker engine.Client, cluster *topology.Cluster, name string,
) (*pulumi.ResourceHookBinding, error) {
	watcher := &refusalWatcher{docker: docker, container: cluster.FormationContainerName(),
		interval: watchInterval}
	return hooks(ctx, name, watcher.watch, func(logCtx context.Context) string {
		return watcher.explain(logCtx, "The cluster's members do not match the stack's nodes.", watcher.container)
	})
}

// LoadBalancerConfig returns the hooks for the load balancer's configuration, whose resource has that name.
// They end the wait for a HAProxy that refuses it, and tell why.
func LoadBalancerConfig(
	ctx *pulumi.Context, docker engine.Client, balancer topology.Balancer, name string,
) (*pulumi.ResourceHookBinding, error) {
	watcher := &refusalWatcher{docker: docker, container: balancer.ConfigContainerName(),
		interval: watchInterval}
	return hooks(ctx, name, watcher.watch, func(logCtx context.Context) string {
		return failure(logCtx, docker, "The load balancer did not take its configuration.",
			watcher.container, balancer.ContainerName())
	})
}

// hooks registers a watch over a container while Pulumi creates it, if there is one, and an explanation of
// why that failed. A failed deletion explains itself.
func hooks(
	ctx *pulumi.Context, name string, watch func(context.Context), explain func(context.Context) string,
) (*pulumi.ResourceHookBinding, error) {
	binding := &pulumi.ResourceHookBinding{}
	if watch != nil {
		before, err := ctx.RegisterResourceHook("watch-"+name, func(*pulumi.ResourceHookArgs) error {
			go watch(ctx.Context())
			return nil
		}, nil)
		if err != nil {
			return nil, err
		}
		binding.BeforeCreate = []*pulumi.ResourceHook{before}
	}
	onFailure := func(args *pulumi.ErrorHookArgs) (retry bool, err error) {
		if args.FailedOperation == "delete" {
			return false, nil
		}
		logCtx, cancel := context.WithTimeout(ctx.Context(), timeout)
		defer cancel()
		return false, ctx.Log.Error(explain(logCtx), nil)
	}
	onError, err := ctx.RegisterErrorHook("explain-"+name, onFailure)
	if err != nil {
		return nil, err
	}
	binding.OnError = []*pulumi.ErrorHook{onError}
	return binding, nil
}
