package component

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/agent/node"
	"warren/agent/plan"
	"warren/infra/agentbinary"
	"warren/infra/component/internal/rights"
	"warren/infra/engine"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/render"
)

// Node is one node of a cluster: the volume with its data, the container that runs it, and its membership.
type Node struct {
	pulumi.ResourceState

	// Volume has the node's data. It outlives the container.
	Volume *docker.Volume
	// Container runs the node.
	Container *docker.Container
	// TLSVolume is how the node gets its certificate; nil without TLS.
	TLSVolume *docker.Volume
	// Membership exists while the node is a running member of the cluster.
	Membership *docker.Container
}

// NodeArgs are the arguments of NewNode. Topology, Node, Secrets, Owner, Image and Network are required.
type NodeArgs struct {
	// Topology is the cluster that the node belongs to.
	Topology *topology.Cluster `pulumi:"topology"`
	// Node is the node's entry in the topology.
	Node topology.Node `pulumi:"node"`
	// Secrets are the cluster's secrets, all of them.
	Secrets *SecretsArgs `pulumi:"secrets"`
	// TLS has the node's certificate, if the topology has TLS.
	TLS *TLSArgs
	// Owner is as in ClusterArgs.
	Owner pulumi.StringInput `pulumi:"owner"`
	// Engine tells why the node did not come up. The default is as in ClusterArgs.
	Engine engine.Client
	// Image is the ID of the RabbitMQ image.
	Image pulumi.StringInput `pulumi:"image"`
	// Network is the name of the cluster's network.
	Network pulumi.StringInput `pulumi:"network"`
	// DependsOn is what has to be done before anything happens to this node, such as the membership of the
	// node before it. Unlike the resource option, it applies to what is in the component.
	DependsOn []pulumi.Resource
	// New says that the node has no volume yet. A node with a volume counts as a member, so a new one gets
	// its volume only after DependsOn.
	New bool `pulumi:"new"`
	// HadData says that the stack had data when the node's container was created, so that the node never founds
	// a cluster.
	HadData bool `pulumi:"hadData"`
	// Generation tells containers of the node apart, MembershipGeneration memberships of the same container:
	// another one replaces the container, or the membership, which then waits for the node again. The default is
	// "1".
	Generation           string `pulumi:"generation"`
	MembershipGeneration string `pulumi:"membershipGeneration"`
	// Found is what is there of the cluster, by which its volumes are made again if they are not there any
	// more. The default is that nobody looked.
	Found *survey.Found
	// OpenFiles is the limit on the node's open files. The default is what the topology wants.
	OpenFiles int `pulumi:"openFiles"`
	// Agent is what runs in the containers. The default is to build it in the project's folder.
	Agent *agentbinary.Binary
}

// NewNode declares a node. The node is complete when it is a running member of the cluster.
func NewNode(ctx *pulumi.Context, name string, args *NodeArgs, opts ...pulumi.ResourceOption) (*Node, error) {
	resolved, err := args.withDefaults(ctx)
	if err != nil {
		return nil, err
	}
	n := &Node{}
	if err := ctx.RegisterComponentResource(NodeType, name, n, opts...); err != nil {
		return nil, err
	}
	inside := pulumi.Parent(n)
	dependsOn := pulumi.DependsOn(resolved.DependsOn)

	volumeOptions := []pulumi.ResourceOption{inside}
	if resolved.New {
		volumeOptions = append(volumeOptions, dependsOn)
	}
	if n.Volume, err = newDataVolume(ctx, name+topology.VolumeSuffix, resolved, volumeOptions...); err != nil {
		return nil, err
	}
	if n.TLSVolume, err = newTLSVolume(ctx, name+"-tls", resolved, inside); err != nil {
		return nil, err
	}
	if n.Container, err = newNodeContainer(ctx, name, resolved, n, inside, dependsOn); err != nil {
		return nil, err
	}
	if n.Membership, err = newMembership(ctx, name, resolved, n, inside); err != nil {
		return nil, err
	}
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"nodeName":  pulumi.String(resolved.Node.NodeName()),
		"container": n.Container.Name,
	})
}

// withDefaults returns the arguments with nothing left out.
func (a *NodeArgs) withDefaults(ctx *pulumi.Context) (*NodeArgs, error) {
	if a == nil || a.Topology == nil || a.Node.Name == "" || !a.Secrets.complete() || a.Owner == nil ||
		a.Image == nil ||
		a.Network == nil {
		return nil, errors.New("NodeArgs needs Topology, Node, Secrets, Owner, Image and Network")
	}
	if a.Topology.HasTLS() && (a.TLS == nil || a.TLS.Authority == nil ||
		a.TLS.Certificates[a.Node.Name] == nil) {
		return nil, errors.New("NodeArgs needs TLS with the node's certificate")
	}
	if a.Topology.TLSInterNode && (a.TLS.InterNodeAuthority == nil || a.TLS.InterNode[a.Node.Name] == nil) {
		return nil, errors.New("NodeArgs needs TLS with the node's certificate for other nodes")
	}
	resolved := *a
	resolved.Generation, resolved.MembershipGeneration = cmp.Or(a.Generation,
		"1"), cmp.Or(a.MembershipGeneration, "1")
	resolved.OpenFiles = cmp.Or(a.OpenFiles, a.Topology.WantedOpenFiles())
	err := setEngine(ctx, resolved.Topology, &resolved.Engine)
	if err != nil {
		return nil, err
	}
	resolved.Agent, err = agentOr(ctx, resolved.Engine, a.Agent)
	return &resolved, err
}

func newDataVolume(
	ctx *pulumi.Context, name string, args *NodeArgs, opts ...pulumi.ResourceOption,
) (*docker.Volume, error) {
	return newVolume(ctx, name, args.Topology.VolumeName(args.Node), args.Node.Host, args.Topology.Stack,
		args.Owner, args.Found, topology.RoleNode, []string{topology.LabelNode, args.Node.Name}, opts...)
}

func newNodeContainer(
	ctx *pulumi.Context, name string, args *NodeArgs, n *Node, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	definitions := func(s topology.Secrets) (string, error) { return render.Definitions(cluster, s) }
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.ContainerName(args.Node)),
		Image:       args.Image,
		Hostname:    pulumi.String(args.Node.Name),
		User:        pulumi.String("root"), // the agent drops to user rabbitmq once that user can read the files
		Entrypoints: pulumi.ToStringArray([]string{agentbinary.Path, "run"}),
		Envs: desiredEnvironment(cluster, startOf(cluster, args.Node, args.HadData),
			append(render.ToolEnvironment(cluster),
				"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", render.ErlangArgs(cluster))...),
		Uploads: append(interNodeOptions(cluster),
			file(topology.RabbitMQConfPath, render.RabbitMQConf(cluster, args.Node)),
			file(topology.AdvancedConfigPath, render.AdvancedConfig(cluster, args.Node)),
			file(topology.EnabledPluginsPath, render.EnabledPlugins(cluster)),
			secretFile(topology.CookiePath, args.Secrets.cookie()),
			secretFile(topology.UploadedDefinitionsPath, args.Secrets.render(definitions)),
			agentFile(*args.Agent),
		),
		Volumes: append(docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
			VolumeName:    n.Volume.Name,
			ContainerPath: pulumi.String(topology.DataPath),
		}}, tlsMount(n.TLSVolume)...),
		Ports: append(publishAll(cluster, args.Node.Host, cluster.ClientPorts(args.Node)),
			publishToHosts(cluster, args.Node.Host)...),
		NetworksAdvanced: attach(args.Network, args.Node.Name),
		Hosts:            foreignNames(cluster, args.Node.Host),
		Healthcheck: &docker.ContainerHealthcheckArgs{
			Tests: pulumi.ToStringArray([]string{"CMD", "bash", "-c", acceptsAMQP}),
			// Each check costs the engine the start of a process, and nothing waits for it: the membership
			// knows first.
			Interval:    duration(10 * time.Second),
			Timeout:     duration(5 * time.Second),
			StartPeriod: duration(time.Minute),
			Retries:     pulumi.Int(3),
		},
		// The membership waits for the node, and knows better than a health check when it is ready.
		Wait:    pulumi.Bool(false),
		MustRun: mayStop,
		Ulimits: docker.ContainerUlimitArray{docker.ContainerUlimitArgs{
			Name: pulumi.String("nofile"), Soft: pulumi.Int(args.OpenFiles), Hard: pulumi.Int(args.OpenFiles),
		}},
		Memory:              mebibytes(cluster.MemoryLimit),
		MemorySwap:          mebibytes(cluster.MemoryLimit), // the same: a broker that swaps fails slowly
		Restart:             pulumi.String("unless-stopped"),
		StopTimeout:         seconds(stopTimeout),
		DestroyGraceSeconds: seconds(stopTimeout),
		LogDriver:           pulumi.String(cluster.Logs.Driver),
		LogOpts:             pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts:        noNewPrivileges,
		Capabilities:        rights.ServerAndTools(),
		Labels: append(containerLabels(cluster.Stack, args.Owner, topology.RoleNode, topology.LabelNode,
			args.Node.Name,
			topology.LabelSeries, cluster.Series.String(), topology.LabelGeneration, args.Generation,
			topology.LabelHadData, strconv.FormatBool(args.HadData),
			topology.LabelDistribution, cluster.Distribution(),
			topology.LabelOpenFiles, strconv.Itoa(args.OpenFiles)),
			docker.ContainerLabelArgs{
				Label: pulumi.String(topology.LabelCookie), Value: args.Secrets.fingerprint(cluster.Stack),
			},
			docker.ContainerLabelArgs{Label: pulumi.String(topology.LabelSettings), Value: args.settings()}),
	}, append(opts, replaceInPlace)...)
}

// startOf is what a node's agent has to know. Nodes that come or go behind the seeds change nothing of it.
func startOf(cluster *topology.Cluster, node topology.Node, hadData bool) plan.Desired {
	desired := plan.Desired{
		Scope: plan.ScopeStart, Self: plan.NodeName(node.NodeName()), Series: cluster.Series, HadData: hadData,
	}
	for _, n := range nodesFor(cluster, topology.Node{}) {
		if n.Seed || n.Name == desired.Self {
			desired.Nodes = append(desired.Nodes, n)
		}
	}
	return desired
}

// nodesFor are the cluster's nodes for an agent that looks after one of them. Of the others it need not
// know the types, whose change would replace its container.
func nodesFor(cluster *topology.Cluster, node topology.Node) []plan.DesiredNode {
	nodes := survey.Nodes(cluster.Nodes)
	for i, n := range nodes {
		if string(n.Name) != node.NodeName() {
			nodes[i].Type = topology.Disc
		}
	}
	return nodes
}

// stopTimeout is how long a node may take to stop until the engine kills it.
const stopTimeout = node.StopTimeout

// acceptsAMQP is a shell command that succeeds if the node in its container accepts connections. It does
// not start an Erlang VM as rabbitmq-diagnostics does, which would cost seconds of CPU time a minute.
var acceptsAMQP = fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d", topology.AMQPPort)
