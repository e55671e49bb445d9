package component

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/agent/plan"
	"warren/infra/explain"
	"warren/topology"
)

// membershipTimeout is how long a node has to start and to become a healthy member. A node with much data
// on a slow machine needs minutes to start; one that keeps crashing is not waited for that long.
const membershipTimeout = 15 * time.Minute

// newMembership declares that the node with a resource of that name is a member of its cluster. A container
// makes that true. It joins its node if that is not yet a member of the right cluster, is healthy once the
// node runs as a member with its replicas online, and unhealthy when that is no longer so. Hence
//   - Pulumi, which waits for it to be healthy, fails when the node can't join, and tries again at the next
//     deployment;
//   - a node that leaves the cluster later makes it unhealthy. The next deployment gives it another
//     generation, and so replaces it, which brings the node back;
//   - its label makes a new node container a new membership.
func newMembership(
	ctx *pulumi.Context, nodeName string, args *NodeArgs, n *Node,
	opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	hooks, err := explain.Membership(ctx, args.Engine, cluster, args.Node, nodeName)
	if err != nil {
		return nil, err
	}
	desired := plan.Desired{
		Scope: plan.ScopeMembership, Self: plan.NodeName(args.Node.NodeName()), Nodes: nodesFor(cluster, args.Node),
	}
	container := helperArgs(cluster, desired, *args.Agent, args.Secrets,
		cluster.MembershipContainerName(args.Node), topology.MembershipHost(args.Node), args.Image, args.Network)
	container.Hosts = foreignNames(cluster, args.Node.Host)
	if n.TLSVolume != nil {
		container.Volumes = tlsMount(n.TLSVolume)
		container.Uploads = append(container.Uploads.(docker.ContainerUploadArray),
			args.TLS.tlsFiles(cluster, args.Node.Name)...)
	}
	container.WaitTimeout = seconds(membershipTimeout)
	container.Labels = append(
		containerLabels(cluster.Stack, args.Owner, topology.RoleMembership, topology.LabelNode, args.Node.Name,
			topology.LabelGeneration, args.MembershipGeneration),
		docker.ContainerLabelArgs{Label: pulumi.String(topology.LabelNodeContainer), Value: n.Container.ID()})
	return docker.NewContainer(ctx, nodeName+topology.MembershipSuffix, container,
		append(opts, replaceInPlace, pulumi.ResourceHooks(hooks))...)
}
