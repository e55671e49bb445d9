package component

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/explain"
	"warren/infra/node"
	"warren/topology"
)

// membershipTimeout is how long a node has to start and to become a healthy member. A node with much data
// needs minutes to start.
const membershipTimeout = 5 * time.Minute

// newMembership declares that the node with a resource of that name is a member of its cluster. A container
// makes that true. It joins its node if that is not yet a member of the right cluster, is healthy once the
// node runs as a member with its replicas online, and ends when that is no longer so. Hence
//   - Pulumi, which waits for it to be healthy, fails when the node can't join, and tries again at the next
//     deployment;
//   - a node that leaves the cluster later ends it. The engine then removes the container, so that the next
//     deployment finds it missing, creates it, and brings the node back;
//   - its label makes a new node container a new membership.
func newMembership(
	ctx *pulumi.Context, nodeName string, args *NodeArgs, member *docker.Container,
	opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	hooks, err := explain.Membership(ctx, args.Engine, cluster, args.Node, nodeName)
	if err != nil {
		return nil, err
	}
	host := topology.MembershipHost(args.Node)
	watched := docker.ContainerLabelArgs{Label: pulumi.String(topology.LabelNodeContainer), Value: member.ID()}
	return docker.NewContainer(ctx, nodeName+"-join", &docker.ContainerArgs{
		Name:        pulumi.String(cluster.MembershipContainerName(args.Node)),
		Image:       args.Image,
		Hostname:    pulumi.String(host),
		Entrypoints: pulumi.ToStringArray([]string{"bash", node.JoinPath}),
		Envs: environment(
			"WARREN_NODE", args.Node.Name,
			"WARREN_NODE_TYPE", string(args.Node.Type),
			"WARREN_NODES", node.Hosts(cluster),
		),
		Uploads: docker.ContainerUploadArray{
			secretFile(topology.CookiePath, args.Secrets.cookie()),
			script(node.JoinPath, node.Join),
		},
		NetworksAdvanced: attach(args.Network, host),
		Healthcheck:      untilFile(node.JoinedFile, ""),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(membershipTimeout),
		Rm:               pulumi.Bool(true),
		CpuShares:        helperShares,
		LogDriver:        logDriver,
		LogOpts:          logOptions,
		SecurityOpts:     noNewPrivileges,
		Labels: append(containerLabels(cluster.Stack, topology.RoleMembership, topology.LabelNode, args.Node.Name),
			watched),
	}, append(opts, replaceInPlace, pulumi.ResourceHooks(hooks))...)
}

// untilFile is a health check. Its first probe lasts until the file done is there, and every other one for an
// hour. It fails if the file failed is there before; an empty name is no file. A probe costs the engine far
// more than the command that it runs. Once a second, those of all memberships would take a good part of a
// core for ever; less often, each would delay the deployment.
func untilFile(done, failed string) *docker.ContainerHealthcheckArgs {
	const hour = time.Hour
	probe := fmt.Sprintf("mkdir /run/probed 2>/dev/null || sleep %d; "+
		"until [ -e %s ]; do [ ! -e '%s' ] || exit 1; sleep 0.2; done", int(hour.Seconds()), done, failed)
	return &docker.ContainerHealthcheckArgs{
		Tests:    pulumi.ToStringArray([]string{"CMD", "sh", "-c", probe}),
		Interval: duration(time.Second),
		Timeout:  duration(2 * hour),
		Retries:  pulumi.Int(1),
	}
}
