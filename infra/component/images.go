package component

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/survey"
)

// newImage declares an image, and returns its ID, by which containers refer to it: another image under the
// same tag is a change that Pulumi sees. The image is pulled if the engine of its host does not have it, and
// kept when the stack is destroyed.
func newImage(
	ctx *pulumi.Context, name, reference, host string, found *survey.Found, opts ...pulumi.ResourceOption,
) (pulumi.StringInput, error) {
	args := &docker.RemoteImageArgs{Name: pulumi.String(reference), KeepLocally: pulumi.Bool(true)}
	if renewal := found.ImageRenewal(host, reference); renewal != "" {
		args.Triggers = pulumi.StringMap{renewed: pulumi.String(renewal)}
	} else {
		opts = append(opts[:len(opts):len(opts)], pulumi.IgnoreChanges([]string{"triggers"}))
	}
	image, err := docker.NewRemoteImage(ctx, name, args, opts...)
	if err != nil {
		return nil, err
	}
	if id := found.Image(host, reference); id != "" {
		return pulumi.String(id), nil
	}
	return image.ImageId, nil
}

// renewed is what makes an image that is not there any more another one.
const renewed = "renewed"
