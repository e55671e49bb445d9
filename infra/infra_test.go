package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// The types of the resources.
const (
	typeContainer = "docker:index/container:Container"
	typeImage     = "docker:index/remoteImage:RemoteImage"
	typeNetwork   = "docker:index/network:Network"
	typeVolume    = "docker:index/volume:Volume"
)

const (
	testPassphrase = "correct horse battery staple"
	testStack      = "test"
)

// declared is a resource that the program declared.
type declared struct {
	typ, name string
	inputs    resource.PropertyMap
	// dependsOn are the names of the resources it depends on, by a property or otherwise.
	dependsOn []string
	// uses are those that it depends on by a property, so that their replacement may replace it.
	uses   []string
	parent string
	// beforeCreate and onError are the names of its hooks.
	beforeCreate, onError []string
}

// recorder plays Pulumi's engine: every resource is created at once, and remembered.
type recorder struct {
	mu        sync.Mutex
	resources map[string]declared
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	d := declared{typ: args.TypeToken, name: args.Name, inputs: args.Inputs}
	if rpc := args.RegisterRPC; rpc != nil {
		d.parent = nameOf(rpc.GetParent())
		d.beforeCreate, d.onError = rpc.GetHooks().GetBeforeCreate(), rpc.GetHooks().GetOnError()
		for _, urn := range rpc.GetDependencies() {
			d.dependsOn = append(d.dependsOn, nameOf(urn))
		}
		for _, property := range rpc.GetPropertyDependencies() {
			for _, urn := range property.GetUrns() {
				d.uses = append(d.uses, nameOf(urn))
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.resources[d.typ+" "+d.name]; twice {
		return "", nil, errors.New(d.name + " was declared twice")
	}
	r.resources[d.typ+" "+d.name] = d
	outputs := args.Inputs.Copy()
	if d.typ == typeImage {
		outputs["imageId"] = resource.NewStringProperty("sha256:" + d.name)
	}
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("the program calls no functions")
}

// nameOf is the name of the resource of a URN.
func nameOf(urn string) string { return urn[strings.LastIndex(urn, "::")+2:] }

// of returns the resources of a type by their names.
func (r *recorder) of(typ string) map[string]declared {
	found := map[string]declared{}
	for _, d := range r.resources {
		if d.typ == typ {
			found[d.name] = d
		}
	}
	return found
}

// deploy runs the program on an engine for a stack with a configuration.
func deploy(t *testing.T, docker *fakeEngine, config map[string]string, encrypted ...string) (*recorder, error) {
	t.Helper()
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", testPassphrase)
	r := &recorder{resources: map[string]declared{}}
	err := run(func(string) (engine, error) { return docker, nil },
		pulumi.WithMocks("warren", testStack, r),
		func(info *pulumi.RunInfo) { info.Config, info.ConfigSecretKeys = config, encrypted })
	return r, err
}

// mustDeploy is deploy where nothing is wrong.
func mustDeploy(t *testing.T, docker *fakeEngine, config map[string]string) *recorder {
	t.Helper()
	r, err := deploy(t, docker, config)
	require.NoError(t, err)
	return r
}

// fakeEngine is a Docker engine with plenty of everything. It is elsewhere, so that this machine's ports and disk don't matter.
type fakeEngine struct {
	down       error
	local      bool
	memory     int64
	root       string
	missing    map[string]error // what the registry says about the images that are not there
	containers []container.Summary
	// volumes are those of nodes 1, 2 and so on.
	volumes int
	logs    map[string]io.Reader
	// states are what looking at a container finds, one after the other; the last one stays.
	states  []nodeState
	removed []string
	// exec is what a command in a container ends with; without it, there is no container to run it in.
	exec *execResult
	// execs are the commands that were run.
	execs []container.ExecOptions
}

// execResult is the end of a command in a container.
type execResult struct {
	status int
	output []byte
}

// nodeState is what matters here of the state of a node's container.
type nodeState struct {
	restarts int
	health   container.HealthStatus
}

func (f *fakeEngine) DaemonHost() string {
	if f.local {
		return "unix:///var/run/docker.sock"
	}
	return "tcp://elsewhere:2375"
}

func (f *fakeEngine) Info(context.Context) (system.Info, error) {
	memory := f.memory
	if memory == 0 {
		memory = 64 << 30
	}
	return system.Info{MemTotal: memory, DockerRootDir: f.root}, f.down
}

func (f *fakeEngine) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (image.InspectResponse, error) {
	if _, missing := f.missing[ref]; missing {
		return image.InspectResponse{}, errdefs.ErrNotFound
	}
	return image.InspectResponse{}, nil
}

func (f *fakeEngine) DistributionInspect(_ context.Context, ref, _ string) (registry.DistributionInspect, error) {
	return registry.DistributionInspect{}, f.missing[ref]
}

func (f *fakeEngine) VolumeList(context.Context, volume.ListOptions) (volume.ListResponse, error) {
	var response volume.ListResponse
	for i := range f.volumes {
		response.Volumes = append(response.Volumes, &volume.Volume{Name: fmt.Sprintf("warren-%s-rabbit%d-data", testStack, i+1)})
	}
	return response, nil
}

func (f *fakeEngine) ContainerList(_ context.Context, options container.ListOptions) ([]container.Summary, error) {
	health := options.Filters.Get("health")
	var found []container.Summary
	for _, c := range f.containers {
		if (len(health) == 0 || strings.Contains(c.Status, "("+health[0]+")")) && options.Filters.MatchKVList("label", c.Labels) {
			found = append(found, c)
		}
	}
	return found, nil
}

func (f *fakeEngine) ContainerInspect(context.Context, string) (container.InspectResponse, error) {
	if len(f.states) == 0 {
		return container.InspectResponse{}, errdefs.ErrNotFound
	}
	state := f.states[0]
	if len(f.states) > 1 {
		f.states = f.states[1:]
	}
	return container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
		RestartCount: state.restarts,
		State:        &container.State{Health: &container.Health{Status: state.health}},
	}}, nil
}

func (f *fakeEngine) ContainerRemove(_ context.Context, name string, _ container.RemoveOptions) error {
	f.removed = append(f.removed, name)
	return nil
}

func (f *fakeEngine) ContainerExecCreate(_ context.Context, _ string, options container.ExecOptions) (container.ExecCreateResponse, error) {
	if f.exec == nil {
		return container.ExecCreateResponse{}, errdefs.ErrNotFound
	}
	f.execs = append(f.execs, options)
	return container.ExecCreateResponse{ID: "exec"}, nil
}

func (f *fakeEngine) ContainerExecAttach(context.Context, string, container.ExecAttachOptions) (types.HijackedResponse, error) {
	ours, theirs := net.Pipe()
	return types.HijackedResponse{Conn: ours, Reader: bufio.NewReader(bytes.NewReader(f.exec.output))}, theirs.Close()
}

func (f *fakeEngine) ContainerExecInspect(context.Context, string) (container.ExecInspect, error) {
	return container.ExecInspect{ExitCode: f.exec.status}, nil
}

func (f *fakeEngine) ContainerLogs(_ context.Context, name string, _ container.LogsOptions) (io.ReadCloser, error) {
	log, exists := f.logs[name]
	if !exists {
		return nil, errdefs.ErrNotFound
	}
	return io.NopCloser(log), nil
}
