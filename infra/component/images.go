package component

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newImage declares an image. It is pulled if the engine does not have it, and kept when the stack is
// destroyed. Containers refer to it by ID, so that another image under the same tag is a change that Pulumi
// sees.
func newImage(
	ctx *pulumi.Context, name, reference string, opts ...pulumi.ResourceOption,
) (*docker.RemoteImage, error) {
	return docker.NewRemoteImage(ctx, name, &docker.RemoteImageArgs{
		Name:        pulumi.String(reference),
		KeepLocally: pulumi.Bool(true),
	}, opts...)
}
