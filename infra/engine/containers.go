package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/pkg/stdcopy"

	"warren/topology"
)

// OfStack selects what belongs to a stack.
func OfStack(stack string) filters.Args {
	return filters.NewArgs(filters.Arg("label", topology.StackLabel(stack)))
}

// Nodes returns the containers of a stack's nodes, running or not.
func Nodes(ctx context.Context, docker Client, stack string) ([]container.Summary, error) {
	filter := OfStack(stack)
	filter.Add("label", topology.RoleLabel(topology.RoleNode))
	nodes, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of stack %s: %w", stack, err)
	}
	return nodes, nil
}

// LogTail returns the last lines of a container's log.
func LogTail(ctx context.Context, docker Client, name string, lines int) (string, error) {
	log, err := docker.ContainerLogs(ctx, name, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines),
	})
	if err != nil {
		return "", err
	}
	defer log.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, log); err != nil {
		return "", err
	}
	return strings.TrimSpace(text.String()), nil
}

// Exec runs a command in a container and returns its exit status and its output.
func Exec(
	ctx context.Context, docker Client, name string, options container.ExecOptions,
) (status int, output string, err error) {
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
	stop := context.AfterFunc(ctx, attached.Close) // the stream ignores ctx
	defer stop()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, attached.Reader); err != nil {
		return 0, "", errors.Join(err, context.Cause(ctx))
	}
	ended, err := docker.ContainerExecInspect(ctx, created.ID)
	return ended.ExitCode, text.String(), err
}
