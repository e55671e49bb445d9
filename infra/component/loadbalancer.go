package component

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/agentbinary"
	"warren/infra/balancer"
	"warren/infra/component/internal/rights"
	"warren/infra/engine"
	"warren/infra/explain"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/render"
)

// LoadBalancer is the HAProxy in front of a cluster. It uses no property of the nodes, so a change of a node
// never replaces it. A change of its configuration does not replace its container either, which would close
// every connection: HAProxy gets its configuration over a volume and reloads it.
type LoadBalancer struct {
	pulumi.ResourceState

	// Volume is how HAProxy gets its configuration.
	Volume *docker.Volume
	// Container runs HAProxy.
	Container *docker.Container
	// Configuration exists while HAProxy runs with the cluster's configuration.
	Configuration *docker.Container
	// Keepalived gives its host the virtual address; nil if the topology has none.
	Keepalived *docker.Container
}

// LoadBalancerArgs are the arguments of NewLoadBalancer. Topology, Secrets, Owner and Network are required.
type LoadBalancerArgs struct {
	// Topology is the cluster that the load balancer serves.
	Topology *topology.Cluster `pulumi:"topology"`
	// Secrets are the cluster's secrets, all of them.
	Secrets *SecretsArgs `pulumi:"secrets"`
	// TLS has the load balancer's certificate, if the topology has TLS.
	TLS *TLSArgs
	// Agent is what gives HAProxy a certificate while it runs. The default is to build it in the project's
	// folder.
	Agent *agentbinary.Binary
	// Owner is as in ClusterArgs.
	Owner pulumi.StringInput `pulumi:"owner"`
	// Engine tells why HAProxy does not accept its configuration. The default is as in ClusterArgs.
	Engine engine.Client
	// Host is the name of the host that it is on; empty for a cluster on one engine.
	Host string `pulumi:"host"`
	// Network is the name of the cluster's network.
	Network pulumi.StringInput `pulumi:"network"`
	// DependsOn is what has to be there before the load balancer, and is deleted after it. Unlike the resource
	// option, it applies to what is in the component.
	DependsOn []pulumi.Resource
	// Found is what is there of the cluster, by which its volume is made again if it is not there any more. The
	// default is that nobody looked.
	Found *survey.Found
	// Generation tells the containers of HAProxy apart, ConfigGeneration those of its configuration: another one
	// replaces the container. The default is "1".
	Generation       string `pulumi:"generation"`
	ConfigGeneration string `pulumi:"configGeneration"`
}

// NewLoadBalancer declares a load balancer. It is complete when HAProxy accepts connections by its
// configuration.
func NewLoadBalancer(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, opts ...pulumi.ResourceOption,
) (*LoadBalancer, error) {
	resolved, err := args.withDefaults(ctx)
	if err != nil {
		return nil, err
	}
	lb := &LoadBalancer{}
	if err := ctx.RegisterComponentResource(LoadBalancerType, name, lb, opts...); err != nil {
		return nil, err
	}
	inside := pulumi.Parent(lb)
	dependsOn := pulumi.DependsOn(resolved.DependsOn)
	cluster := resolved.Topology
	image, err := newImage(ctx, name+"-image", cluster.LoadBalancer.Image, resolved.Host, resolved.Found, inside)
	if err != nil {
		return nil, err
	}
	config := name + "-config"
	lb.Volume, err = newVolume(ctx, config, resolved.balancer().VolumeName(), resolved.Host, cluster.Stack,
		resolved.Owner, resolved.Found, topology.RoleLoadBalancer, nil, inside)
	if err != nil {
		return nil, err
	}
	if lb.Container, err = lb.newContainer(ctx, name, resolved, image, inside, dependsOn); err != nil {
		return nil, err
	}
	if lb.Configuration, err = lb.newConfiguration(ctx, config, resolved, image, inside, dependsOn); err != nil {
		return nil, err
	}
	lb.Keepalived, err = lb.newKeepalived(ctx, name+"-"+topology.KeepalivedHost, resolved, inside)
	if err != nil {
		return nil, err
	}
	return lb, ctx.RegisterResourceOutputs(lb, pulumi.Map{"container": lb.Container.Name})
}

// withDefaults returns the arguments with nothing left out.
func (a *LoadBalancerArgs) withDefaults(ctx *pulumi.Context) (*LoadBalancerArgs, error) {
	if a == nil || a.Topology == nil || !a.Secrets.complete() || a.Owner == nil || a.Network == nil {
		return nil, errors.New("LoadBalancerArgs needs Topology, Secrets, Owner and Network")
	}
	if !slices.Contains(a.Topology.LoadBalancerHosts, a.Host) {
		return nil, fmt.Errorf("the topology has no load balancer on host %q", a.Host)
	}
	if a.Topology.HasTLS() && (a.TLS == nil || a.TLS.Certificates[topology.LoadBalancerHost] == nil) {
		return nil, errors.New("LoadBalancerArgs needs TLS with the load balancer's certificate")
	}
	resolved := *a
	resolved.Generation, resolved.ConfigGeneration = cmp.Or(a.Generation, "1"), cmp.Or(a.ConfigGeneration, "1")
	err := setEngine(ctx, resolved.Topology, &resolved.Engine)
	if err != nil || !a.Topology.HasTLS() {
		return &resolved, err
	}
	resolved.Agent, err = agentOr(ctx, engine.On(resolved.Engine, a.Host), a.Agent)
	return &resolved, err
}

// balancer is the load balancer's entry in the topology. There is one for every host that has a load
// balancer, and withDefaults admits no others.
func (a *LoadBalancerArgs) balancer() topology.Balancer {
	for _, b := range a.Topology.Balancers() {
		if b.Host == a.Host {
			return b
		}
	}
	return topology.Balancer{}
}

// newContainer declares the container that runs HAProxy.
func (lb *LoadBalancer) newContainer(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, image pulumi.StringInput,
	opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(args.balancer().ContainerName()),
		Image:       image,
		Hostname:    pulumi.String(topology.LoadBalancerHost),
		Entrypoints: pulumi.ToStringArray([]string{"sh", balancer.ServerPath}),
		// The master reads the file and opens the log as root; the file makes the workers drop to user haproxy.
		User:             pulumi.String("root"),
		Uploads:          docker.ContainerUploadArray{script(balancer.ServerPath, balancer.ServerScript)},
		Volumes:          lb.volumes(),
		Ports:            lb.ports(cluster, args.Host),
		NetworksAdvanced: attach(args.Network, topology.LoadBalancerHost),
		Healthcheck:      listening(statsPort(cluster)),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(time.Minute),
		MustRun:          mayStop,
		Memory:           mebibytes(cluster.LoadBalancerMemory()),
		MemorySwap:       mebibytes(cluster.LoadBalancerMemory()),
		Restart:          pulumi.String("unless-stopped"),
		// The official image asks for SIGUSR1, upon which HAProxy waits for clients to leave, and AMQP clients
		// don't.
		StopSignal:          pulumi.String("SIGTERM"),
		DestroyGraceSeconds: seconds(10 * time.Second),
		LogDriver:           pulumi.String(cluster.Logs.Driver),
		LogOpts:             pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts:        noNewPrivileges,
		Capabilities:        rights.ServerAndTools(),
		Labels: containerLabels(cluster.Stack, args.Owner, topology.RoleLoadBalancer,
			topology.LabelGeneration, args.Generation),
	}, append(opts, replaceInPlace)...)
}

// newConfiguration declares that HAProxy runs with the cluster's configuration. A container makes that true:
// it offers the configuration to HAProxy, is healthy once HAProxy has accepted it, and offers it again when
// HAProxy runs with another one. It outlives a restart of the engine.
func (lb *LoadBalancer) newConfiguration(
	ctx *pulumi.Context, name string, args *LoadBalancerArgs, image pulumi.StringInput,
	opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	hooks, err := explain.LoadBalancerConfig(ctx, args.Engine, args.balancer(), name)
	if err != nil {
		return nil, err
	}
	configuration := args.Secrets.render(func(s topology.Secrets) (string, error) {
		return render.HAProxyConf(args.balancer(), s), nil
	})
	uploads := docker.ContainerUploadArray{
		secretFile(balancer.Configuration, configuration),
		script(balancer.ConfigPath, balancer.ConfigScript),
	}
	if cluster.HasTLS() {
		uploads = append(uploads, agentFile(*args.Agent),
			secretFile(balancer.Certificate, args.TLS.certificateOf(topology.LoadBalancerHost)))
	}
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:         pulumi.String(args.balancer().ConfigContainerName()),
		Image:        image,
		Entrypoints:  pulumi.ToStringArray([]string{"sh", balancer.ConfigPath}),
		User:         pulumi.String("root"), // as which HAProxy reads the file
		Uploads:      uploads,
		Volumes:      lb.volumes(),
		NetworkMode:  pulumi.String("none"),
		Healthcheck:  untilFile(balancer.TakenFile, balancer.RefusedFile),
		Wait:         pulumi.Bool(true),
		WaitTimeout:  seconds(time.Minute),
		MustRun:      mayStop,
		Restart:      pulumi.String("unless-stopped"),
		StopSignal:   pulumi.String("SIGTERM"),
		LogDriver:    pulumi.String(cluster.Logs.Driver),
		LogOpts:      pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts: noNewPrivileges,
		Capabilities: rights.ServerAndTools(),
		Labels: containerLabels(cluster.Stack, args.Owner, topology.RoleLoadBalancerConfig,
			topology.LabelGeneration, args.ConfigGeneration),
	}, append(opts, replaceInPlace, pulumi.ResourceHooks(hooks))...)
}

// ports are for clients, and those for the metrics, which a Prometheus on another host reads.
func (lb *LoadBalancer) ports(cluster *topology.Cluster, host string) docker.ContainerPortArray {
	ports := publishAll(cluster, host, cluster.LoadBalancerPorts())
	for _, b := range cluster.Balancers() {
		if b.Host != host || cluster.VirtualAddress == "" {
			continue
		}
		for i, p := range cluster.LoadBalancerPorts() {
			ports[i] = docker.ContainerPortArgs{
				Internal: pulumi.Int(p.Inside), External: pulumi.Int(p.Outside), Ip: pulumi.String(b.PublishAddress()),
			}
		}
	}
	if cluster.HasHosts() {
		ports = append(ports, publish(cluster, host, topology.BalancerMetricsPort, topology.BalancerMetricsPort))
	}
	return ports
}

// statsPort is where HAProxy shows its statistics inside its container.
func statsPort(cluster *topology.Cluster) int {
	if cluster.HasPlainText() {
		return topology.StatsPort
	}
	return topology.StatsTLSPort
}

// volumes connects the two containers.
func (lb *LoadBalancer) volumes() docker.ContainerVolumeArray {
	return docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
		VolumeName:    lb.Volume.Name,
		ContainerPath: pulumi.String(balancer.Volume),
	}}
}

// listening is a health check: some process in the container listens on a port. It works in images that have
// neither bash nor curl, opens no connection that would be logged, and starts nothing but grep.
func listening(port int) *docker.ContainerHealthcheckArgs {
	socket := fmt.Sprintf(":%04X [0-9A-F]*:0000 0A", port) // 0A is the state LISTEN
	return &docker.ContainerHealthcheckArgs{
		Tests:    pulumi.ToStringArray([]string{"CMD", "grep", "-qs", socket, "/proc/net/tcp", "/proc/net/tcp6"}),
		Interval: duration(5 * time.Second),
		Timeout:  duration(5 * time.Second),
		Retries:  pulumi.Int(3),
	}
}

// untilFile is a health check. Its first probe lasts until the file done is there, and every other one for an
// hour. It fails if the file failed is there before; an empty name is no file. A probe costs the engine far
// more than the command that it runs. Once a second, it would take a good part of a core for
// ever; less often, it would delay the deployment.
func untilFile(done, failed string) *docker.ContainerHealthcheckArgs {
	const hour = time.Hour
	probe := fmt.Sprintf("mkdir %s 2>/dev/null || sleep %d; "+
		"until [ -e %s ]; do [ ! -e '%s' ] || exit 1; sleep 0.2; done", balancer.ProbedFile, int(hour.Seconds()),
		done, failed)
	return &docker.ContainerHealthcheckArgs{
		Tests:    pulumi.ToStringArray([]string{"CMD", "sh", "-c", probe}),
		Interval: duration(time.Second),
		Timeout:  duration(2 * hour),
		Retries:  pulumi.Int(1),
	}
}
