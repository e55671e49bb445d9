// Package engine asks a Docker engine what Pulumi's Docker provider can't: what is there before a deployment,
// and why a container does not work.
package engine

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// Client is the part of Docker's client that Warren uses. Docker's *client.Client is one; a test can use its
// own.
type Client interface {
	DaemonHost() string
	Info(ctx context.Context) (system.Info, error)
	ImageInspect(
		ctx context.Context, image string, opts ...client.ImageInspectOption,
	) (image.InspectResponse, error)
	DistributionInspect(ctx context.Context, image, auth string) (registry.DistributionInspect, error)
	VolumeList(ctx context.Context, options volume.ListOptions) (volume.ListResponse, error)
	NetworkList(ctx context.Context, options network.ListOptions) ([]network.Summary, error)
	ContainerList(ctx context.Context, options container.ListOptions) ([]container.Summary, error)
	ContainerInspect(ctx context.Context, container string) (container.InspectResponse, error)
	ContainerKill(ctx context.Context, container, signal string) error
	ContainerRemove(ctx context.Context, container string, options container.RemoveOptions) error
	ContainerLogs(ctx context.Context, container string, options container.LogsOptions) (io.ReadCloser, error)
	ContainerExecCreate(
		ctx context.Context, container string, options container.ExecOptions,
	) (container.ExecCreateResponse, error)
	ContainerExecAttach(
		ctx context.Context, exec string, options container.ExecAttachOptions,
	) (types.HijackedResponse, error)
	ContainerExecInspect(ctx context.Context, exec string) (container.ExecInspect, error)
}

// Connect returns the engine at host, or the one that the environment names (DOCKER_HOST) if host is empty.
// It does not talk to the engine yet.
func Connect(host string) (Client, error) {
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	docker, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("invalid address of the Docker engine: %w; correct DOCKER_HOST or docker:host", err)
	}
	return docker, nil
}

// IsLocal tells whether the engine runs on this machine, so that its ports and its disk can be examined from
// here.
func IsLocal(docker Client) bool { return strings.HasPrefix(docker.DaemonHost(), "unix://") }
