package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"

	"warren/internal/dockerhost"
	"warren/topology"
)

// Host is the engine of a host.
type Host struct {
	// Name is the host's name, empty for the only engine of a stack without hosts.
	Name string
	Client
}

// Group is the engines of all hosts of a stack as one. Lists have what is on any of them, and a container is
// found wherever it is, for the names in a stack are unique across its hosts.
type Group struct {
	hosts []Host

	mu sync.Mutex
	// execs are the engines of commands that were started, by the commands' IDs.
	execs map[string]Client
}

// ConnectAll returns the engines of a cluster's hosts. Without hosts, it is the engine at address, as Connect
// returns it. It does not talk to them yet.
func ConnectAll(cluster *topology.Cluster, address string) (Client, error) {
	if !cluster.HasHosts() {
		return Connect(address)
	}
	var hosts []Host
	var problems []error
	for _, h := range cluster.Hosts {
		docker, err := dockerhost.Connect(h)
		problems = append(problems, err)
		hosts = append(hosts, Host{h.Name, docker})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return NewGroup(hosts...), nil
}

// NewGroup returns engines as one.
func NewGroup(hosts ...Host) *Group { return &Group{hosts: hosts, execs: map[string]Client{}} }

// HostsOf returns the engines that a client stands for: those of a group, or itself.
func HostsOf(docker Client) []Host {
	if group, ok := docker.(*Group); ok {
		return group.hosts
	}
	return []Host{{"", docker}}
}

// On returns the engine of a host.
func On(docker Client, name string) Client {
	for _, h := range HostsOf(docker) {
		if h.Name == name {
			return h.Client
		}
	}
	return docker
}

// each asks all engines at once. The error names the hosts whose engines failed.
func each[T any](hosts []Host, ask func(Client) (T, error)) ([]T, error) {
	answers, problems := make([]T, len(hosts)), make([]error, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			if answers[i], problems[i] = ask(h); problems[i] != nil {
				problems[i] = fmt.Errorf("host %s: %w", h.Name, problems[i])
			}
		})
	}
	all.Wait()
	return answers, errors.Join(problems...)
}

// find asks the engines in turn until one knows what is asked for.
func find[T any](hosts []Host, ask func(Client) (T, error)) (answer T, err error) {
	for _, h := range hosts {
		answer, err = ask(h)
		if err == nil || !cerrdefs.IsNotFound(err) {
			return answer, err
		}
	}
	return answer, err
}

// DaemonHost names all engines.
func (g *Group) DaemonHost() string {
	var names []string
	for _, h := range g.hosts {
		names = append(names, h.DaemonHost())
	}
	return strings.Join(names, ", ")
}

// Info describes the machine of the first engine, once all have answered.
func (g *Group) Info(ctx context.Context) (system.Info, error) {
	infos, err := each(g.hosts, func(c Client) (system.Info, error) { return c.Info(ctx) })
	return infos[0], err
}

// ImageInspect finds an image on any host.
func (g *Group) ImageInspect(
	ctx context.Context, name string, opts ...client.ImageInspectOption,
) (image.InspectResponse, error) {
	return find(g.hosts, func(c Client) (image.InspectResponse, error) {
		return c.ImageInspect(ctx, name, opts...)
	})
}

// DistributionInspect asks the registry of an image, from the first host.
func (g *Group) DistributionInspect(
	ctx context.Context, name, auth string,
) (registry.DistributionInspect, error) {
	return g.hosts[0].DistributionInspect(ctx, name, auth)
}

// VolumeList lists the volumes of all hosts.
func (g *Group) VolumeList(ctx context.Context, options volume.ListOptions) (volume.ListResponse, error) {
	lists, err := each(g.hosts, func(c Client) (volume.ListResponse, error) {
		return c.VolumeList(ctx, options)
	})
	var all volume.ListResponse
	for _, list := range lists {
		all.Volumes = append(all.Volumes, list.Volumes...)
	}
	return all, err
}

// NetworkList lists the networks of all hosts.
func (g *Group) NetworkList(ctx context.Context, options network.ListOptions) ([]network.Summary, error) {
	lists, err := each(g.hosts, func(c Client) ([]network.Summary, error) { return c.NetworkList(ctx, options) })
	return slices.Concat(lists...), err
}

// ContainerList lists the containers of all hosts.
func (g *Group) ContainerList(
	ctx context.Context, options container.ListOptions,
) ([]container.Summary, error) {
	lists, err := each(g.hosts, func(c Client) ([]container.Summary, error) {
		return c.ContainerList(ctx, options)
	})
	return slices.Concat(lists...), err
}

// ContainerInspect describes a container.
func (g *Group) ContainerInspect(ctx context.Context, name string) (container.InspectResponse, error) {
	return find(g.hosts, func(c Client) (container.InspectResponse, error) {
		return c.ContainerInspect(ctx, name)
	})
}

// ContainerKill sends a signal to a container.
func (g *Group) ContainerKill(ctx context.Context, name, signal string) error {
	_, err := find(g.hosts, func(c Client) (struct{}, error) {
		return struct{}{}, c.ContainerKill(ctx, name, signal)
	})
	return err
}

// ContainerRemove removes a container.
func (g *Group) ContainerRemove(ctx context.Context, name string, options container.RemoveOptions) error {
	_, err := find(g.hosts, func(c Client) (struct{}, error) {
		return struct{}{}, c.ContainerRemove(ctx, name, options)
	})
	return err
}

// ContainerLogs returns the log of a container.
func (g *Group) ContainerLogs(
	ctx context.Context, name string, options container.LogsOptions,
) (io.ReadCloser, error) {
	return find(g.hosts, func(c Client) (io.ReadCloser, error) { return c.ContainerLogs(ctx, name, options) })
}

// ContainerExecCreate prepares a command in a container.
func (g *Group) ContainerExecCreate(
	ctx context.Context, name string, options container.ExecOptions,
) (container.ExecCreateResponse, error) {
	return find(g.hosts, func(c Client) (container.ExecCreateResponse, error) {
		created, err := c.ContainerExecCreate(ctx, name, options)
		if err == nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.execs[created.ID] = c
		}
		return created, err
	})
}

// execOf returns the engine that has a command.
func (g *Group) execOf(id string) Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	if docker, known := g.execs[id]; known {
		return docker
	}
	return g.hosts[0]
}

// ContainerExecAttach starts a command.
func (g *Group) ContainerExecAttach(
	ctx context.Context, id string, options container.ExecAttachOptions,
) (types.HijackedResponse, error) {
	return g.execOf(id).ContainerExecAttach(ctx, id, options)
}

// ContainerExecInspect describes a command.
func (g *Group) ContainerExecInspect(ctx context.Context, id string) (container.ExecInspect, error) {
	return g.execOf(id).ContainerExecInspect(ctx, id)
}
