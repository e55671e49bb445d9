package main

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

const (
	haproxyConf = "/usr/local/etc/haproxy/haproxy.cfg"
	// loadBalancerMemory is far more than HAProxy needs for the connections a node accepts.
	loadBalancerMemory = 256 << 20
)

// LoadBalancer is the HAProxy in front of a cluster. It uses nothing of the nodes: a change of either replaces nothing of the other.
type LoadBalancer struct {
	pulumi.ResourceState

	Container *docker.Container
}

// LoadBalancerArgs are the arguments of NewLoadBalancer.
type LoadBalancerArgs struct {
	Topology *topology.Cluster
	Secrets  topology.Secrets
	// Network is the name of the network of the cluster.
	Network pulumi.StringInput
	// After is what has to be there before the load balancer, and is deleted after it.
	After []pulumi.Resource
}

// NewLoadBalancer declares a load balancer. It is there when HAProxy accepts connections.
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
	lb.Container, err = docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:     pulumi.String(cluster.LoadBalancerContainerName()),
		Image:    image.ImageId,
		Hostname: pulumi.String(topology.LoadBalancerHost),
		Command:  pulumi.ToStringArray([]string{"haproxy", "-W", "-db", "-f", haproxyConf}),
		// The master reads the file and opens the log as root; the file makes the workers drop to user haproxy.
		User:    pulumi.String("root"),
		Uploads: docker.ContainerUploadArray{secretFile(haproxyConf, cluster.HAProxyConf(args.Secrets))},
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
	}, inside, replaceInPlace, pulumi.DependsOn(args.After))
	if err != nil {
		return nil, err
	}
	return lb, ctx.RegisterResourceOutputs(lb, pulumi.Map{"container": lb.Container.Name})
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
