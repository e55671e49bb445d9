// Package enginetest stands in for a Docker engine in tests.
package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"

	"warren/topology"
)

// Stack is the name of the stack that a Fake's containers and volumes belong to.
const Stack = "test"

// Fake is a Docker engine with plenty of everything. It is remote by default, so that this machine's ports
// and disk don't matter.
type Fake struct {
	// Down is why the engine does not answer.
	Down error
	// Local makes it an engine of this machine.
	Local bool
	// Memory is what its machine has, in bytes. 0 means plenty.
	Memory int64
	// Root is the folder of the engine's data.
	Root string
	// Missing are images that are not there, and what their registry says about them.
	Missing map[string]error
	// Containers are those on the engine.
	Containers []container.Summary
	// Volumes is how many nodes have a volume: rabbit1, rabbit2 and so on.
	Volumes int
	// Networks are the networks with the stack's label, VolumeLabels further labels of the volumes.
	Networks     []network.Summary
	VolumeLabels map[string]string
	// Publishes are the ports that containers are configured to publish, by the container's ID.
	Publishes map[string][]int
	// Logs are the logs of containers by name. A container without one does not exist.
	Logs map[string]io.Reader
	// States are what inspecting a container finds, one after the other. The last one stays.
	States []State
	// Removed are the containers that were removed, Killed those that were sent a signal.
	Removed, Killed []string
	// Exec is what a command in a container ends with. Without it, there is no container to run a command in.
	Exec *ExecResult
	// Execs are the commands that were run.
	Execs []container.ExecOptions
}

// ExecResult is the end of a command in a container.
type ExecResult struct {
	Status int
	Output []byte
}

// State is what inspecting a container finds.
type State struct {
	Restarts int
	Health   container.HealthStatus
}

// Nodes returns the running containers of nodes rabbit1, rabbit2 and so on, each with a health such as
// "healthy".
func Nodes(health ...string) []container.Summary {
	var containers []container.Summary
	for i, h := range health {
		containers = append(containers, container.Summary{
			ID:     fmt.Sprintf("rabbit%d-id", i+1),
			Names:  []string{fmt.Sprintf("/warren-%s-rabbit%d", Stack, i+1)},
			State:  container.StateRunning,
			Status: "Up 5 minutes (" + h + ")",
			Labels: map[string]string{
				topology.LabelStack:  Stack,
				topology.LabelRole:   topology.RoleNode,
				topology.LabelNode:   fmt.Sprintf("rabbit%d", i+1),
				topology.LabelSeries: topology.NewestSeries.String(),
			},
		})
	}
	return containers
}

// Log is text as the engine sends the log of a container without a terminal.
func Log(text string) io.Reader {
	var framed bytes.Buffer
	_, _ = stdcopy.NewStdWriter(&framed, stdcopy.Stdout).Write([]byte(text)) // a buffer takes everything
	return &framed
}

// Output is text as the engine sends the output of a command without a terminal.
func Output(text string) []byte {
	framed, _ := io.ReadAll(Log(text)) // a buffer has no errors
	return framed
}

// DaemonHost is a Unix socket if the engine is local.
func (f *Fake) DaemonHost() string {
	if f.Local {
		return "unix:///var/run/docker.sock"
	}
	return "tcp://elsewhere:2375"
}

// Info describes the engine's machine.
func (f *Fake) Info(context.Context) (system.Info, error) {
	memory := f.Memory
	if memory == 0 {
		memory = 64 << 30
	}
	return system.Info{MemTotal: memory, DockerRootDir: f.Root, Architecture: "x86_64"}, f.Down
}

// ImageInspect finds every image that is not missing.
func (f *Fake) ImageInspect(
	_ context.Context, ref string, _ ...client.ImageInspectOption,
) (image.InspectResponse, error) {
	if _, missing := f.Missing[ref]; missing {
		return image.InspectResponse{}, errdefs.ErrNotFound
	}
	return image.InspectResponse{}, nil
}

// DistributionInspect asks the registry of an image.
func (f *Fake) DistributionInspect(_ context.Context, ref, _ string) (registry.DistributionInspect, error) {
	return registry.DistributionInspect{}, f.Missing[ref]
}

// VolumeList lists the volumes of nodes.
func (f *Fake) VolumeList(context.Context, volume.ListOptions) (volume.ListResponse, error) {
	var response volume.ListResponse
	for i := range f.Volumes {
		name := fmt.Sprintf("warren-%s-rabbit%d-data", Stack, i+1)
		labels := map[string]string{
			topology.LabelStack: Stack, topology.LabelRole: topology.RoleNode,
			topology.LabelNode: fmt.Sprintf("rabbit%d", i+1),
		}
		maps.Copy(labels, f.VolumeLabels)
		response.Volumes = append(response.Volumes, &volume.Volume{Name: name, Labels: labels})
	}
	return response, nil
}

// NetworkList lists the networks of the stack.
func (f *Fake) NetworkList(context.Context, network.ListOptions) ([]network.Summary, error) {
	return f.Networks, nil
}

// ContainerList lists containers by health and label.
func (f *Fake) ContainerList(_ context.Context, options container.ListOptions) ([]container.Summary, error) {
	health := options.Filters.Get("health")
	var found []container.Summary
	for _, c := range f.Containers {
		healthy := len(health) == 0 || strings.Contains(c.Status, "("+health[0]+")")
		if healthy && options.Filters.MatchKVList("label", c.Labels) {
			found = append(found, c)
		}
	}
	return found, nil
}

// ContainerInspect returns the next state, or what the container is configured to publish.
func (f *Fake) ContainerInspect(_ context.Context, id string) (container.InspectResponse, error) {
	if ports, exists := f.Publishes[id]; exists {
		bindings := nat.PortMap{}
		for i, port := range ports {
			inside := nat.Port(strconv.Itoa(i+1) + "/tcp")
			bindings[inside] = []nat.PortBinding{{HostIP: "127.0.0.1", HostPort: strconv.Itoa(port)}}
		}
		return container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			HostConfig: &container.HostConfig{PortBindings: bindings},
		}}, nil
	}
	if len(f.States) == 0 {
		return container.InspectResponse{}, errdefs.ErrNotFound
	}
	state := f.States[0]
	if len(f.States) > 1 {
		f.States = f.States[1:]
	}
	return container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
		RestartCount: state.Restarts,
		State:        &container.State{Health: &container.Health{Status: state.Health}},
	}}, nil
}

// ContainerKill notes which container was sent a signal.
func (f *Fake) ContainerKill(_ context.Context, name, _ string) error {
	f.Killed = append(f.Killed, name)
	return nil
}

// ContainerRemove notes which container was removed.
func (f *Fake) ContainerRemove(_ context.Context, name string, _ container.RemoveOptions) error {
	f.Removed = append(f.Removed, name)
	return nil
}

// ContainerLogs returns the log of a container.
func (f *Fake) ContainerLogs(_ context.Context, name string, _ container.LogsOptions) (io.ReadCloser, error) {
	log, exists := f.Logs[name]
	if !exists {
		return nil, errdefs.ErrNotFound
	}
	return io.NopCloser(log), nil
}

// ContainerExecCreate notes which command is run.
func (f *Fake) ContainerExecCreate(
	_ context.Context, _ string, options container.ExecOptions,
) (container.ExecCreateResponse, error) {
	if f.Exec == nil {
		return container.ExecCreateResponse{}, errdefs.ErrNotFound
	}
	f.Execs = append(f.Execs, options)
	return container.ExecCreateResponse{ID: "exec"}, nil
}

// ContainerExecAttach returns the output of the command.
func (f *Fake) ContainerExecAttach(
	context.Context, string, container.ExecAttachOptions,
) (types.HijackedResponse, error) {
	ours, theirs := net.Pipe()
	output := bufio.NewReader(bytes.NewReader(f.Exec.Output))
	return types.HijackedResponse{Conn: ours, Reader: output}, theirs.Close()
}

// ContainerExecInspect returns the exit status of the command.
func (f *Fake) ContainerExecInspect(context.Context, string) (container.ExecInspect, error) {
	return container.ExecInspect{ExitCode: f.Exec.Status}, nil
}
