package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
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
	// logTailLines is how much of a log is looked at: more than a node writes between two crashes.
	logTailLines = 200
	// A message carries the first errorLines errors in that and, since what led to the failure may not be called an error, the
	// last endLines lines.
	errorLines, endLines = 8, 8
	// lineLength is what is shown of a line. Erlang writes whole states into one.
	lineLength = 240
)

// explainFailure registers a hook that tells why a node did not become a member. The provider knows only that a container was not
// healthy in time; what happened is in the logs of the node and of the container that saw to its membership.
func explainFailure(ctx *pulumi.Context, docker engine, cluster *topology.Cluster, node topology.Node) (*pulumi.ErrorHook, error) {
	return explainedBy(ctx, node.Name, func(logCtx context.Context) string {
		abandonFormation(logCtx, docker, cluster)
		return failureOf(logCtx, docker, node.Name+" did not become a running member of the cluster.",
			cluster.ContainerName(node), cluster.MembershipContainerName(node))
	})
}

// explainedBy registers a hook that tells why a container could not be made, or did not become healthy. What could not be deleted explains
// itself.
func explainedBy(ctx *pulumi.Context, name string, explain func(context.Context) string) (*pulumi.ErrorHook, error) {
	return ctx.RegisterErrorHook("explain-"+name, func(args *pulumi.ErrorHookArgs) (retry bool, err error) {
		if args.FailedOperation == "delete" {
			return false, nil
		}
		logCtx, cancel := context.WithTimeout(ctx.Context(), explainTimeout)
		defer cancel()
		return false, ctx.Log.Error(explain(logCtx), nil)
	})
}

// failureOf is the message about what did not come about, with what the containers say that were to see to it.
func failureOf(ctx context.Context, docker engine, what string, containers ...string) string {
	var b strings.Builder
	b.WriteString(what + "\n")
	for _, name := range containers {
		log, err := logTail(ctx, docker, name)
		switch {
		case cerrdefs.IsNotFound(err):
			fmt.Fprintf(&b, "The container %s is gone: it gave up.\n", name)
		case err != nil:
			fmt.Fprintf(&b, "The log of %s can't be read: %v\n", name, err)
		case log == "":
			fmt.Fprintf(&b, "The log of %s is empty.\n", name)
		default:
			fmt.Fprintf(&b, "From the end of the log of %s:\n    %s\n", name, strings.Join(telling(log), "\n    "))
		}
	}
	b.WriteString("Mend the cause and run `pulumi up` again: it goes on from here.")
	return b.String()
}

// logTail returns the last lines of a container's log.
func logTail(ctx context.Context, docker engine, name string) (string, error) {
	log, err := docker.ContainerLogs(ctx, name, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(logTailLines),
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

// telling picks the lines of a log that tell what went wrong: the first errors, whose consequences fill the rest, and the end.
func telling(log string) []string {
	var lines, picked []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, " \r\n")
		if strings.TrimSpace(line) == "" || strings.HasSuffix(line, ">") { // RabbitMQ spaces its errors with empty ones
			continue
		}
		if runes := []rune(line); len(runes) > lineLength {
			line = string(runes[:lineLength]) + "…"
		}
		lines = append(lines, line)
	}
	end := max(0, len(lines)-endLines)
	for _, line := range lines[:end] {
		if strings.Contains(line, "[error]") && len(picked) < errorLines {
			picked = append(picked, line)
		}
	}
	if len(picked) > 0 {
		picked = append(picked, "…")
	}
	return append(picked, lines[end:]...)
}
