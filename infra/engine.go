package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

// engine is what the program asks of the Docker engine itself, beside what the Docker provider does with it.
type engine interface {
	DaemonHost() string
	Info(ctx context.Context) (system.Info, error)
	ImageInspect(ctx context.Context, image string, opts ...client.ImageInspectOption) (image.InspectResponse, error)
	DistributionInspect(ctx context.Context, image, auth string) (registry.DistributionInspect, error)
	VolumeList(ctx context.Context, options volume.ListOptions) (volume.ListResponse, error)
	ContainerList(ctx context.Context, options container.ListOptions) ([]container.Summary, error)
	ContainerInspect(ctx context.Context, container string) (container.InspectResponse, error)
	ContainerRemove(ctx context.Context, container string, options container.RemoveOptions) error
	ContainerLogs(ctx context.Context, container string, options container.LogsOptions) (io.ReadCloser, error)
	ContainerExecCreate(ctx context.Context, container string, options container.ExecOptions) (container.ExecCreateResponse, error)
	ContainerExecAttach(ctx context.Context, exec string, options container.ExecAttachOptions) (types.HijackedResponse, error)
	ContainerExecInspect(ctx context.Context, exec string) (container.ExecInspect, error)
}

// connect returns the engine at host, or that of the environment if host is empty. It does not talk to it yet.
func connect(host string) (engine, error) {
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	docker, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("the address of the Docker engine can't be used: %w; correct DOCKER_HOST or docker:host", err)
	}
	return docker, nil
}

// isLocal tells whether the engine runs on this machine, so that its ports and its disk can be looked at from here.
func isLocal(docker engine) bool { return strings.HasPrefix(docker.DaemonHost(), "unix://") }

// The labels of what belongs to a stack.
const (
	labelStack = "warren.stack"
	labelRole  = "warren.role"
	labelNode  = "warren.node"
	// labelSeries is the RabbitMQ series that a node's container was made for.
	labelSeries = "warren.series"

	roleNode               = "node"
	roleJoin               = "join"
	roleFormation          = "formation"
	roleLoadBalancer       = "load-balancer"
	roleLoadBalancerConfig = "load-balancer-config"
)

// ofStack selects what belongs to a stack.
func ofStack(stack string) filters.Args {
	return filters.NewArgs(filters.Arg("label", labelStack+"="+stack))
}

// nodesOfStack returns the containers of a stack's nodes, running or not.
func nodesOfStack(ctx context.Context, docker engine, stack string) ([]container.Summary, error) {
	filter := ofStack(stack)
	filter.Add("label", labelRole+"="+roleNode)
	nodes, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of stack %s: %w", stack, err)
	}
	return nodes, nil
}

// runIn runs a command in a container and returns its exit status and its output.
func runIn(ctx context.Context, docker engine, name string, options container.ExecOptions) (status int, output string, err error) {
	options.AttachStdout, options.AttachStderr = true, true
	created, err := docker.ContainerExecCreate(ctx, name, options)
	if err != nil {
		return 0, "", err
	}
	attached, err := docker.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{})
	if err != nil {
		return 0, "", err
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close) // the stream knows nothing of ctx
	defer stop()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, attached.Reader); err != nil {
		return 0, "", errors.Join(err, context.Cause(ctx))
	}
	ended, err := docker.ContainerExecInspect(ctx, created.ID)
	return ended.ExitCode, text.String(), err
}
