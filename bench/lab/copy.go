package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-connections/nat"
	"golang.org/x/sync/errgroup"

	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/render"
	"warren/topology/stackconfig"
)

// The ports of the clusters that the lab brings up begin here. Each takes less than a hundred.
const (
	stockPorts     = 28100
	ByHandPorts    = 28200
	tutorialPorts  = 28300
	AsWrittenPorts = 28400
)

// Copy is a copy of a running stack: the same containers from the same images with the same files, under
// other names and ports, made by hand.
type Copy struct {
	deployment
	source  *cluster.Cluster
	cluster *topology.Cluster
	outputs topology.Outputs
	// retuned says that failures are detected otherwise than in the source.
	retuned bool
	// whole says that the containers that look after the cluster are copied as well.
	whole bool
	// cookie is the Erlang cookie of both.
	cookie string
	copies []containerCopy
}

// NewCopy describes a copy of source under a name, on ports of its own. If detection is not empty, it
// replaces the source's failure detection.
func NewCopy(
	ctx context.Context, source *cluster.Cluster, name string, firstPort int,
	detection topology.FailureDetection,
) (*Copy, error) {
	original := source.Outputs()
	nodeImage, err := imageOf(ctx, source, original.Nodes[0].Container)
	if err != nil {
		return nil, err
	}
	balancerImage, err := imageOf(ctx, source, original.LoadBalancer.Container)
	if err != nil {
		return nil, err
	}
	config := stackconfig.Config{
		Image: nodeImage, Series: original.RabbitMQSeries, HAProxyImage: balancerImage, Username: original.Username,
		FailureDetection: detection, Ports: portsFrom(firstPort),
	}
	for _, node := range original.Nodes {
		config.Nodes.List = append(config.Nodes.List, stackconfig.NodeConfig{Name: node.Name, Type: node.Type})
	}
	described, err := stackconfig.New(name, config)
	if err != nil {
		return nil, fmt.Errorf("describe a copy of stack %s: %w", source.Stack(), err)
	}
	c := &Copy{
		deployment: deployment{docker: source.Docker(), stack: name, network: described.NetworkName()},
		source:     source,
		cluster:    described,
		retuned:    detection != "",
	}
	if c.retuned {
		// HAProxy's configuration is rendered again, whose checks log in with what follows from the cookie
		first := original.Nodes[0].Container
		if c.cookie, err = source.Run(ctx, first, "cat", topology.DataCookiePath); err != nil {
			return nil, fmt.Errorf("read the Erlang cookie of stack %s: %w", source.Stack(), err)
		}
	}
	c.outputs = described.Outputs(c.secrets())
	return c, nil
}

// portsFrom are the base ports of a cluster in a range of its own.
func portsFrom(first int) stackconfig.PortsConfig {
	return stackconfig.PortsConfig{AMQP: first, Management: first + 20, LoadBalancerAMQP: first + 40,
		LoadBalancerManagement: first + 41, Stats: first + 42}
}

// imageOf is the image that a container was made from, as it was asked for.
func imageOf(ctx context.Context, c *cluster.Cluster, name string) (string, error) {
	inspected, err := c.Inspect(ctx, name)
	if err != nil {
		return "", err
	}
	return inspected.Config.Image, nil
}

// secrets are the source's, as far as files that are rendered again need them.
func (c *Copy) secrets() topology.Secrets {
	original := c.source.Outputs()
	return topology.Secrets{
		AdminPassword: original.Password, StatsPassword: original.StatsPassword, ErlangCookie: c.cookie,
	}
}

// Gather reads what the containers of the source are like, and their files.
func (c *Copy) Gather(ctx context.Context) error {
	c.copies = append(c.nodes(), c.loadBalancer())
	if c.whole {
		c.copies = c.wholeStack()
	}
	for i := range c.copies {
		if err := c.look(ctx, &c.copies[i]); err != nil {
			return fmt.Errorf("copy stack %s: %w", c.source.Stack(), err)
		}
	}
	return nil
}

// Up makes everything at once, starts everything at once, and waits until all nodes run. Of a whole stack, it
// waits until all containers are healthy.
func (c *Copy) Up(ctx context.Context) (*cluster.Cluster, error) {
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	var created errgroup.Group
	var names []string
	for _, t := range c.copies {
		names = append(names, t.name)
		created.Go(func() error { return c.duplicate(ctx, t) })
	}
	if err := created.Wait(); err != nil {
		return nil, err
	}
	if err := c.start(ctx, names...); err != nil {
		return nil, err
	}
	k, err := cluster.Open(c.outputs)
	if err != nil {
		return nil, err
	}
	ready := WaitRunning(ctx, k)
	if c.whole {
		ready = c.waitHealthy(ctx, names)
	}
	if ready != nil {
		return nil, errors.Join(ready, k.Close())
	}
	return k, nil
}

// containerCopy is a container to be made like another.
type containerCopy struct {
	from, name, alias string
	labels            map[string]string
	// ports are those on the host by those in the container.
	ports map[int]int
	// folders are copied from the other container; files are put in place of what came with them.
	folders []string
	files   []file
	// erlangArgs are flags of the Erlang machine; nil for those of the other container.
	erlangArgs *string

	// What the other container is like.
	config   container.Config
	host     container.HostConfig
	volumes  []volumeCopy
	archives []archive
}

// volumeCopy is a volume of the other container's, and where it is mounted.
type volumeCopy struct{ from, destination string }

func (c *Copy) nodes() []containerCopy {
	var copies []containerCopy
	for i, node := range c.outputs.Nodes {
		t := containerCopy{
			from: c.source.Outputs().Nodes[i].Container, name: node.Container, alias: node.Name,
			labels:  c.labels(topology.RoleNode, node.Name),
			ports:   map[int]int{topology.AMQPPort: node.AMQPPort, topology.ManagementPort: node.ManagementPort},
			folders: []string{topology.RabbitMQConfFolder, topology.UploadPath},
		}
		if c.retuned {
			args := render.ErlangArgs(c.cluster)
			t.erlangArgs = &args
			t.files = []file{{topology.AdvancedConfigPath,
				render.AdvancedConfig(c.cluster, c.cluster.Nodes[i]), 0o444}}
		}
		copies = append(copies, t)
	}
	return copies
}

func (c *Copy) loadBalancer() containerCopy {
	balancer := c.outputs.LoadBalancer
	t := containerCopy{
		from: c.source.Outputs().LoadBalancer.Container, name: balancer.Container, alias: topology.LoadBalancerHost,
		labels: c.labels(topology.RoleLoadBalancer, ""),
		ports: map[int]int{topology.AMQPPort: balancer.AMQPPort, topology.ManagementPort: balancer.ManagementPort,
			topology.StatsPort: balancer.StatsPort},
		folders: []string{topology.HAProxyConfFolder, topology.UploadPath},
	}
	if c.retuned {
		t.files = []file{{topology.HAProxyConfPath,
			render.HAProxyConf(c.cluster.Balancers()[0], c.secrets()), 0o400}}
	}
	return t
}

// look finds out what the other container is like.
func (c *Copy) look(ctx context.Context, t *containerCopy) error {
	original, err := c.source.Inspect(ctx, t.from)
	if err != nil {
		return err
	}
	t.config, t.host = *original.Config, *original.HostConfig
	t.config.Labels = t.labels
	if t.erlangArgs != nil {
		t.config.Env = withErlangArgs(t.config.Env, *t.erlangArgs)
	}
	t.host.PortBindings = bind(c.cluster.BindAddress, t.ports)
	t.host.Binds, t.host.Mounts = nil, nil
	for _, m := range original.Mounts {
		if m.Type == mount.TypeVolume {
			t.volumes = append(t.volumes, volumeCopy{m.Name, m.Destination})
		}
	}
	for _, folder := range t.folders {
		body, err := c.read(ctx, t.from, folder)
		if err != nil {
			return err
		}
		t.archives = append(t.archives, archive{path.Dir(folder), body})
	}
	for _, f := range t.files {
		t.archives = append(t.archives, f.pack())
	}
	return nil
}

// duplicate makes a container like another, with empty volumes and the same files.
func (c *Copy) duplicate(ctx context.Context, t containerCopy) error {
	for _, v := range t.volumes {
		data := c.stack + "-" + v.from // what containers share, their copies share: it is created once only
		if err := c.createVolume(ctx, data, t.alias); err != nil {
			return err
		}
		t.host.Mounts = append(t.host.Mounts,
			mount.Mount{Type: mount.TypeVolume, Source: data, Target: v.destination})
	}
	return c.create(ctx, t.name, t.alias, &t.config, &t.host, t.archives...)
}

// bind publishes ports of a container on the host.
func bind(address string, ports map[int]int) nat.PortMap {
	bindings := nat.PortMap{}
	for inside, outside := range ports {
		bindings[nat.Port(strconv.Itoa(inside)+
			"/tcp")] = []nat.PortBinding{{HostIP: address, HostPort: strconv.Itoa(outside)}}
	}
	return bindings
}

// read packs a folder of a container.
func (c *Copy) read(ctx context.Context, from, folder string) ([]byte, error) {
	stream, _, err := c.docker.CopyFromContainer(ctx, from, folder)
	if err != nil {
		return nil, fmt.Errorf("copy %s from %s: %w", folder, from, err)
	}
	defer stream.Close()
	body, err := io.ReadAll(stream)
	if err != nil {
		return nil, fmt.Errorf("copy %s from %s: %w", folder, from, err)
	}
	return body, nil
}

// withErlangArgs is an environment with other flags of the Erlang machine.
func withErlangArgs(env []string, args string) []string {
	const variable = "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="
	changed := []string{variable + args}
	for _, v := range env {
		if !strings.HasPrefix(v, variable) {
			changed = append(changed, v)
		}
	}
	return changed
}
