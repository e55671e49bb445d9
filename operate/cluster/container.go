package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// ExecResult is what a command run in a container left.
type ExecResult struct {
	ExitCode       int
	Stdout, Stderr string
}

// Exec runs a command in a container and waits for its end. An exit status other than 0 is not an error
// here; see Run. When ctx ends first, the command goes on in the container: the Engine has no way to stop
// it. The command runs in the root directory, because the container's own may be on a disk that is gone.
func (c *Cluster) Exec(ctx context.Context, containerName string, command ...string) (ExecResult, error) {
	fail := func(err error) (ExecResult, error) {
		return ExecResult{}, fmt.Errorf("exec %s in %s: %w", command[0], containerName, err)
	}
	created, err := c.DockerOf(containerName).ContainerExecCreate(ctx, containerName, container.ExecOptions{
		Cmd: command, WorkingDir: "/", AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return fail(err)
	}
	attached, err := c.DockerOf(containerName).ContainerExecAttach(ctx, created.ID,
		container.ExecAttachOptions{})
	if err != nil {
		return fail(err)
	}
	defer attached.Close()
	// The stream is a hijacked connection, which knows nothing of ctx: close it when ctx ends.
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()

	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, attached.Reader); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fail(err)
	}
	inspected, err := c.DockerOf(containerName).ContainerExecInspect(ctx, created.ID)
	if err != nil {
		return fail(err)
	}
	return ExecResult{ExitCode: inspected.ExitCode, Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// Run is Exec for a command that must succeed: it returns its standard output, trimmed, or an error that
// quotes what the command said.
func (c *Cluster) Run(ctx context.Context, containerName string, command ...string) (string, error) {
	result, err := c.Exec(ctx, containerName, command...)
	if err != nil {
		return "", err
	}
	if result.ExitCode != 0 {
		said := strings.TrimSpace(result.Stderr + result.Stdout)
		return "", fmt.Errorf("%s in %s: exit status %d: %s",
			strings.Join(command, " "), containerName, result.ExitCode, said)
	}
	return strings.TrimSpace(result.Stdout), nil
}

// Kill ends a container's processes with SIGKILL, as a crash would, and returns when they are gone. The
// Engine counts it as stopped by hand, so that no restart policy brings it back.
func (c *Cluster) Kill(ctx context.Context, containerName string) error {
	gone, failed := c.DockerOf(containerName).ContainerWait(ctx, containerName,
		container.WaitConditionNotRunning)
	if err := c.DockerOf(containerName).ContainerKill(ctx, containerName, "SIGKILL"); err != nil {
		return fmt.Errorf("kill %s: %w", containerName, err)
	}
	select {
	case <-gone:
		return nil
	case err := <-failed:
		return fmt.Errorf("kill %s: wait for its end: %w", containerName, err)
	}
}

// engineSlack is how much longer than the grace period of a container the engine may take to stop it.
const engineSlack = time.Minute

// Stop asks a container to end (SIGTERM) and kills it if it has not ended after the grace period.
//
// The engine goes on with a stop that nobody waits for any more, and would stop what was started meanwhile.
// So Stop waits for the end of the container also when ctx ends.
func (c *Cluster) Stop(ctx context.Context, containerName string, grace time.Duration) error {
	seconds := int(grace.Seconds())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+engineSlack)
	defer cancel()
	if err := c.DockerOf(containerName).ContainerStop(ctx, containerName,
		container.StopOptions{Timeout: &seconds}); err != nil {
		return fmt.Errorf("stop %s: %w", containerName, err)
	}
	return nil
}

// Start starts a container; one that runs is left alone.
func (c *Cluster) Start(ctx context.Context, containerName string) error {
	if err := c.DockerOf(containerName).ContainerStart(ctx, containerName,
		container.StartOptions{}); err != nil {
		return fmt.Errorf("start %s: %w", containerName, err)
	}
	return nil
}

// Restart is Stop and Start.
func (c *Cluster) Restart(ctx context.Context, containerName string, grace time.Duration) error {
	if err := c.Stop(ctx, containerName, grace); err != nil {
		return err
	}
	return c.Start(ctx, containerName)
}

// Pause freezes all processes of a container; their connections stay open and silent.
func (c *Cluster) Pause(ctx context.Context, containerName string) error {
	if err := c.DockerOf(containerName).ContainerPause(ctx, containerName); err != nil {
		return fmt.Errorf("pause %s: %w", containerName, err)
	}
	return nil
}

// Unpause thaws a container.
func (c *Cluster) Unpause(ctx context.Context, containerName string) error {
	if err := c.DockerOf(containerName).ContainerUnpause(ctx, containerName); err != nil {
		return fmt.Errorf("unpause %s: %w", containerName, err)
	}
	return nil
}

// Inspect returns what the Engine knows of a container.
func (c *Cluster) Inspect(ctx context.Context, containerName string) (container.InspectResponse, error) {
	inspected, err := c.DockerOf(containerName).ContainerInspect(ctx, containerName)
	if err != nil {
		return inspected, fmt.Errorf("inspect %s: %w", containerName, err)
	}
	return inspected, nil
}

// Logs returns what a container wrote between two instants, with the Engine's timestamps.
func (c *Cluster) Logs(ctx context.Context, containerName string, since, until time.Time) (string, error) {
	stream, err := c.DockerOf(containerName).ContainerLogs(ctx, containerName, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true,
		Since: unixTime(since), Until: unixTime(until),
	})
	if err != nil {
		return "", fmt.Errorf("logs of %s: %w", containerName, err)
	}
	defer stream.Close()
	var log bytes.Buffer
	if _, err := stdcopy.StdCopy(&log, &log, stream); err != nil {
		return "", fmt.Errorf("logs of %s: %w", containerName, err)
	}
	return log.String(), nil
}

// StateMissing is the state of a container that does not exist.
const StateMissing = "missing"

// StateUnreachable is the state of a container on one of several hosts whose engine does not answer.
const StateUnreachable = "unreachable"

// State returns the state of a container, StateMissing if there is none of that name.
func (c *Cluster) State(ctx context.Context, containerName string) (string, error) {
	condition, err := c.Condition(ctx, containerName)
	return condition.State, err
}

// Condition is what the Engine says of a container.
type Condition struct {
	// State is such as "running", "exited", or StateMissing.
	State string
	// Health is what the health check has found: "starting", "healthy", "unhealthy", or empty if there is none.
	Health string
	// Said is what the health check printed when it was last made.
	Said string
}

// Condition returns the state of a container together with what its health check has found.
func (c *Cluster) Condition(ctx context.Context, containerName string) (Condition, error) {
	asking, cancel := context.WithTimeoutCause(ctx, conditionTimeout, errNoEngine)
	defer cancel()
	inspected, err := c.Inspect(asking, containerName)
	switch {
	case errdefs.IsNotFound(err):
		return Condition{State: StateMissing}, nil
	case err != nil && ctx.Err() == nil && len(c.outputs.Hosts) > 0:
		// The other hosts go on, and so does the look at them.
		return Condition{State: StateUnreachable}, nil
	case err != nil:
		return Condition{}, err
	}
	condition := Condition{State: inspected.State.Status}
	if health := inspected.State.Health; health != nil {
		condition.Health = health.Status
		if n := len(health.Log); n > 0 {
			condition.Said = strings.TrimSpace(health.Log[n-1].Output)
		}
	}
	return condition, nil
}

// conditionTimeout bounds the wait for an engine that does not answer. It answers at once, but for one that
// starts a container or is paged out.
const conditionTimeout = 10 * time.Second

var errNoEngine = errors.New("the engine does not answer")

// unixTime is an instant as the Engine's API takes it.
func unixTime(t time.Time) string {
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}
