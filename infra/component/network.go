package component

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// newNetwork declares the bridge network of a stack. Its members find each other by host name through the
// engine's DNS, which only user-defined networks have.
func newNetwork(
	ctx *pulumi.Context, name string, cluster *topology.Cluster, owner pulumi.StringInput,
	opts ...pulumi.ResourceOption,
) (*docker.Network, error) {
	return docker.NewNetwork(ctx, name, &docker.NetworkArgs{
		Name:   pulumi.String(cluster.NetworkName()),
		Driver: pulumi.String("bridge"),
		Labels: docker.NetworkLabelArray{
			docker.NetworkLabelArgs{Label: pulumi.String(topology.LabelStack), Value: pulumi.String(cluster.Stack)},
			docker.NetworkLabelArgs{Label: pulumi.String(topology.LabelOwner), Value: owner},
		},
	}, append(opts, keepLabels)...)
}

// keepLabels leaves the labels of an existing network or volume as they are. Docker can't change them, so a
// difference would replace the network with everything in it, or a volume with its data.
var keepLabels = pulumi.IgnoreChanges([]string{"labels"})
