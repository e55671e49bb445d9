package main

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newImage declares an image, pulled if the engine does not have it and kept when the stack goes. Containers refer to it by ID,
// so that an image built or pulled anew under the same tag is a change that Pulumi sees.
func newImage(ctx *pulumi.Context, name, reference string, opts ...pulumi.ResourceOption) (*docker.RemoteImage, error) {
	return docker.NewRemoteImage(ctx, name, &docker.RemoteImageArgs{
		Name:        pulumi.String(reference),
		KeepLocally: pulumi.Bool(true),
	}, opts...)
}
