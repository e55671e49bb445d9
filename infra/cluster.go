package main

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// Cluster is a RabbitMQ cluster on a network of its own, with a load balancer in front of it.
type Cluster struct {
	pulumi.ResourceState

	Network      *docker.Network
	Nodes        []*Node
	LoadBalancer *LoadBalancer
	// Formation exists once the cluster consists of these nodes and no others.
	Formation *docker.Container
}

// ClusterArgs are the arguments of NewCluster.
type ClusterArgs struct {
	Topology *topology.Cluster
	Secrets  topology.Secrets
	// Standing is how the cluster stands that is there already.
	Standing standing
	// Engine tells why a node did not come up.
	Engine engine
}

// NewCluster declares a cluster. It is there when every node is a running member of it.
func NewCluster(ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption) (*Cluster, error) {
	c := &Cluster{}
	if err := ctx.RegisterComponentResource("warren:index:Cluster", name, c, opts...); err != nil {
		return nil, err
	}
	inside := pulumi.Parent(c)

	var err error
	if c.Network, err = newNetwork(ctx, args.Topology, inside); err != nil {
		return nil, err
	}
	image, err := newImage(ctx, "rabbitmq-image", args.Topology.Image, inside)
	if err != nil {
		return nil, err
	}
	order := rollout{rolling: args.Standing.serves(args.Topology)}
	for _, n := range args.Standing.order(args.Topology) {
		hooks, err := membershipHooks(ctx, args.Engine, args.Topology, n)
		if err != nil {
			return nil, err
		}
		node, err := NewNode(ctx, n.Name, &NodeArgs{
			Topology: args.Topology,
			Node:     n,
			Secrets:  args.Secrets,
			Image:    image.ImageId,
			Network:  c.Network.Name,
			After:    order.next(),
			New:      !args.Standing.members[args.Topology.VolumeName(n)],
			Hooks:    hooks,
		}, inside)
		if err != nil {
			return nil, err
		}
		order.done(node)
		c.Nodes = append(c.Nodes, node)
	}
	c.LoadBalancer, err = NewLoadBalancer(ctx, topology.LoadBalancerHost, &LoadBalancerArgs{
		Topology: args.Topology,
		Secrets:  args.Secrets,
		Network:  c.Network.Name,
		Engine:   args.Engine,
		After:    order.all(),
	}, inside)
	if err != nil {
		return nil, err
	}
	if c.Formation, err = newFormation(ctx, args, image.ImageId, c.Network.Name, order.all(), inside); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"network": c.Network.Name})
}

// membershipHooks make a node that does not come up fail soon and with its reason.
func membershipHooks(ctx *pulumi.Context, docker engine, cluster *topology.Cluster, n topology.Node) (*pulumi.ResourceHookBinding, error) {
	watch, err := watchCrashes(ctx, docker, cluster, n)
	if err != nil {
		return nil, err
	}
	explain, err := explainFailure(ctx, docker, cluster, n)
	if err != nil {
		return nil, err
	}
	return &pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{watch}, OnError: []*pulumi.ErrorHook{explain}}, nil
}
