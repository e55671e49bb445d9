package component

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/agentbinary"
	"warren/infra/component/internal/keep"
	"warren/infra/engine"
	"warren/topology"
)

// place is where containers of a cluster run: one of its hosts, or the only engine. Each has a network of its
// own, by which those on the same host find each other.
type place struct {
	// resource and component are the options of resources and of components that are there.
	resource, component []pulumi.ResourceOption
	network             *docker.Network
	// image is the ID of the RabbitMQ image.
	image pulumi.StringInput
	agent *agentbinary.Binary
}

// places declares what the hosts of a cluster have each, by the name of the host.
func (c *Cluster) places(
	ctx *pulumi.Context, args *ClusterArgs, name func(part string) string,
) (map[string]*place, error) {
	all := map[string]*place{}
	for _, host := range args.Topology.HostNames() {
		p := &place{}
		all[host] = p
		p.resource, p.component = []pulumi.ResourceOption{pulumi.Parent(c)},
			[]pulumi.ResourceOption{pulumi.Parent(c)}
		if host != "" {
			provider, err := newProvider(ctx, name(onHost("engine", host)), args.Topology.Host(host), pulumi.Parent(c))
			if err != nil {
				return nil, err
			}
			p.resource = append(p.resource, pulumi.Provider(provider))
			p.component = append(p.component, pulumi.Providers(provider))
		}
		p.resource = keep.If(args.Found.IsAway(host), p.resource)
		var err error
		if p.network, err = newNetwork(ctx, name(onHost("network", host)), host, args.Topology,
			args.Owner, args.Found, p.resource...); err != nil {
			return nil, err
		}
		p.image, err = newImage(ctx, name(onHost("rabbitmq-image", host)), args.Topology.Image, host, args.Found,
			p.resource...)
		if err != nil {
			return nil, err
		}
		if p.agent, err = agentOr(ctx, engine.On(args.Engine, host), args.agentOn(host)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// onHost is the name of a part of the cluster that every host has.
func onHost(part, host string) string {
	if host == "" {
		return part
	}
	return part + "-" + host
}

// newProvider declares the Docker provider of a host.
func newProvider(
	ctx *pulumi.Context, name string, host topology.Host, opts ...pulumi.ResourceOption,
) (*docker.Provider, error) {
	provider := &docker.ProviderArgs{Host: pulumi.String(host.Engine)}
	if host.CertPath != "" {
		provider.CertPath = pulumi.String(host.CertPath)
	}
	if len(host.SSHOptions) > 0 {
		provider.SshOpts = pulumi.ToStringArray(host.SSHOptions)
	}
	return docker.NewProvider(ctx, name, provider, opts...)
}

// foreignNames are the names that a container on a host must be told, because they are on other hosts.
func foreignNames(cluster *topology.Cluster, host string) docker.ContainerHostArrayInput {
	names := cluster.ForeignNames(host)
	if len(names) == 0 {
		return nil
	}
	var array docker.ContainerHostArray
	for _, name := range slices.Sorted(maps.Keys(names)) {
		array = append(array, docker.ContainerHostArgs{Host: pulumi.String(name), Ip: pulumi.String(names[name])})
	}
	return array
}

// publishToHosts makes the ports of a node's container that its peers use reachable for the other hosts, at
// the address of its own.
func publishToHosts(cluster *topology.Cluster, host string) docker.ContainerPortArray {
	if !cluster.HasHosts() {
		return nil
	}
	var ports docker.ContainerPortArray
	for _, port := range topology.HostPorts() {
		ports = append(ports, publish(cluster, host, port, port))
	}
	return ports
}
