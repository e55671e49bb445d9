package component

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/agentbinary"
	"warren/infra/component/internal/keep"
	"warren/infra/component/internal/rollout"
	"warren/infra/engine"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

// Cluster is a RabbitMQ cluster on a network of its own, with a load balancer in front of it.
type Cluster struct {
	pulumi.ResourceState

	// Network is the cluster's network. Containers that are attached to it can use InternalAMQPURL. Of a
	// cluster on several hosts, it is that of the first load balancer's host.
	Network *docker.Network
	// Nodes are the cluster's nodes, in the order in which they are changed.
	Nodes []*Node
	// LoadBalancer is the HAProxy in front of the nodes, the first if there are several.
	LoadBalancer *LoadBalancer
	// LoadBalancers are all load balancers.
	LoadBalancers []*LoadBalancer
	// Formation exists once the cluster consists of these nodes and no others.
	Formation *docker.Container
	// Monitoring watches the cluster; nil if the topology has none.
	Monitoring *Monitoring

	// AMQPURL is the load-balanced endpoint for clients outside the network, with the administrator's
	// credentials. It is secret. Like the other URLs, it has a value once the cluster is formed, so that
	// what uses it waits for that.
	AMQPURL pulumi.StringOutput `pulumi:"amqpUrl"`
	// AMQPURLs are the nodes' own endpoints, in the order of the topology. They are secret.
	AMQPURLs pulumi.StringArrayOutput `pulumi:"amqpUrls"`
	// InternalAMQPURL is the load-balanced endpoint for containers on the cluster's network. It is secret.
	InternalAMQPURL pulumi.StringOutput `pulumi:"internalAmqpUrl"`
	// ManagementURL is the load-balanced management interface, without credentials.
	ManagementURL pulumi.StringOutput `pulumi:"managementUrl"`
}

// ClusterArgs are the arguments of NewCluster. The zero value describes a cluster of three nodes with
// Warren's defaults.
type ClusterArgs struct {
	// Topology describes the cluster: its name, nodes, ports and settings. stackconfig.New makes one. The name
	// is in the names and labels of everything on the Docker engine, so it must be unique there. The
	// default is a cluster with Warren's default settings, which is named after the project, the stack and
	// the component.
	Topology *topology.Cluster `pulumi:"topology"`
	// Secrets are the cluster's secrets. The default is to keep some in the stack's state: see Keep.
	Secrets *SecretsArgs `pulumi:"secrets"`
	// TLS are the certificates, if the topology has TLS. The default is to keep an authority in the stack's
	// state: see KeepTLS.
	TLS *TLSArgs
	// Owner identifies the stack's state, in the labels of everything that the cluster consists of. The default
	// is to keep one in the stack's state.
	Owner pulumi.StringInput `pulumi:"owner"`
	// Engine is the Docker engine that the cluster runs on. It is asked how the cluster is doing, to decide
	// whether a change has to roll, and why a node did not come up. The default is the engine that the
	// Docker provider uses when it is not given explicitly: that of docker:host or DOCKER_HOST. Give it if
	// you give a provider of another engine.
	Engine engine.Client
	// PlainNames names the resources in the component "rabbit1" instead of "<component>-rabbit1". A program
	// with one cluster can do that; with two, the names would clash.
	PlainNames bool `pulumi:"plainNames"`
	// Found is what is there of the cluster. The default is to look.
	Found *survey.Found
	// Agent is what runs in the containers. The default is to build it in the project's folder.
	Agent *agentbinary.Binary
	// Agents are what runs in the containers of hosts, by the name of the host, where it is not Agent.
	Agents map[string]*agentbinary.Binary

	// granted is how many open files the engines of hosts grant, as far as they were asked.
	granted map[string]int
}

// NewCluster declares a cluster. The cluster is complete when every node is a running member of it. args
// may be nil.
//
// Call preflight.Check first: it reports at once what would make the deployment fail halfway, and refuses
// an upgrade that RabbitMQ does not support.
func NewCluster(
	ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption,
) (*Cluster, error) {
	resolved, err := args.withDefaults(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	if err := ctx.RegisterComponentResource(ClusterType, name, c, opts...); err != nil {
		return nil, err
	}
	if err := resolved.keep(ctx, resolved.namer(name), pulumi.Parent(c)); err != nil {
		return nil, err
	}
	if resolved.Topology.HasTLS() && resolved.TLS == nil {
		resolved.TLS, err = KeepTLS(ctx, resolved.namer(name), resolved.Topology, time.Now(), pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
	}
	if err := c.declare(ctx, resolved, resolved.namer(name)); err != nil {
		return nil, err
	}
	c.setOutputs(resolved)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"network":         c.Network.Name,
		"amqpUrl":         c.AMQPURL,
		"amqpUrls":        c.AMQPURLs,
		"internalAmqpUrl": c.InternalAMQPURL,
		"managementUrl":   c.ManagementURL,
	})
}

// withDefaults returns the arguments with nothing left out.
func (a *ClusterArgs) withDefaults(ctx *pulumi.Context, name string) (*ClusterArgs, error) {
	var resolved ClusterArgs
	var err error
	if a != nil {
		resolved = *a
	}
	if resolved.Topology == nil {
		unique := fmt.Sprintf("%s-%s-%s", ctx.Project(), ctx.Stack(), name)
		if resolved.Topology, err = stackconfig.New(unique, stackconfig.Config{}); err != nil {
			return nil, err
		}
	}
	if err = setEngine(ctx, resolved.Topology, &resolved.Engine); err != nil {
		return nil, err
	}
	if resolved.Found == nil {
		last, err := survey.LastOf(ctx)
		if err != nil {
			return nil, err
		}
		if resolved.Found, err = survey.Look(ctx.Context(), resolved.Engine, resolved.Topology, last); err != nil {
			return nil, err
		}
	}
	return &resolved, nil
}

// openFiles is the limit on open files of a node: what is wanted, or as many as the node's container has got
// already, or fewer if the engine grants no more. What can't be tried out, because the image is not there
// yet, is wanted: engines that grant less are rare.
func (a *ClusterArgs) openFiles(ctx context.Context, n topology.Node) int {
	wanted := a.Topology.WantedOpenFiles()
	if has := a.Found.OpenFiles(a.Topology, n.Host); has >= a.Topology.OpenFiles() && has <= wanted {
		return has
	}
	if a.granted == nil {
		a.granted = map[string]int{}
	}
	if a.granted[n.Host] == 0 {
		granted, err := engine.OpenFiles(ctx, engine.On(a.Engine, n.Host), a.Topology.Image, wanted)
		if err != nil || granted < a.Topology.OpenFiles() {
			granted = wanted
		}
		a.granted[n.Host] = granted
	}
	return a.granted[n.Host]
}

// agentOn is what runs in the containers of a host, if it is given.
func (a *ClusterArgs) agentOn(host string) *agentbinary.Binary {
	if agent, set := a.Agents[host]; set {
		return agent
	}
	return a.Agent
}

// setEngine sets the engine if it is left out.
func setEngine(ctx *pulumi.Context, cluster *topology.Cluster, docker *engine.Client) (err error) {
	if *docker != nil {
		return nil
	}
	host, _ := ctx.GetConfig("docker:host") // which the Docker provider takes as well
	*docker, err = engine.ConnectAll(cluster, host)
	return err
}

// namer returns how the resources in a component are named.
func (a *ClusterArgs) namer(component string) func(string) string {
	if a.PlainNames {
		return func(part string) string { return part }
	}
	return func(part string) string { return component + "-" + part }
}

// declare declares what is in the component.
func (c *Cluster) declare(ctx *pulumi.Context, args *ClusterArgs, name func(part string) string) error {
	order, err := args.Found.Order(args.Topology)
	if err != nil {
		return err
	}
	places, err := c.places(ctx, args, name)
	if err != nil {
		return err
	}
	c.Network = places[args.Topology.LoadBalancerHosts[0]].network
	var turns rollout.Rollout
	for _, group := range order {
		turns.Group()
		for _, n := range group.Nodes {
			at := places[n.Host]
			node, err := NewNode(ctx, name(n.Name), &NodeArgs{
				Topology:             args.Topology,
				Node:                 n,
				Secrets:              args.Secrets,
				TLS:                  args.TLS,
				Owner:                args.Owner,
				Engine:               args.Engine,
				Image:                at.image,
				Network:              at.network.Name,
				DependsOn:            turns.Next(),
				New:                  !args.Found.HasVolume(args.Topology, n),
				HadData:              args.Found.HadData(args.Topology, n, group),
				Generation:           args.Found.Generation(n.Host, args.Topology.ContainerName(n)),
				OpenFiles:            args.openFiles(ctx.Context(), n),
				MembershipGeneration: args.Found.MembershipGeneration(args.Topology, n),
				Found:                args.Found,
				Agent:                at.agent,
			}, keep.If(args.Found.Keeps(n), at.component)...)
			if err != nil {
				return err
			}
			turns.Done(node.Container, node.Membership)
			c.Nodes = append(c.Nodes, node)
		}
	}
	for _, balancer := range args.Topology.Balancers() {
		at := places[balancer.Host]
		lb, err := NewLoadBalancer(ctx, name(balancer.Name()), &LoadBalancerArgs{
			Topology:         args.Topology,
			Secrets:          args.Secrets,
			TLS:              args.TLS,
			Agent:            at.agent,
			Owner:            args.Owner,
			Engine:           args.Engine,
			Network:          at.network.Name,
			Host:             balancer.Host,
			DependsOn:        turns.All(),
			Found:            args.Found,
			Generation:       args.Found.Generation(balancer.Host, balancer.ContainerName()),
			ConfigGeneration: args.Found.Generation(balancer.Host, balancer.ConfigContainerName()),
		}, keep.If(args.Found.IsAway(balancer.Host), at.component)...)
		if err != nil {
			return err
		}
		c.LoadBalancers = append(c.LoadBalancers, lb)
	}
	c.LoadBalancer = c.LoadBalancers[0]
	at := places[args.Topology.FormationHostName()]
	// Another formation would wait for nodes that are away.
	c.Formation, err = newFormation(ctx, name(topology.FormationHost), args, at,
		append(keep.If(len(args.Found.Away) > 0, at.resource), pulumi.DependsOn(turns.All()))...)
	if err != nil || args.Topology.Monitoring == nil {
		return err
	}
	c.Monitoring, err = newMonitoring(ctx, name, args, places[args.Topology.MonitoringHost()],
		pulumi.DependsOn([]pulumi.Resource{c.Formation}))
	return err
}

// setOutputs sets the outputs. They follow from the arguments, and have a value once the cluster is formed.
func (c *Cluster) setOutputs(args *ClusterArgs) {
	formed := c.Formation.ID()
	url := func(of func(topology.Secrets) string) pulumi.StringOutput {
		return args.Secrets.render(func(s topology.Secrets) (string, error) { return of(s), nil }, formed)
	}
	c.AMQPURL = url(func(s topology.Secrets) string { return args.Topology.Outputs(s).AMQPURL })
	c.InternalAMQPURL = url(args.Topology.InternalAMQPURL)
	var nodes pulumi.StringArray
	for i := range args.Topology.Nodes {
		nodes = append(nodes, url(func(s topology.Secrets) string { return args.Topology.Outputs(s).AMQPURLs[i] }))
	}
	c.AMQPURLs = nodes.ToStringArrayOutput()
	management := args.Topology.Outputs(topology.Secrets{}).ManagementURL // it has no credentials
	c.ManagementURL = formed.ApplyT(func(pulumi.ID) string { return management }).(pulumi.StringOutput)
}
