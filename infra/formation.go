package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/node"
	"warren/topology"
)

const (
	formClusterPath = "/etc/warren/form-cluster"
	// formationTimeout is how long the cluster has to become what the stack says. New replicas take over all that is in their
	// queues.
	formationTimeout = 15 * time.Minute
	// refusalLines bounds what is shown of a refusal, which may name every queue there is.
	refusalLines = 40
)

// logPrefix is what the scripts put in front of what they log.
var logPrefix = regexp.MustCompile(`(?m)^\S+ \S+ warren: `)

// newFormation declares that the cluster consists of the stack's nodes. A container makes that true once these are members: it gives
// queues and streams the members they are to have, lets other nodes leave the cluster, enables feature flags that an upgrade
// brought, and is healthy then. If a node can't leave without a loss, the container says why and changes nothing.
//
// Pulumi deletes the containers of nodes that the stack has no more when everything else is done, hence after it. When the stack is
// destroyed, the formation is deleted before the nodes, by which they know that nobody is there to take over.
func newFormation(
	ctx *pulumi.Context, args *ClusterArgs, image, network pulumi.StringInput, after []pulumi.Resource, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	refusal := &refusal{docker: args.Engine, container: cluster.FormationContainerName(), interval: watchInterval}
	hooks, err := refusal.hooks(ctx)
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, topology.FormationHost, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.FormationContainerName()),
		Image:       image,
		Hostname:    pulumi.String(topology.FormationHost),
		Entrypoints: pulumi.ToStringArray([]string{"bash", formClusterPath}),
		Envs:        environment("WARREN_NODES", hostNames(cluster)),
		Uploads: docker.ContainerUploadArray{
			secretFile(cookiePath, args.Secrets.ErlangCookie),
			script(formClusterPath, node.Form),
		},
		NetworksAdvanced: attach(network, topology.FormationHost),
		Healthcheck:      until(node.FormedFile, node.RefusedFile),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(formationTimeout),
		Rm:               pulumi.Bool(true),
		CpuShares:        helperShares,
		LogDriver:        logDriver,
		LogOpts:          logOptions,
		SecurityOpts:     noNewPrivileges,
		Labels:           labels(cluster.Stack, roleFormation),
	}, append(opts, replaceInPlace, pulumi.DependsOn(after), pulumi.ResourceHooks(hooks))...)
}

// hostNames are the host names of a cluster's nodes, as the scripts take them.
func hostNames(cluster *topology.Cluster) string {
	var hosts []string
	for _, n := range cluster.Nodes {
		hosts = append(hosts, n.Name)
	}
	return strings.Join(hosts, " ")
}

// abandonFormation ends the wait for a formation that has to wait in vain, because a node did not become a member. At a first
// deployment it waits beside the memberships. One that is healthy is that of an earlier deployment, and stays.
func abandonFormation(ctx context.Context, docker engine, cluster *topology.Cluster) {
	name := cluster.FormationContainerName()
	state, err := docker.ContainerInspect(ctx, name)
	if err != nil || state.State.Health == nil || state.State.Health.Status == container.Healthy {
		return
	}
	// If that fails, the wait ends by its own timeout.
	_ = docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
}

// refusal looks after a formation that may refuse. The provider waits for a container to be healthy and for nothing else.
type refusal struct {
	docker    engine
	container string
	interval  time.Duration

	mu   sync.Mutex
	text string
}

func (r *refusal) hooks(ctx *pulumi.Context) (*pulumi.ResourceHookBinding, error) {
	watch, err := ctx.RegisterResourceHook("watch-formation", func(*pulumi.ResourceHookArgs) error {
		go r.watch(ctx.Context())
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	explain, err := explainedBy(ctx, topology.FormationHost, r.explain)
	if err != nil {
		return nil, err
	}
	return &pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{watch}, OnError: []*pulumi.ErrorHook{explain}}, nil
}

// watch keeps what a formation that refuses says, and removes its container, which ends the provider's wait for it. It returns when that is
// done or the cluster is formed, and at the end of the program.
func (r *refusal) watch(ctx context.Context) {
	watch(ctx, r.interval, func() (done bool) {
		state, err := r.docker.ContainerInspect(ctx, r.container)
		if err != nil || state.State.Health == nil {
			return false
		}
		switch state.State.Health.Status {
		case container.Healthy:
			return true
		case container.Unhealthy:
			return r.remove(ctx) == nil
		default:
			return false
		}
	})
}

func (r *refusal) remove(ctx context.Context) error {
	log, err := logTail(ctx, r.docker, r.container)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.text = reasons(log)
	r.mu.Unlock()
	return r.docker.ContainerRemove(ctx, r.container, container.RemoveOptions{Force: true})
}

// explain tells why there is no formation.
func (r *refusal) explain(ctx context.Context) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.text != "" {
		return r.text + "\nOr give the stack its nodes back. Then run `pulumi up` again."
	}
	return failureOf(ctx, r.docker, "The cluster did not come to consist of the stack's nodes.", r.container)
}

// reasons is the part of a formation's log that says why nodes can't leave.
func reasons(log string) string {
	lines := strings.Split(strings.TrimSpace(logPrefix.ReplaceAllString(log, "")), "\n")
	start := max(0, len(lines)-refusalLines)
	if i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "can't leave the cluster") }); i >= 0 {
		start = i
	}
	lines = lines[start:]
	if len(lines) > refusalLines {
		omitted := len(lines) - refusalLines
		lines = slices.Concat(lines[:refusalLines-1], []string{fmt.Sprintf("  … and %d more lines", omitted)}, lines[len(lines)-1:])
	}
	return strings.Join(lines, "\n")
}
