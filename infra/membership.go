package main

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/node"
)

const (
	joinClusterPath = "/etc/warren/join-cluster"
	// labelNodeContainer is the ID of the container whose node a membership is about.
	labelNodeContainer = "warren.node-container"
	// joinTimeout is how long a node has to start and to become a member in good health. A node with much data
	// needs minutes for its start.
	joinTimeout = 5 * time.Minute
)

// newMembership declares that a node is a member of its cluster. A container makes that true: it joins its node if that is not a
// member of the right cluster yet, is healthy once the node runs as one with its replicas online, and lives as long as
// that stays so. Hence
//   - Pulumi, which waits for it to be healthy, fails when the node can't join, and tries again at the next deployment;
//   - a node that leaves the cluster later ends it and, since the engine removes it then, the next deployment finds it
//     missing, creates it again and so brings the node home;
//   - its label makes a new node container a new membership.
func newMembership(
	ctx *pulumi.Context, name string, args *NodeArgs, member *docker.Container, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	identity := docker.ContainerLabelArgs{Label: pulumi.String(labelNodeContainer), Value: member.ID()}
	host := args.Node.Name + "-join"
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.MembershipContainerName(args.Node)),
		Image:       args.Image,
		Hostname:    pulumi.String(host),
		Entrypoints: pulumi.ToStringArray([]string{"bash", joinClusterPath}),
		Envs: environment(
			"WARREN_NODE", args.Node.Name,
			"WARREN_NODE_TYPE", string(args.Node.Type),
			"WARREN_NODES", hostNames(cluster),
		),
		Uploads: docker.ContainerUploadArray{
			secretFile(cookiePath, args.Secrets.ErlangCookie),
			script(joinClusterPath, node.Join),
		},
		NetworksAdvanced: attach(args.Network, host),
		Healthcheck:      until(node.JoinedFile, ""),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(joinTimeout),
		Rm:               pulumi.Bool(true),
		CpuShares:        helperShares,
		LogDriver:        logDriver,
		LogOpts:          logOptions,
		SecurityOpts:     noNewPrivileges,
		Labels:           append(labels(cluster.Stack, roleJoin, labelNode, args.Node.Name), identity),
	}, append(opts, replaceInPlace, pulumi.ResourceHooks(args.Hooks))...)
}

// until is a health check whose first probe lasts until a file is there, and every other an hour. It fails if another file
// is there before, unless that has no name. A probe costs the engine far more than what it runs; asked every second, those of all
// memberships would take a good part of a core for ever, and asked less often, each would delay the deployment.
func until(done, failed string) *docker.ContainerHealthcheckArgs {
	const hour = time.Hour
	probe := fmt.Sprintf("mkdir /run/probed 2>/dev/null || sleep %d; until [ -e %s ]; do [ ! -e '%s' ] || exit 1; sleep 0.2; done",
		int(hour.Seconds()), done, failed)
	return &docker.ContainerHealthcheckArgs{
		Tests:    pulumi.ToStringArray([]string{"CMD", "sh", "-c", probe}),
		Interval: duration(time.Second),
		Timeout:  duration(2 * hour),
		Retries:  pulumi.Int(1),
	}
}
