package component

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/survey"
	"warren/topology"
)

// newNetwork declares the bridge network of a stack on a host. Its members find each other by host name
// through the engine's DNS, which only user-defined networks have.
func newNetwork(
	ctx *pulumi.Context, name, host string, cluster *topology.Cluster, owner pulumi.StringInput,
	found *survey.Found, opts ...pulumi.ResourceOption,
) (*docker.Network, error) {
	renewal := found.NetworkRenewal(host, cluster.NetworkName())
	var array docker.NetworkLabelArray
	for _, pair := range renewable(renewal,
		label{pulumi.String(topology.LabelStack), pulumi.String(cluster.Stack)},
		label{pulumi.String(topology.LabelOwner), owner}) {
		array = append(array, docker.NetworkLabelArgs{Label: pair.key, Value: pair.value})
	}
	return docker.NewNetwork(ctx, name, &docker.NetworkArgs{
		Name:   pulumi.String(cluster.NetworkName()),
		Driver: pulumi.String("bridge"),
		Labels: array,
	}, append(opts[:len(opts):len(opts)], renewIf(renewal))...)
}
