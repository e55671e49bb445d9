//go:build cluster

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// liveStack is a stack of a test's own, on the real engine and by the real Pulumi CLI. Its project, state and passphrase are in a
// temporary folder, and whatever the test does, nothing of it is left.
type liveStack struct {
	t      *testing.T
	name   string
	dir    string
	config map[string]any
	env    map[string]string
	pulumi auto.Stack
	docker *client.Client
}

// newLiveStack makes an empty stack with ports of its own.
func newLiveStack(t *testing.T, config map[string]any) *liveStack {
	t.Helper()
	if _, err := exec.LookPath("pulumi"); err != nil {
		t.Fatal("there is no pulumi on PATH: run `eval \"$(tools/env)\"` in the project's folder")
	}
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	require.NoError(t, err)
	s := &liveStack{t: t, name: "e2e-" + randomHex(3), dir: project(t), docker: docker}
	ports := freePorts(t)
	s.config = map[string]any{"warren:memoryLimit": "512MiB", "warren:ports": map[string]int{
		"amqp": ports.AMQP, "management": ports.Management, "stats": ports.Stats,
		"loadBalancerAmqp": ports.LoadBalancerAMQP, "loadBalancerManagement": ports.LoadBalancerManagement,
	}}
	s.configure(config)
	state := filepath.Join(s.dir, "state")
	require.NoError(t, os.Mkdir(state, 0o700))
	s.env = map[string]string{
		"PULUMI_BACKEND_URL":                       "file://" + state,
		"PULUMI_CONFIG_PASSPHRASE":                 randomHex(16),
		"PULUMI_CONFIG_PASSPHRASE_FILE":            "",
		"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
		"PULUMI_SKIP_UPDATE_CHECK":                 "true",
	}
	s.pulumi, err = auto.NewStackLocalSource(t.Context(), s.name, s.dir, auto.EnvVars(s.env))
	require.NoError(t, err)
	t.Cleanup(s.remove)
	return s
}

// project makes a project folder of links to this one, so that Pulumi writes nothing into this one.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	for _, name := range []string{"Pulumi.yaml", "go.mod", "go.sum", "infra", "topology"} {
		require.NoError(t, os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)))
	}
	return dir
}

// configure sets settings, or removes those that are nil.
func (s *liveStack) configure(changes map[string]any) {
	s.t.Helper()
	maps.Copy(s.config, changes)
	maps.DeleteFunc(s.config, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(map[string]any{"config": s.config}) // YAML as well
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, "Pulumi."+s.name+".yaml"), text, 0o600))
}

// up deploys the stack. The error holds everything that Pulumi showed.
func (s *liveStack) up(ctx context.Context) (auto.UpResult, error) {
	s.t.Helper()
	start := time.Now()
	result, err := s.pulumi.Up(ctx, optup.SuppressProgress())
	s.t.Logf("pulumi up: %.1f s", time.Since(start).Seconds())
	return result, err
}

// interruptedUp begins to deploy the stack and interrupts that, as Ctrl-C does, once the containers of so many nodes are there.
func (s *liveStack) interruptedUp(nodes int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Minute)
	defer cancel()
	up := exec.CommandContext(ctx, "pulumi", "up", "--yes", "--skip-preview", "--stack", s.name)
	up.Dir, up.Env = s.dir, os.Environ()
	for key, value := range s.env {
		up.Env = append(up.Env, key+"="+value)
	}
	var output bytes.Buffer
	up.Stdout, up.Stderr = &output, &output
	require.NoError(s.t, up.Start())
	for there := 0; there < nodes; {
		require.True(s.t, pause(ctx, 100*time.Millisecond), "no node is there to be interrupted")
		filter := ofStack(s.name)
		filter.Add("label", labelRole+"="+roleNode)
		containers, err := s.docker.ContainerList(ctx, container.ListOptions{Filters: filter})
		require.NoError(s.t, err)
		there = len(containers)
	}
	require.NoError(s.t, up.Process.Signal(os.Interrupt))
	start := time.Now()
	require.Error(s.t, up.Wait(), "it was complete before it was interrupted")
	s.t.Logf("pulumi up ended %.1f s after it was interrupted:\n%s", time.Since(start).Seconds(), output.String())
}

// mustUp deploys the stack and returns its outputs.
func (s *liveStack) mustUp() topology.Outputs {
	s.t.Helper()
	result, err := s.up(s.t.Context())
	require.NoError(s.t, err)
	values := map[string]any{}
	for name, output := range result.Outputs {
		values[name] = output.Value
	}
	text, err := json.Marshal(values)
	require.NoError(s.t, err)
	var outputs topology.Outputs
	require.NoError(s.t, json.Unmarshal(text, &outputs))
	return outputs
}

func (s *liveStack) destroy() {
	s.t.Helper()
	start := time.Now()
	_, err := s.pulumi.Destroy(s.t.Context(), optdestroy.SuppressProgress())
	require.NoError(s.t, err)
	s.t.Logf("pulumi destroy: %.1f s", time.Since(start).Seconds())
}

// leftovers are the names of everything of the stack that is on the engine.
func (s *liveStack) leftovers(ctx context.Context) (containers, volumes, networks []string) {
	s.t.Helper()
	filter := ofStack(s.name)
	c, err := s.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
	require.NoError(s.t, err)
	for _, c := range c {
		containers = append(containers, strings.TrimPrefix(c.Names[0], "/"))
	}
	v, err := s.docker.VolumeList(ctx, volume.ListOptions{Filters: filter})
	require.NoError(s.t, err)
	for _, v := range v.Volumes {
		volumes = append(volumes, v.Name)
	}
	n, err := s.docker.NetworkList(ctx, network.ListOptions{Filters: filter})
	require.NoError(s.t, err)
	for _, n := range n {
		networks = append(networks, n.Name)
	}
	return containers, volumes, networks
}

// remove removes everything of the stack by force.
func (s *liveStack) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	containers, volumes, networks := s.leftovers(ctx)
	for _, name := range containers {
		if s.t.Failed() {
			log, err := logTail(ctx, s.docker, name)
			s.t.Logf("the end of the log of %s (%v):\n%s", name, err, log)
		}
		if err := s.docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}); err != nil {
			s.t.Errorf("removing container %s: %v", name, err)
		}
	}
	for _, name := range volumes {
		if err := s.docker.VolumeRemove(ctx, name, true); err != nil {
			s.t.Errorf("removing volume %s: %v", name, err)
		}
	}
	for _, name := range networks {
		if err := s.docker.NetworkRemove(ctx, name); err != nil {
			s.t.Errorf("removing network %s: %v", name, err)
		}
	}
}

// run executes a command in a node's container.
func (s *liveStack) run(node string, command ...string) {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "docker", append([]string{"exec", "warren-" + s.name + "-" + node}, command...)...).CombinedOutput()
	require.NoErrorf(s.t, err, "%s: %s", strings.Join(command, " "), out)
}

// get asks a web server with a password and returns status and body; 0 if there is no answer.
func get(ctx context.Context, url, user, password string) (int, []byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil
	}
	request.SetBasicAuth(user, password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := io.Copy(&body, response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, body.Bytes()
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
