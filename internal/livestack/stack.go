//go:build cluster

package livestack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/stretchr/testify/require"

	"warren/internal/wait"
	"warren/topology"
)

// Stack is a stack of a test's own, on the real engine and by the real Pulumi CLI. Its project, state and
// passphrase are in a temporary folder, and whatever the test does, nothing of it is left.
type Stack struct {
	// Name is the stack's name, Pulumi what works on it, Docker the engine it is on.
	Name   string
	Pulumi auto.Stack
	Docker *client.Client
	// Cluster is the name of the stack's cluster, in the names and labels of all that belongs to it. In
	// Warren's own program it is the stack's name.
	Cluster string

	t      *testing.T
	dir    string
	config map[string]any
	env    map[string]string
}

// New makes an empty stack of Warren's own program, with ports of its own.
func New(t *testing.T, config map[string]any) *Stack {
	t.Helper()
	s := newStack(t, ".", map[string]any{"warren:memoryLimit": "512MiB", "warren:ports": FreePorts(t)})
	s.Cluster = s.Name
	s.Configure(config)
	return s
}

// NewExample makes an empty stack of an example, with ports of its own. The example calls its cluster
// "<project>-<stack>".
func NewExample(t *testing.T, folder, project string) *Stack {
	t.Helper()
	s := newStack(t, filepath.Join("examples", folder), map[string]any{project + ":ports": FreePorts(t)})
	s.Cluster = project + "-" + s.Name
	return s
}

// newStack makes an empty stack of the project in a folder of this repository.
func newStack(t *testing.T, folder string, config map[string]any) *Stack {
	t.Helper()
	if _, err := exec.LookPath("pulumi"); err != nil {
		t.Fatal("there is no pulumi on PATH: run `eval \"$(tools/env)\"` in the project's folder")
	}
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	require.NoError(t, err)
	s := &Stack{
		t: t, Name: "e2e-" + randomHex(3), dir: filepath.Join(checkout(t), folder), Docker: docker, config: config,
	}
	s.Configure(nil)
	state := filepath.Join(s.dir, "state")
	require.NoError(t, os.Mkdir(state, 0o700))
	s.env = map[string]string{
		"PULUMI_BACKEND_URL":                       "file://" + state,
		"PULUMI_CONFIG_PASSPHRASE":                 randomHex(16),
		"PULUMI_CONFIG_PASSPHRASE_FILE":            "",
		"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
		"PULUMI_SKIP_UPDATE_CHECK":                 "true",
	}
	s.Pulumi, err = auto.NewStackLocalSource(t.Context(), s.Name, s.dir, auto.EnvVars(s.env))
	require.NoError(t, err)
	t.Cleanup(s.remove)
	return s
}

// checkout makes a folder with the projects of this repository, so that Pulumi writes nothing into this
// one. What they only read is linked.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := root()
	require.NoError(t, err)
	for _, name := range []string{"Pulumi.yaml", "go.mod", "go.sum", "agent", "infra", "internal", "topology"} {
		require.NoError(t, os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)))
	}
	require.NoError(t, os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))))
	return dir
}

// Configure sets settings, or removes those that are nil.
func (s *Stack) Configure(changes map[string]any) {
	s.t.Helper()
	maps.Copy(s.config, changes)
	maps.DeleteFunc(s.config, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(map[string]any{"config": s.config}) // YAML as well
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, "Pulumi."+s.Name+".yaml"), text, 0o600))
}

// Up deploys the stack. The error holds everything that Pulumi showed.
func (s *Stack) Up(ctx context.Context) (auto.UpResult, error) {
	s.t.Helper()
	start := time.Now()
	result, err := s.Pulumi.Up(ctx, optup.SuppressProgress())
	s.t.Logf("pulumi up: %.1f s", time.Since(start).Seconds())
	return result, err
}

// InterruptedUp begins to deploy the stack and interrupts that, as Ctrl-C does, once the containers of so
// many nodes are there.
func (s *Stack) InterruptedUp(nodes int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Minute)
	defer cancel()
	up := exec.CommandContext(ctx, "pulumi", "up", "--yes", "--skip-preview", "--stack", s.Name)
	up.Dir, up.Env = s.dir, os.Environ()
	for key, value := range s.env {
		up.Env = append(up.Env, key+"="+value)
	}
	var output bytes.Buffer
	up.Stdout, up.Stderr = &output, &output
	require.NoError(s.t, up.Start())
	for there := 0; there < nodes; {
		require.NoError(s.t, wait.Sleep(ctx, 100*time.Millisecond), "no node is there to be interrupted")
		filter := s.filter()
		filter.Add("label", topology.RoleLabel(topology.RoleNode))
		containers, err := s.Docker.ContainerList(ctx, container.ListOptions{Filters: filter})
		require.NoError(s.t, err)
		there = len(containers)
	}
	require.NoError(s.t, up.Process.Signal(os.Interrupt))
	start := time.Now()
	require.Error(s.t, up.Wait(), "it was complete before it was interrupted")
	took := time.Since(start).Seconds()
	s.t.Logf("pulumi up ended %.1f s after it was interrupted:\n%s", took, output.String())
}

// MustUp deploys the stack and returns its outputs.
func (s *Stack) MustUp() topology.Outputs {
	s.t.Helper()
	result, err := s.Up(s.t.Context())
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

// Destroy destroys the stack, and returns how long that took.
func (s *Stack) Destroy() time.Duration {
	s.t.Helper()
	start := time.Now()
	_, err := s.Pulumi.Destroy(s.t.Context(), optdestroy.SuppressProgress())
	require.NoError(s.t, err)
	took := time.Since(start)
	s.t.Logf("pulumi destroy: %.1f s", took.Seconds())
	return took
}

// Leftovers are the names of everything of the stack that is on the engine.
func (s *Stack) Leftovers(ctx context.Context) (containers, volumes, networks []string) {
	s.t.Helper()
	filter := s.filter()
	c, err := s.Docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
	require.NoError(s.t, err)
	for _, c := range c {
		containers = append(containers, strings.TrimPrefix(c.Names[0], "/"))
	}
	v, err := s.Docker.VolumeList(ctx, volume.ListOptions{Filters: filter})
	require.NoError(s.t, err)
	for _, v := range v.Volumes {
		volumes = append(volumes, v.Name)
	}
	n, err := s.Docker.NetworkList(ctx, network.ListOptions{Filters: filter})
	require.NoError(s.t, err)
	for _, n := range n {
		networks = append(networks, n.Name)
	}
	return containers, volumes, networks
}

// remove removes everything of the stack by force.
func (s *Stack) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	containers, volumes, networks := s.Leftovers(ctx)
	for _, name := range containers {
		if s.t.Failed() {
			log, err := exec.CommandContext(ctx, "docker", "logs", "--tail", "100", name).CombinedOutput()
			s.t.Logf("the end of the log of %s (%v):\n%s", name, err, log)
		}
		if err := s.Docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}); err != nil {
			s.t.Errorf("removing container %s: %v", name, err)
		}
	}
	for _, name := range volumes {
		if err := s.Docker.VolumeRemove(ctx, name, true); err != nil {
			s.t.Errorf("removing volume %s: %v", name, err)
		}
	}
	for _, name := range networks {
		if err := s.Docker.NetworkRemove(ctx, name); err != nil {
			s.t.Errorf("removing network %s: %v", name, err)
		}
	}
}

// Run executes a command in a node's container.
func (s *Stack) Run(node string, command ...string) {
	s.t.Helper()
	args := append([]string{"exec", "warren-" + s.Cluster + "-" + node}, command...)
	out, err := exec.CommandContext(s.t.Context(), "docker", args...).CombinedOutput()
	require.NoErrorf(s.t, err, "%s: %s", strings.Join(command, " "), out)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// root is the folder of the project, above that of any package.
func root() (string, error) {
	dir, err := filepath.Abs(".")
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("there is no Pulumi.yaml here or above")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// filter selects what belongs to the stack.
func (s *Stack) filter() filters.Args {
	return filters.NewArgs(filters.Arg("label", topology.StackLabel(s.Cluster)))
}
