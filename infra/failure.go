package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

const (
	// explainTimeout bounds looking for the cause of a failure.
	explainTimeout = 15 * time.Second
	// logLines is how much of a log a message carries.
	logLines = 25
)

// explainFailure registers a hook that tells why a node did not become a member. The provider knows only that a container was not
// healthy in time; what happened is in the logs of the node and of the container that saw to its membership.
func explainFailure(ctx *pulumi.Context, docker engine, cluster *topology.Cluster, node topology.Node) (*pulumi.ErrorHook, error) {
	return ctx.RegisterErrorHook("explain-"+node.Name, func(args *pulumi.ErrorHookArgs) (retry bool, err error) {
		if args.FailedOperation == "delete" {
			return false, nil
		}
		logCtx, cancel := context.WithTimeout(ctx.Context(), explainTimeout)
		defer cancel()
		return false, ctx.Log.Error(failureOf(logCtx, docker, cluster, node), nil)
	})
}

// failureOf is the message about a node that did not become a member.
func failureOf(ctx context.Context, docker engine, cluster *topology.Cluster, node topology.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s did not become a running member of the cluster.\n", node.Name)
	for _, name := range []string{cluster.ContainerName(node), cluster.JoinContainerName(node)} {
		log, err := logTail(ctx, docker, name)
		switch {
		case cerrdefs.IsNotFound(err):
			fmt.Fprintf(&b, "The container %s is gone: it gave up.\n", name)
		case err != nil:
			fmt.Fprintf(&b, "The log of %s can't be read: %v\n", name, err)
		case log == "":
			fmt.Fprintf(&b, "The log of %s is empty.\n", name)
		default:
			fmt.Fprintf(&b, "The end of the log of %s:\n    %s\n", name, strings.ReplaceAll(log, "\n", "\n    "))
		}
	}
	b.WriteString("Mend the cause and run `pulumi up` again: it goes on from here.")
	return b.String()
}

// logTail returns the last lines of a container's log.
func logTail(ctx context.Context, docker engine, name string) (string, error) {
	log, err := docker.ContainerLogs(ctx, name, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: fmt.Sprint(logLines),
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
