package lab

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
)

// The tutorial's rabbitmq.conf and haproxy.cfg, as they stand.
//
//go:embed tutorial/rabbitmq.conf tutorial/haproxy.cfg
var tutorialFiles embed.FS

// What the tutorial's compose file says, on the images that Warren's stacks use. It asks for a 3.x series,
// the last with RAM nodes.
const (
	tutorialImage        = "warren/rabbitmq:3.10"
	tutorialHAProxyImage = topology.DefaultHAProxyImage
	tutorialSeries       = "3.10"
	tutorialUser         = "admin"
	tutorialPassword     = "password"
	tutorialCookie       = "RABBITMQ_CLUSTER_COOKIE_SECRET"
	// tutorialSleep is how long the tutorial waits "for services to be healthy".
	tutorialSleep = 30 * time.Second
)

// tutorialCluster is the tutorial's cluster.
type tutorialCluster struct {
	deployment
	outputs topology.Outputs
}

// NewTutorialCluster describes it on the engine that source runs on, under a name and on ports of its own.
func NewTutorialCluster(source *cluster.Cluster, name string, firstPort int) (*tutorialCluster, error) {
	described, err := stackconfig.New(name, stackconfig.Config{
		Image: tutorialImage, Series: tutorialSeries, HAProxyImage: tutorialHAProxyImage, Username: tutorialUser,
		NodeTypes: map[string]topology.NodeType{"rabbit2": topology.RAM}, Ports: portsFrom(firstPort),
	})
	if err != nil {
		return nil, fmt.Errorf("describe the tutorial's cluster: %w", err)
	}
	return &tutorialCluster{
		deployment: deployment{docker: source.Docker(), stack: name, network: described.NetworkName()},
		outputs: described.Outputs(topology.Secrets{AdminPassword: tutorialPassword,
			StatsPassword: tutorialPassword}),
	}, nil
}

// up follows the tutorial, steps 5 and 6: compose starts the first node, the others and the load balancer
// when it is healthy; half a minute's sleep; one node joins after the other.
func (t *tutorialCluster) Up(ctx context.Context) (*cluster.Cluster, error) {
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	k, err := cluster.Open(t.outputs)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *cluster.Cluster) error{
		t.compose, sleepAsInTutorial, joinAsInTutorial, WaitRunning, WaitServing,
	} {
		if err := step(ctx, k); err != nil {
			return nil, errors.Join(fmt.Errorf("bring up the tutorial's cluster: %w", err), k.Close())
		}
	}
	return k, nil
}

// compose does what `docker-compose up -d` does with the tutorial's file.
func (t *tutorialCluster) compose(ctx context.Context, _ *cluster.Cluster) error {
	for i, node := range t.outputs.Nodes {
		var check *container.HealthConfig
		if i == 0 {
			check = &container.HealthConfig{Test: []string{"CMD", "rabbitmq-diagnostics", "ping"},
				Interval: 10 * time.Second, Timeout: 5 * time.Second, Retries: 5}
		}
		if err := t.createNode(ctx, node, check); err != nil {
			return err
		}
		if err := t.start(ctx, node.Container); err != nil {
			return err
		}
		if check != nil {
			if err := t.waitComposeHealthy(ctx, node.Container); err != nil {
				return err
			}
		}
	}
	if err := t.createLoadBalancer(ctx); err != nil {
		return err
	}
	return t.start(ctx, t.outputs.LoadBalancer.Container)
}

func (t *tutorialCluster) createNode(
	ctx context.Context, node topology.NodeOutput, check *container.HealthConfig,
) error {
	conf, err := fs.ReadFile(tutorialFiles, "tutorial/rabbitmq.conf")
	if err != nil {
		return err
	}
	// The official image writes these two lines for RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS.
	user := fmt.Sprintf("\ndefault_user = %s\ndefault_pass = %s\n", tutorialUser, tutorialPassword)
	data := node.Container + topology.VolumeSuffix
	if err := t.createVolume(ctx, data, node.Name); err != nil {
		return err
	}
	return t.create(ctx, node.Container, node.Name,
		&container.Config{
			Image:       tutorialImage,
			Hostname:    node.Name,
			Env:         []string{"RABBITMQ_ERLANG_COOKIE=" + tutorialCookie},
			Labels:      t.labels(topology.RoleNode, node.Name),
			Healthcheck: check,
		},
		&container.HostConfig{
			PortBindings: bind("127.0.0.1",
				map[int]int{topology.AMQPPort: node.AMQPPort, topology.ManagementPort: node.ManagementPort}),
			Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: data, Target: topology.DataPath}},
		},
		file{topology.RabbitMQConfPath, string(conf) + user, 0o444}.pack(),
		file{topology.EnabledPluginsPath, "[rabbitmq_management,rabbitmq_prometheus].\n", 0o444}.pack())
}

func (t *tutorialCluster) createLoadBalancer(ctx context.Context) error {
	conf, err := fs.ReadFile(tutorialFiles, "tutorial/haproxy.cfg")
	if err != nil {
		return err
	}
	balancer := t.outputs.LoadBalancer
	return t.create(ctx, balancer.Container, topology.LoadBalancerHost,
		&container.Config{
			Image: tutorialHAProxyImage, Hostname: topology.LoadBalancerHost,
			Cmd:        []string{"haproxy", "-W", "-db", "-f", topology.HAProxyConfPath},
			StopSignal: "SIGTERM",
			Labels:     t.labels(topology.RoleLoadBalancer, ""),
		},
		&container.HostConfig{PortBindings: bind("127.0.0.1", map[int]int{topology.AMQPPort: balancer.AMQPPort,
			topology.ManagementPort: balancer.ManagementPort, topology.StatsPort: balancer.StatsPort})},
		file{topology.HAProxyConfPath, string(conf), 0o444}.pack())
}

// waitComposeHealthy waits as compose does for `condition: service_healthy`.
func (t *tutorialCluster) waitComposeHealthy(ctx context.Context, name string) error {
	return wait.Within(ctx, BootTimeout, 100*time.Millisecond, name+" to be healthy",
		func(ctx context.Context) error {
			inspected, err := t.docker.ContainerInspect(ctx, name)
			switch {
			case err != nil:
				return fmt.Errorf("inspect %s: %w", name, err)
			case inspected.State.Health == nil || inspected.State.Health.Status != container.Healthy:
				return fmt.Errorf("container %s is not healthy", name)
			}
			return nil
		})
}

// sleepAsInTutorial is part of what is measured.
func sleepAsInTutorial(ctx context.Context, _ *cluster.Cluster) error {
	_ = wait.Sleep(ctx, tutorialSleep)
	return ctx.Err()
}

// joinAsInTutorial runs the tutorial's commands.
func joinAsInTutorial(ctx context.Context, k *cluster.Cluster) error {
	nodes := k.Nodes()
	first := nodes[0].NodeName
	for _, step := range []struct {
		node topology.NodeOutput
		join []string
	}{
		{nodes[1], []string{"join_cluster", "--ram", first}},
		{nodes[2], []string{"join_cluster", first}},
	} {
		for _, command := range [][]string{{"stop_app"}, {"reset"}, step.join, {"start_app"}} {
			if _, err := k.Run(ctx, step.node.Container, append([]string{"rabbitmqctl"}, command...)...); err != nil {
				return err
			}
		}
	}
	return nil
}
