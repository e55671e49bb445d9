package component

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/balancer"
	"warren/topology"
	"warren/topology/render"
)

// newKeepalived declares that the host of a load balancer takes part in the virtual address: nil without one.
// The container is on the host's own network, whose addresses it changes.
func (lb *LoadBalancer) newKeepalived(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster, at := args.Topology, args.balancer()
	if cluster.VirtualAddress == "" {
		return nil, nil
	}
	image, err := newImage(ctx, name+"-image", topology.KeepalivedImage, args.Host, args.Found, opts...)
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:  pulumi.String(at.KeepalivedContainerName()),
		Image: image,
		Entrypoints: pulumi.ToStringArray([]string{
			"bash", balancer.KeepalivedPath, cluster.Host(args.Host).Address,
		}),
		User: pulumi.String("root"),
		Uploads: docker.ContainerUploadArray{
			script(balancer.KeepalivedPath, balancer.KeepalivedScript),
			script(render.KeepalivedCheckPath, balancer.CheckScript),
			file(balancer.KeepalivedConfiguration, render.KeepalivedConf(at)),
		},
		NetworkMode: pulumi.String("host"),
		// Addresses of interfaces, and packets of a protocol of its own.
		Capabilities: docker.ContainerCapabilitiesArgs{
			Adds: pulumi.ToStringArray([]string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BROADCAST"}),
		},
		Healthcheck: &docker.ContainerHealthcheckArgs{
			Tests:    pulumi.ToStringArray([]string{"CMD", "test", "-s", balancer.KeepalivedFile}),
			Interval: duration(5 * time.Second),
			Timeout:  duration(5 * time.Second),
			Retries:  pulumi.Int(3),
		},
		Wait:         pulumi.Bool(true),
		WaitTimeout:  seconds(time.Minute),
		MustRun:      mayStop,
		Restart:      pulumi.String("unless-stopped"),
		StopSignal:   pulumi.String("SIGTERM"), // upon which it gives the address away
		LogDriver:    pulumi.String(cluster.Logs.Driver),
		LogOpts:      pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts: noNewPrivileges,
		Labels: containerLabels(cluster.Stack, args.Owner, topology.RoleVirtualAddress,
			topology.LabelGeneration, args.Found.GenerationOf(args.Host, at.KeepalivedContainerName())),
	}, append(opts[:len(opts):len(opts)], replaceInPlace,
		pulumi.DependsOn([]pulumi.Resource{lb.Configuration}))...)
}
