package main

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/node"
	"warren/topology"
)

const (
	dataPath      = "/var/lib/rabbitmq"
	cookiePath    = "/etc/warren/erlang.cookie"
	startNodePath = "/etc/warren/start-node"
)

// openFiles is the limit on a node's open files: two for every connection, and those of queues and of the distribution. The
// engine's own limit may be too low for that, or so high that Erlang, which has tables for as many as allowed, takes memory for millions.
func openFiles(cluster *topology.Cluster) pulumi.Int {
	return pulumi.Int(2*cluster.ConnectionMax + 8192)
}

// Node is one node of a cluster: the volume with its data, the container that runs it, and its membership.
type Node struct {
	pulumi.ResourceState

	Volume    *docker.Volume
	Container *docker.Container
	// Membership exists while the node is a running member of the cluster.
	Membership *docker.Container
}

// NodeArgs are the arguments of NewNode.
type NodeArgs struct {
	Topology *topology.Cluster
	Node     topology.Node
	Secrets  topology.Secrets
	// Image is the ID of the RabbitMQ image.
	Image pulumi.StringInput
	// Network is the name of the network of the cluster.
	Network pulumi.StringInput
	// After is what has to be done before anything happens to this node, such as the membership of the node before it.
	After []pulumi.Resource
	// New says that the node has no volume yet. It gets one when it is its turn, because a node that has one counts as a member.
	New bool
	// Hooks are those of the membership.
	Hooks *pulumi.ResourceHookBinding
}

// NewNode declares a node. Its data outlives its container. It is there when it is a running member of the cluster.
func NewNode(ctx *pulumi.Context, name string, args *NodeArgs, opts ...pulumi.ResourceOption) (*Node, error) {
	n := &Node{}
	if err := ctx.RegisterComponentResource("warren:index:Node", name, n, opts...); err != nil {
		return nil, err
	}
	inside := pulumi.Parent(n)

	var err error
	volumeOptions := []pulumi.ResourceOption{inside}
	if args.New {
		volumeOptions = append(volumeOptions, pulumi.DependsOn(args.After))
	}
	if n.Volume, err = newDataVolume(ctx, name+"-data", args, volumeOptions...); err != nil {
		return nil, err
	}
	if n.Container, err = newNodeContainer(ctx, name, args, n.Volume, inside, pulumi.DependsOn(args.After)); err != nil {
		return nil, err
	}
	if n.Membership, err = newMembership(ctx, name+"-join", args, n.Container, inside); err != nil {
		return nil, err
	}
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"nodeName":  pulumi.String(args.Node.NodeName()),
		"container": n.Container.Name,
	})
}

func newDataVolume(ctx *pulumi.Context, name string, args *NodeArgs, opts ...pulumi.ResourceOption) (*docker.Volume, error) {
	return docker.NewVolume(ctx, name, &docker.VolumeArgs{
		Name: pulumi.String(args.Topology.VolumeName(args.Node)),
		Labels: docker.VolumeLabelArray{
			docker.VolumeLabelArgs{Label: pulumi.String(labelStack), Value: pulumi.String(args.Topology.Stack)},
			docker.VolumeLabelArgs{Label: pulumi.String(labelRole), Value: pulumi.String(roleNode)},
			docker.VolumeLabelArgs{Label: pulumi.String(labelNode), Value: pulumi.String(args.Node.Name)},
		},
	}, append(opts, keepLabels)...)
}

func newNodeContainer(
	ctx *pulumi.Context, name string, args *NodeArgs, data *docker.Volume, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	definitions, err := cluster.Definitions(args.Secrets)
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.ContainerName(args.Node)),
		Image:       args.Image,
		Hostname:    pulumi.String(args.Node.Name),
		User:        pulumi.String("root"), // start-node drops to user rabbitmq once the files are where that user can read them
		Entrypoints: pulumi.ToStringArray([]string{"bash", startNodePath}),
		Envs:        environment("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", cluster.ErlangArgs()),
		Uploads: docker.ContainerUploadArray{
			file("/etc/rabbitmq/rabbitmq.conf", cluster.RabbitMQConf(args.Node)),
			file("/etc/rabbitmq/advanced.config", cluster.AdvancedConfig(args.Node)),
			file("/etc/rabbitmq/enabled_plugins", cluster.EnabledPlugins()),
			secretFile(cookiePath, args.Secrets.ErlangCookie),
			secretFile("/etc/warren/definitions.json", definitions),
			script(startNodePath, node.Start),
			file(topology.PromptElectionPath, node.PromptElection),
		},
		Volumes: docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
			VolumeName:    data.Name,
			ContainerPath: pulumi.String(dataPath),
		}},
		Ports: docker.ContainerPortArray{
			publish(cluster, topology.AMQPPort, args.Node.AMQPPort),
			publish(cluster, topology.ManagementPort, args.Node.ManagementPort),
		},
		NetworksAdvanced: attach(args.Network, args.Node.Name),
		Healthcheck: &docker.ContainerHealthcheckArgs{
			Tests: pulumi.ToStringArray([]string{"CMD", "bash", "-c", speaksAMQP}),
			// Each costs the engine the start of a process, and nothing waits for it: the membership knows first.
			Interval:    duration(10 * time.Second),
			Timeout:     duration(5 * time.Second),
			StartPeriod: duration(time.Minute),
			Retries:     pulumi.Int(3),
		},
		// The membership waits for the node, and knows better than a health check when it is ready.
		Wait: pulumi.Bool(false),
		Ulimits: docker.ContainerUlimitArray{docker.ContainerUlimitArgs{
			Name: pulumi.String("nofile"), Soft: openFiles(cluster), Hard: openFiles(cluster),
		}},
		Memory:              mebibytes(cluster.MemoryLimit),
		MemorySwap:          mebibytes(cluster.MemoryLimit), // the same: a broker that swaps is a broker that fails slowly
		Restart:             pulumi.String("unless-stopped"),
		StopTimeout:         seconds(node.StopTimeout),
		DestroyGraceSeconds: seconds(node.StopTimeout),
		LogDriver:           logDriver,
		LogOpts:             logOptions,
		SecurityOpts:        noNewPrivileges,
		Labels:              labels(cluster.Stack, roleNode, labelNode, args.Node.Name, labelSeries, cluster.Series.String()),
	}, append(opts, replaceInPlace)...)
}

// speaksAMQP is a shell command that succeeds if the node in its container answers a client. Unlike rabbitmq-diagnostics it starts
// no Erlang machine, which would cost seconds of CPU time a minute.
const speaksAMQP = `exec 3<>/dev/tcp/127.0.0.1/5672`
