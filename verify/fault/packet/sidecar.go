// Package packet changes what happens to the packets of a node, from a container that shares the node's
// network.
package packet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// ErrNoTools says that the image of the sidecars is missing.
var ErrNoTools = errors.New("there is no image " + topology.NetworkToolsImage +
	": run `images/build nettools:1`")

// errHosts says that the networks of single nodes are not changed on several hosts. To callers, the tools are
// missing.
type errHosts struct{}

func (errHosts) Error() string {
	return "needs one engine; on several hosts, those faults are injected that are of hosts"
}

func (errHosts) Is(target error) bool { return target == ErrNoTools }

// HaveTools returns nil if the image of the sidecars is there, and the nodes are on one engine.
func HaveTools(ctx context.Context, c *cluster.Cluster) error {
	if len(c.Outputs().Hosts) > 0 {
		return errHosts{}
	}
	_, err := c.Docker().ImageInspect(ctx, topology.NetworkToolsImage)
	if errdefs.IsNotFound(err) {
		return ErrNoTools
	}
	return err
}

// Sidecar is a container that shares a node's network namespace and may change what happens there, and
// nothing else.
type Sidecar struct {
	cluster *cluster.Cluster
	id      string
}

// OpenSidecar starts a sidecar for a node that runs. It lives until it is closed, or found by HealAll.
func OpenSidecar(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (*Sidecar, error) {
	s, err := start(ctx, c, node, &container.HostConfig{
		NetworkMode: container.NetworkMode("container:" + node.Container),
		CapDrop:     []string{"ALL"},
		CapAdd:      []string{"NET_ADMIN"},
	})
	if err != nil {
		return nil, fmt.Errorf("start a container in the network of %s: %w", node.Name, err)
	}
	return s, nil
}

// OpenVolume starts a container that may change the files in the volumes of a node, which need not run, and
// nothing else.
func OpenVolume(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (*Sidecar, error) {
	s, err := start(ctx, c, node, &container.HostConfig{
		NetworkMode: "none",
		VolumesFrom: []string{node.Container},
		CapDrop:     []string{"ALL"},
		CapAdd:      []string{"DAC_OVERRIDE", "FOWNER"}, // the files belong to another user
	})
	if err != nil {
		return nil, fmt.Errorf("open the volume of %s: %w", node.Name, err)
	}
	return s, nil
}

// start starts a container of the tools image for a node, labelled so that it is found again.
func start(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, host *container.HostConfig,
) (*Sidecar, error) {
	init := true // reaps what is left of probes that timed out
	host.Init = &init
	created, err := c.Docker().ContainerCreate(ctx, &container.Config{
		Image: topology.NetworkToolsImage,
		Cmd:   []string{"sleep", "infinity"},
		Labels: map[string]string{
			topology.LabelStack: c.Stack(), topology.LabelRole: topology.RoleFault, topology.LabelNode: node.Name,
		},
	}, host, nil, nil, "")
	if err != nil {
		return nil, err
	}
	if err := c.Docker().ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return nil, errors.Join(err, removeContainer(context.WithoutCancel(ctx), c, created.ID))
	}
	return &Sidecar{c, created.ID}, nil
}

// Run runs a bash script with arguments in the sidecar and returns its output.
func (s *Sidecar) Run(ctx context.Context, script string, args ...string) (string, error) {
	result, err := s.cluster.Exec(ctx, s.id,
		append([]string{"bash", "-euo", "pipefail", "-c", script, "warren"}, args...)...)
	if err != nil {
		return "", err
	}
	if result.ExitCode != 0 {
		return "", fmt.Errorf("exit status %d: %s", result.ExitCode, strings.TrimSpace(result.Stderr+result.Stdout))
	}
	return strings.TrimSpace(result.Stdout), nil
}

// Launch starts a bash script with arguments in the sidecar, which ends with it.
func (s *Sidecar) Launch(ctx context.Context, script string, args ...string) error {
	docker := s.cluster.Docker()
	created, err := docker.ContainerExecCreate(ctx, s.id, container.ExecOptions{
		Cmd: append([]string{"bash", "-euo", "pipefail", "-c", script, "warren"}, args...),
	})
	if err != nil {
		return err
	}
	return docker.ContainerExecStart(ctx, created.ID, container.ExecStartOptions{Detach: true})
}

// Close removes the sidecar.
func (s *Sidecar) Close(ctx context.Context) error { return removeContainer(ctx, s.cluster, s.id) }

// removeContainer removes a container, whatever it does, and is content if there is none.
func removeContainer(ctx context.Context, c *cluster.Cluster, id string) error {
	err := c.Docker().ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if errdefs.IsConflict(err) { // "removal is already in progress"
		return awaitRemoval(ctx, c.Docker(), id)
	}
	return fmt.Errorf("remove container %s: %w", id, err)
}

// awaitRemoval waits until a container has been removed.
func awaitRemoval(ctx context.Context, docker *client.Client, id string) error {
	return wait.Within(ctx, effectTimeout, pollEvery, "the removal of a container",
		func(ctx context.Context) error {
			_, err := docker.ContainerInspect(ctx, id)
			switch {
			case errdefs.IsNotFound(err):
				return nil
			case err == nil:
				return fmt.Errorf("container %s is still there", id)
			default:
				return err
			}
		})
}

// ByRole returns the stack's containers that play a role, running or not.
func ByRole(ctx context.Context, c *cluster.Cluster, role string) ([]container.Summary, error) {
	list, err := c.Docker().ContainerList(ctx, container.ListOptions{
		All: true,
		Filters: filters.NewArgs(filters.Arg("label", topology.StackLabel(c.Stack())),
			filters.Arg("label", topology.RoleLabel(role))),
	})
	if err != nil {
		return nil, fmt.Errorf("list containers of role %q: %w", role, err)
	}
	return list, nil
}
