package main

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// newNetwork declares the bridge network of a stack. Its members find one another by their host names through the
// engine's DNS, which only networks of a user's own have.
func newNetwork(ctx *pulumi.Context, cluster *topology.Cluster, opts ...pulumi.ResourceOption) (*docker.Network, error) {
	return docker.NewNetwork(ctx, "network", &docker.NetworkArgs{
		Name:   pulumi.String(cluster.NetworkName()),
		Driver: pulumi.String("bridge"),
		Labels: docker.NetworkLabelArray{
			docker.NetworkLabelArgs{Label: pulumi.String(labelStack), Value: pulumi.String(cluster.Stack)},
		},
	}, append(opts, keepLabels)...)
}

// keepLabels leaves the labels of an existing network or volume as they are. Docker can't change them, so that a difference would
// replace the network with everything in it, or a volume with its data.
var keepLabels = pulumi.IgnoreChanges([]string{"labels"})
