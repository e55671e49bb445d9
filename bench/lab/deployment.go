package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/nat"
	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"golang.org/x/sync/errgroup"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// deployment is a cluster made by hand, through the Engine's API.
type deployment struct {
	docker *client.Client
	// stack is the value of the label, and network the name of the network.
	stack, network string
}

// prepare makes the network. Everything of an earlier deployment of that name is taken away first.
func (s deployment) prepare(ctx context.Context) error {
	if err := s.Remove(ctx); err != nil {
		return err
	}
	_, err := s.docker.NetworkCreate(ctx, s.network, network.CreateOptions{Labels: s.labels("network", "")})
	if err != nil {
		return fmt.Errorf("create network %s: %w", s.network, err)
	}
	return nil
}

func (s deployment) labels(role, node string) map[string]string {
	labels := map[string]string{topology.LabelStack: s.stack, topology.LabelRole: role}
	if node != "" {
		labels[topology.LabelNode] = node
	}
	return labels
}

// create creates a container on the deployment's network, or on none if it has no alias there, and puts files
// into it.
func (s deployment) create(
	ctx context.Context, name, alias string, config *container.Config, host *container.HostConfig,
	put ...archive,
) error {
	attached := &network.NetworkingConfig{}
	if alias == "" {
		host.NetworkMode = network.NetworkNone
	} else {
		host.NetworkMode = container.NetworkMode(s.network)
		attached.EndpointsConfig = map[string]*network.EndpointSettings{s.network: {Aliases: []string{alias}}}
	}
	config.ExposedPorts = nat.PortSet{} // the engine publishes exposed ports only
	for port := range host.PortBindings {
		config.ExposedPorts[port] = struct{}{}
	}
	_, err := s.docker.ContainerCreate(ctx, config, host, attached, nil, name)
	if err != nil {
		return fmt.Errorf("create container %s: %w", name, err)
	}
	for _, a := range put {
		if err := s.docker.CopyToContainer(ctx, name, a.dir, a.reader(),
			container.CopyToContainerOptions{CopyUIDGID: true}); err != nil {
			return fmt.Errorf("copy files to %s in %s: %w", a.dir, name, err)
		}
	}
	return nil
}

// createVolume makes a volume for a node's data.
func (s deployment) createVolume(ctx context.Context, name, node string) error {
	if _, err := s.docker.VolumeCreate(ctx,
		volume.CreateOptions{Name: name, Labels: s.labels(topology.RoleNode, node)}); err != nil {
		return fmt.Errorf("create volume %s: %w", name, err)
	}
	return nil
}

// start starts containers, all at once.
func (s deployment) start(ctx context.Context, names ...string) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		group.Go(func() error {
			if err := s.docker.ContainerStart(ctx, name, container.StartOptions{}); err != nil {
				return fmt.Errorf("start container %s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// remove takes everything away that bears the stack's label: containers, volumes, networks.
func (s deployment) Remove(ctx context.Context) error {
	mine := filters.NewArgs(filters.Arg("label", topology.StackLabel(s.stack)))
	containers, err := s.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	if err != nil {
		return fmt.Errorf("find what is left of %s: %w", s.stack, err)
	}
	var group errgroup.Group
	for _, c := range containers {
		group.Go(func() error {
			return s.docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		})
	}
	problems := []error{group.Wait()}
	volumes, err := s.docker.VolumeList(ctx, volume.ListOptions{Filters: mine})
	problems = append(problems, err)
	for _, v := range volumes.Volumes {
		problems = append(problems, s.docker.VolumeRemove(ctx, v.Name, true))
	}
	networks, err := s.docker.NetworkList(ctx, network.ListOptions{Filters: mine})
	problems = append(problems, err)
	for _, n := range networks {
		problems = append(problems, s.docker.NetworkRemove(ctx, n.ID))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("take %s away: %w", s.stack, err)
	}
	return nil
}

// BootTimeout is how long a cluster may take to come up.
const BootTimeout = 4 * time.Minute

// WaitRunning waits until every node of a cluster says that all of them run.
func WaitRunning(ctx context.Context, c *cluster.Cluster) error {
	return wait.Within(ctx, BootTimeout, 100*time.Millisecond, "every node to run",
		func(ctx context.Context) error {
			for _, node := range c.Nodes() {
				nodes, err := c.Management(ctx, node).ListNodes()
				if err != nil {
					return fmt.Errorf("%s does not answer: %w", node.Name, err)
				}
				if running := countRunning(nodes); running != len(c.Nodes()) {
					return fmt.Errorf("%s sees %d of %d nodes running", node.Name, running, len(c.Nodes()))
				}
			}
			return nil
		})
}

func countRunning(nodes []rabbithole.NodeInfo) int {
	running := 0
	for _, n := range nodes {
		if n.IsRunning {
			running++
		}
	}
	return running
}

// WaitServing waits until the load balancer of a cluster lets AMQP clients through.
func WaitServing(ctx context.Context, c *cluster.Cluster) error {
	return wait.Within(ctx, BootTimeout, 50*time.Millisecond, "the load balancer to serve",
		func(ctx context.Context) error { return cluster.Greet(ctx, c.BalancedAMQPAddress()) })
}
