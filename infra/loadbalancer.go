package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/balancer"
	"warren/topology"
)

const (
	serveHAProxyPath = "/etc/warren/serve-haproxy"
	offerHAProxyPath = "/etc/warren/offer-haproxy"
	// loadBalancerMemory is far more than HAProxy needs for the connections a node accepts, even while it has two workers, before and after a
	// reload.
	loadBalancerMemory = 256 << 20
)

// LoadBalancer is the HAProxy in front of a cluster. It uses nothing of the nodes: a change of either replaces nothing of the other. Nor
// does a change of its configuration replace it, which would close every connection through it: HAProxy takes that over from
// a volume.
type LoadBalancer struct {
	pulumi.ResourceState

	Volume    *docker.Volume
	Container *docker.Container
	// Configuration exists while HAProxy runs with the stack's configuration.
	Configuration *docker.Container
}

// LoadBalancerArgs are the arguments of NewLoadBalancer.
type LoadBalancerArgs struct {
	Topology *topology.Cluster
	Secrets  topology.Secrets
	// Network is the name of the network of the cluster.
	Network pulumi.StringInput
	// Engine tells why HAProxy does not take its configuration.
	Engine engine
	// After is what has to be there before the load balancer, and is deleted after it.
	After []pulumi.Resource
}

// NewLoadBalancer declares a load balancer. It is there when HAProxy accepts connections by its configuration.
func NewLoadBalancer(ctx *pulumi.Context, name string, args *LoadBalancerArgs, opts ...pulumi.ResourceOption) (*LoadBalancer, error) {
	lb := &LoadBalancer{}
	if err := ctx.RegisterComponentResource("warren:index:LoadBalancer", name, lb, opts...); err != nil {
		return nil, err
	}
	inside := pulumi.Parent(lb)
	cluster := args.Topology
	image, err := newImage(ctx, "haproxy-image", cluster.LoadBalancer.Image, inside)
	if err != nil {
		return nil, err
	}
	lb.Volume, err = docker.NewVolume(ctx, name+"-config", &docker.VolumeArgs{
		Name: pulumi.String(cluster.LoadBalancerVolumeName()),
		Labels: docker.VolumeLabelArray{
			docker.VolumeLabelArgs{Label: pulumi.String(labelStack), Value: pulumi.String(cluster.Stack)},
			docker.VolumeLabelArgs{Label: pulumi.String(labelRole), Value: pulumi.String(roleLoadBalancer)},
		},
	}, inside, keepLabels)
	if err != nil {
		return nil, err
	}
	if lb.Container, err = lb.newContainer(ctx, name, args, image, inside, pulumi.DependsOn(args.After)); err != nil {
		return nil, err
	}
	if lb.Configuration, err = lb.newConfiguration(ctx, name+"-config", args, image, inside, pulumi.DependsOn(args.After)); err != nil {
		return nil, err
	}
	return lb, ctx.RegisterResourceOutputs(lb, pulumi.Map{"container": lb.Container.Name})
}

// newContainer declares the container that runs HAProxy.
func (lb *LoadBalancer) newContainer(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, image *docker.RemoteImage, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.LoadBalancerContainerName()),
		Image:       image.ImageId,
		Hostname:    pulumi.String(topology.LoadBalancerHost),
		Entrypoints: pulumi.ToStringArray([]string{"sh", serveHAProxyPath}),
		// The master reads the file and opens the log as root; the file makes the workers drop to user haproxy.
		User:    pulumi.String("root"),
		Uploads: docker.ContainerUploadArray{script(serveHAProxyPath, balancer.Serve)},
		Volumes: lb.volumes(),
		Ports: docker.ContainerPortArray{
			publish(cluster, topology.AMQPPort, cluster.LoadBalancer.AMQPPort),
			publish(cluster, topology.ManagementPort, cluster.LoadBalancer.ManagementPort),
			publish(cluster, topology.StatsPort, cluster.LoadBalancer.StatsPort),
		},
		NetworksAdvanced: attach(args.Network, topology.LoadBalancerHost),
		Healthcheck:      listening(topology.StatsPort),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(time.Minute),
		Memory:           mebibytes(loadBalancerMemory),
		MemorySwap:       mebibytes(loadBalancerMemory),
		Restart:          pulumi.String("unless-stopped"),
		// The official image asks for SIGUSR1, upon which HAProxy waits for clients to leave, and AMQP clients don't.
		StopSignal:          pulumi.String("SIGTERM"),
		DestroyGraceSeconds: seconds(10 * time.Second),
		LogDriver:           logDriver,
		LogOpts:             logOptions,
		SecurityOpts:        noNewPrivileges,
		Labels:              labels(cluster.Stack, roleLoadBalancer),
	}, append(opts, replaceInPlace)...)
}

// newConfiguration declares that HAProxy runs with the stack's configuration. A container makes that true: it offers the configuration to
// HAProxy, is healthy once that has taken it, and lives as long as that stays so.
func (lb *LoadBalancer) newConfiguration(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, image *docker.RemoteImage, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	explain, err := explainedBy(ctx, name, func(logCtx context.Context) string {
		return failureOf(logCtx, args.Engine, "The load balancer did not take its configuration.",
			cluster.LoadBalancerConfigContainerName(), cluster.LoadBalancerContainerName())
	})
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.LoadBalancerConfigContainerName()),
		Image:       image.ImageId,
		Entrypoints: pulumi.ToStringArray([]string{"sh", offerHAProxyPath}),
		User:        pulumi.String("root"), // as which HAProxy reads the file
		Uploads: docker.ContainerUploadArray{
			secretFile(balancer.Configuration, cluster.HAProxyConf(args.Secrets)),
			script(offerHAProxyPath, balancer.Offer),
		},
		Volumes:      lb.volumes(),
		NetworkMode:  pulumi.String("none"),
		Healthcheck:  until(balancer.TakenFile, balancer.RefusedFile),
		Wait:         pulumi.Bool(true),
		WaitTimeout:  seconds(time.Minute),
		Rm:           pulumi.Bool(true),
		StopSignal:   pulumi.String("SIGTERM"),
		LogDriver:    logDriver,
		LogOpts:      logOptions,
		SecurityOpts: noNewPrivileges,
		Labels:       labels(cluster.Stack, roleLoadBalancerConfig),
	}, append(opts, replaceInPlace, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{OnError: []*pulumi.ErrorHook{explain}}))...)
}

// volumes is where the two containers meet.
func (lb *LoadBalancer) volumes() docker.ContainerVolumeArray {
	return docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
		VolumeName:    lb.Volume.Name,
		ContainerPath: pulumi.String(balancer.Volume),
	}}
}

// listening is a health check: some process in the container accepts connections on a port. It works in images that
// have neither bash nor curl, opens no connection that would be logged, and starts nothing but a grep.
func listening(port int) *docker.ContainerHealthcheckArgs {
	socket := fmt.Sprintf(":%04X [0-9A-F]*:0000 0A", port) // 0A is the state LISTEN
	return &docker.ContainerHealthcheckArgs{
		Tests:    pulumi.ToStringArray([]string{"CMD", "grep", "-qs", socket, "/proc/net/tcp", "/proc/net/tcp6"}),
		Interval: duration(5 * time.Second),
		Timeout:  duration(5 * time.Second),
		Retries:  pulumi.Int(3),
	}
}
