//go:build cluster

package livestack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/wait"
	"warren/topology"
)

// Stack is a stack of a test's own. Whatever the test does, nothing of it is left.
type Stack struct {
	*Deployment

	t *testing.T
}

// New makes an empty stack of Warren's own program, with ports of its own.
func New(t *testing.T, config map[string]any) *Stack {
	t.Helper()
	d, err := deployWarren(t.Context(), t.TempDir(), map[string]any{"warren:memoryLimit": "512MiB"})
	require.NoError(t, err)
	s := newStack(t, d)
	s.Configure(config)
	return s
}

// NewExample makes an empty stack of an example, with ports of its own. The example calls its cluster
// "<project>-<stack>".
func NewExample(t *testing.T, folder, project string) *Stack {
	t.Helper()
	d, err := deploy(t.Context(), t.TempDir(), filepath.Join("examples", folder),
		map[string]any{project + ":ports": FreePorts(t)})
	require.NoError(t, err)
	d.Cluster = project + "-" + d.Name
	return newStack(t, d)
}

// Clone makes an empty stack of the same name and settings as another, with a project, state and passphrase
// of its own, as a second clone on the same engine does. Nothing of it is removed by force.
func Clone(t *testing.T, of *Stack) *Stack {
	t.Helper()
	d, err := deployAs(t.Context(), of.Name, t.TempDir(), ".", maps.Clone(of.config))
	require.NoError(t, err)
	d.Cluster = d.Name
	return &Stack{Deployment: d, t: t}
}

// ChangePassphrase encrypts the stack's state with another passphrase.
func (s *Stack) ChangePassphrase(passphrase string) {
	s.t.Helper()
	change := s.Command(s.t.Context(), "pulumi", "stack", "change-secrets-provider", "passphrase",
		"--stack", s.Name)
	change.Stdin = strings.NewReader(passphrase + "\n" + passphrase + "\n")
	output, err := change.CombinedOutput()
	require.NoErrorf(s.t, err, "%s", output)
	s.env["PULUMI_CONFIG_PASSPHRASE"] = passphrase
	require.NoError(s.t, s.Pulumi.Workspace().SetEnvVars(s.env))
}

// Rename gives the stack another name in Pulumi. What belongs to it on the engine keeps its old one.
func (s *Stack) Rename(name string) {
	s.t.Helper()
	output, err := s.Command(s.t.Context(), "pulumi", "stack", "rename", name, "--stack",
		s.Name).CombinedOutput()
	require.NoErrorf(s.t, err, "%s", output)
	s.Name = name
	s.Pulumi, err = auto.SelectStack(s.t.Context(), name, s.Pulumi.Workspace())
	require.NoError(s.t, err)
}

func newStack(t *testing.T, d *Deployment) *Stack {
	s := &Stack{Deployment: d, t: t}
	t.Cleanup(s.remove)
	return s
}

// Configure sets settings, or removes those that are nil.
func (s *Stack) Configure(changes map[string]any) {
	s.t.Helper()
	require.NoError(s.t, s.configure(changes))
}

// Up deploys the stack. The error holds everything that Pulumi showed.
func (s *Stack) Up(ctx context.Context) (auto.UpResult, error) {
	s.t.Helper()
	start := time.Now()
	result, err := s.Pulumi.Up(ctx, optup.SuppressProgress())
	s.t.Logf("pulumi up: %.1f s", time.Since(start).Seconds())
	return result, err
}

// InterruptedUp begins to deploy the stack and sends Pulumi a signal, as Ctrl-C does, once the containers of
// so many nodes are there.
func (s *Stack) InterruptedUp(nodes int, signal os.Signal) {
	s.t.Helper()
	up, output := s.start(s.Command(s.t.Context(), "pulumi", "up", "--yes", "--skip-preview", "--stack", s.Name))
	filter := s.filter()
	filter.Add("label", topology.RoleLabel(topology.RoleNode))
	there := func(ctx context.Context) error {
		containers, err := s.Docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
		if err == nil && len(containers) < nodes {
			err = fmt.Errorf("%d are there", len(containers))
		}
		return err
	}
	require.NoError(s.t, wait.Within(s.t.Context(), 10*time.Minute, 100*time.Millisecond, "nodes", there))
	require.NoError(s.t, up.Process.Signal(signal))
	start := time.Now()
	require.Error(s.t, up.Wait(), "it was complete before it was interrupted")
	s.t.Logf("pulumi up ended %.1f s after its signal:\n%s", time.Since(start).Seconds(), output)
}

// KilledUp begins to deploy the stack as `make up` does, and kills Pulumi after a while, but nothing that
// Pulumi has started. It returns false if the deployment had ended before.
func (s *Stack) KilledUp(after time.Duration) (killed bool) {
	s.t.Helper()
	return s.killedUp(time.After(after))
}

// KilledUpAtWork is KilledUp a while after the deployment has started its formation.
func (s *Stack) KilledUpAtWork(after time.Duration) (killed bool) {
	s.t.Helper()
	name := (&topology.Cluster{Stack: s.Cluster}).FormationContainerName()
	before, err := s.Docker.ContainerInspect(s.t.Context(), name)
	require.NoError(s.t, err)
	moment := make(chan time.Time)
	go func() {
		const interval = 100 * time.Millisecond
		for wait.Sleep(s.t.Context(), interval) == nil {
			now, err := s.Docker.ContainerInspect(s.t.Context(), name)
			if err == nil && now.ID != before.ID && now.State.Running {
				_ = wait.Sleep(s.t.Context(), after) // it ends early with the test only
				close(moment)
				return
			}
		}
	}()
	return s.killedUp(moment)
}

func (s *Stack) killedUp(moment <-chan time.Time) (killed bool) {
	s.t.Helper()
	began := time.Now()
	up, output := s.start(s.Command(s.t.Context(), s.program(), "up", s.Name, "--suppress-outputs"))
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	select {
	case err := <-ended:
		require.NoErrorf(s.t, err, "%s", output)
		return false
	case <-moment:
	}
	after := time.Since(began)
	require.NoError(s.t, up.Process.Signal(syscall.SIGSTOP)) // so that it starts nothing that is missed here
	started := children(up.Process.Pid)
	require.NoError(s.t, up.Process.Kill())
	for _, pid := range started { // of the program, before Pulumi takes its place
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) == "pulumi\n" {
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error says that it has just ended
		}
	}
	if err := <-ended; err != nil {
		s.t.Logf("pulumi: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(output.String()), "\n")
	s.t.Logf("pulumi up was killed after %.1f s, when it had shown last: %s", after.Seconds(),
		lines[len(lines)-1])
	return true
}

// children are the processes that any thread of a process has started.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// UpAgain deploys the stack as `make up` does, which first removes what a killed deployment has left behind.
func (s *Stack) UpAgain() {
	s.t.Helper()
	start := time.Now()
	said, err := s.Command(s.t.Context(), s.program(), "up", s.Name, "--suppress-outputs").CombinedOutput()
	require.NoErrorf(s.t, err, "%s", said)
	s.t.Logf("tools/stack up: %.1f s", time.Since(start).Seconds())
}

// program builds the program behind tools/stack.
func (s *Stack) program() string {
	s.t.Helper()
	root, err := root()
	require.NoError(s.t, err)
	program := filepath.Join(s.dir, "state", "tools-stack")
	build := exec.CommandContext(s.t.Context(), "go", "build", "-o", program, "./tools/deploy")
	build.Dir = root
	said, err := build.CombinedOutput()
	require.NoErrorf(s.t, err, "%s", said)
	return program
}

// start starts a deployment. What it starts survives its being killed; by the process group it is found when
// the test ends.
func (s *Stack) start(up *exec.Cmd) (*exec.Cmd, *bytes.Buffer) {
	s.t.Helper()
	up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	up.Stdout, up.Stderr, up.WaitDelay = &output, &output, time.Second
	require.NoError(s.t, up.Start())
	s.t.Cleanup(func() { _ = syscall.Kill(-up.Process.Pid, syscall.SIGKILL) }) // an error says that none is left
	return up, &output
}

// MustUp deploys the stack and returns its outputs.
func (s *Stack) MustUp() topology.Outputs {
	s.t.Helper()
	result, err := s.Up(s.t.Context())
	require.NoError(s.t, err)
	text, err := outputsJSON(result.Outputs)
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
	containers, volumes, networks, err := s.leftovers(ctx)
	require.NoError(s.t, err)
	return containers, volumes, networks
}

// NothingLeft asserts that nothing of the stack is on the engine.
func (s *Stack) NothingLeft() {
	s.t.Helper()
	containers, volumes, networks := s.Leftovers(s.t.Context())
	assert.Empty(s.t, containers, "containers")
	assert.Empty(s.t, volumes, "volumes")
	assert.Empty(s.t, networks, "networks")
}

// remove removes everything of the stack by force. If the test failed, it shows the containers' logs before.
func (s *Stack) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	if s.t.Failed() {
		containers, _, _ := s.Leftovers(ctx)
		for _, name := range containers {
			log, err := exec.CommandContext(ctx, "docker", "logs", "--tail", "100", name).CombinedOutput()
			s.t.Logf("the end of the log of %s (%v):\n%s", name, err, log)
		}
	}
	if err := s.Deployment.remove(ctx); err != nil {
		s.t.Error(err)
	}
}

// Run executes a command in a node's container.
func (s *Stack) Run(node string, command ...string) {
	s.t.Helper()
	args := append([]string{"exec", "warren-" + s.Cluster + "-" + node}, command...)
	out, err := exec.CommandContext(s.t.Context(), "docker", args...).CombinedOutput()
	require.NoErrorf(s.t, err, "%s: %s", strings.Join(command, " "), out)
}

// SetSecret sets a setting as an encrypted value. Configure, which writes all settings again, forgets it.
func (s *Stack) SetSecret(key, value string) {
	s.t.Helper()
	set := s.Command(s.t.Context(), "pulumi", "config", "set", "--secret", "--path", key, "--stack", s.Name)
	set.Stdin = strings.NewReader(value)
	output, err := set.CombinedOutput()
	require.NoErrorf(s.t, err, "%s", output)
}

// Unset removes a setting.
func (s *Stack) Unset(key string) error {
	s.t.Helper()
	return s.Command(s.t.Context(), "pulumi", "config", "rm", key, "--stack", s.Name).Run()
}
