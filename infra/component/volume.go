package component

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/survey"
	"warren/topology"
)

// newVolume declares a volume of the stack on a host, with pairs of further labels.
func newVolume(
	ctx *pulumi.Context, resourceName, name, host, stack string, owner pulumi.StringInput, found *survey.Found,
	role string, further []string, opts ...pulumi.ResourceOption,
) (*docker.Volume, error) {
	renewal := found.VolumeRenewal(host, name)
	var array docker.VolumeLabelArray
	for _, pair := range renewable(renewal, labels(stack, owner, role, further)...) {
		array = append(array, docker.VolumeLabelArgs{Label: pair.key, Value: pair.value})
	}
	return docker.NewVolume(ctx, resourceName, &docker.VolumeArgs{Name: pulumi.String(name), Labels: array},
		append(opts[:len(opts):len(opts)], renewIf(renewal))...)
}

// renewable are the labels of a network or a volume. One that is not there any more gets another generation,
// by which Pulumi makes it again.
func renewable(renewal string, pairs ...label) []label {
	if renewal == "" {
		return pairs
	}
	return append(pairs, label{pulumi.String(topology.LabelGeneration), pulumi.String(renewal)})
}

// renewIf is how a network or a volume follows its labels. Those of one that is there stay as they are:
// Docker can't change them, so that a difference would replace the network with everything in it, or the
// volume with its data. One that is not there is replaced. Its name is that of the former one, which is
// deleted, as far as the state knows it, before.
func renewIf(renewal string) pulumi.ResourceOption {
	if renewal == "" {
		return pulumi.IgnoreChanges([]string{"labels"})
	}
	return pulumi.DeleteBeforeReplace(true)
}
