package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/wait"
)

// runUp makes this test's program bring up the stack that it names, of the project in the working directory.
const runUp = "WARREN_DEPLOY_TEST_UP"

func TestMain(m *testing.M) {
	name := os.Getenv(runUp)
	if name == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	stack, err := Open(ctx, ".", name)
	if err == nil {
		err = stack.Up(ctx, os.Args[1:]...)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// project is a project of a test's own, with stand-ins for the programs that are called.
type project struct {
	t         *testing.T
	dir, path string
}

// newProject makes a project whose backend holds the stack dev, of which state is what Pulumi exports.
func newProject(t *testing.T, state string) *project {
	t.Helper()
	p := &project{t: t, dir: filepath.Join(t.TempDir(), "a project"), path: t.TempDir()}
	p.write("Pulumi.yaml", "name: warren\nruntime: go\n")
	p.write("Pulumi.dev.yaml", "config: {}\n")
	p.write("Pulumi.staging.yaml", "config: {}\n")
	p.write("state.json", state)
	p.write("backend/stacks/dev", "")
	t.Setenv("PULUMI_BACKEND_URL", "file://"+p.file(".warren/state"))
	t.Setenv("PATH", p.path+":"+os.Getenv("PATH"))
	p.pulumi("")
	return p
}

// pulumi makes a stand-in that knows the stacks in backend/stacks. The script handles what is special to a
// test, given the command line in $*.
func (p *project) pulumi(script string) {
	p.t.Helper()
	script = `#!/usr/bin/env bash
project='` + p.dir + `'
[ "$1" != --non-interactive ] || shift
echo "pulumi $*" >>"$project/calls"
` + script + `
case "$*" in
version) echo v3.259.0 ;;
"stack select --stack "*)
	[ -e "$project/backend/stacks/$4" ] || { echo "error: no stack named '$4' found" >&2; exit 255; }
	;;
"stack init "*) touch "$project/backend/stacks/$3"; echo "encryptionsalt: made here" >>"Pulumi.$3.yaml" ;;
"stack export "*) cat "$project/state.json" ;;
"stack rm "*) rm "$project/backend/stacks/$4" "Pulumi.$4.yaml" ;;
"stack history "*) echo "[]" ;;
esac`
	require.NoError(p.t, os.WriteFile(filepath.Join(p.path, "pulumi"), []byte(script), 0o700))
}

func (p *project) file(name string) string { return filepath.Join(p.dir, name) }

func (p *project) write(name, content string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(p.file(name)), 0o700))
	require.NoError(p.t, os.WriteFile(p.file(name), []byte(content), 0o600))
}

func (p *project) read(name string) string {
	p.t.Helper()
	content, err := os.ReadFile(p.file(name))
	require.NoError(p.t, err)
	return string(content)
}

func (p *project) calls() string {
	content, _ := os.ReadFile(p.file("calls"))
	return string(content)
}

// open opens a stack; what it prints goes to the returned buffer.
func (p *project) open(name string) (*Stack, *bytes.Buffer) {
	p.t.Helper()
	s, err := Open(p.t.Context(), p.dir, name)
	require.NoError(p.t, err)
	var printed bytes.Buffer
	s.out, s.err = &printed, &printed
	return s, &printed
}

// await waits until a stand-in has made a file.
func (p *project) await(name string) {
	p.t.Helper()
	require.NoError(p.t, wait.Within(p.t.Context(), time.Minute, 10*time.Millisecond, "the file "+name,
		func(context.Context) error { _, err := os.Stat(p.file(name)); return err }))
}

// up runs Up in a process of its own, since Pulumi takes its place.
func (p *project) up(flags ...string) (string, error) {
	p.t.Helper()
	command := exec.CommandContext(p.t.Context(), os.Args[0], flags...)
	command.Dir, command.Env = p.dir, append(os.Environ(), runUp+"=dev")
	output, err := command.CombinedOutput()
	return string(output), err
}

const empty = `{"version": 3, "deployment": {"resources": []}}`

func TestOpenNeedsPulumi(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), t.TempDir(), "dev")
	assert.ErrorContains(t, err, "there is no pulumi on PATH: run `make tools`")
}

func TestInitNeedsTheStacksFile(t *testing.T) {
	p := newProject(t, empty)
	s, _ := p.open("prod")
	require.EqualError(t, s.Init(t.Context()),
		"there is no Pulumi.prod.yaml: choose one of dev, staging, or write one")
	assert.Equal(t, "pulumi version\n", p.calls())
}

func TestInitSelectsAStackThatExists(t *testing.T) {
	p := newProject(t, empty)
	s, _ := p.open("dev")
	require.NoError(t, s.Init(t.Context()))
	assert.Contains(t, p.calls(), "pulumi stack select --stack dev\n")
	assert.NotContains(t, p.calls(), "stack init")
}

func TestInitCreatesAStackAndKeepsTheCheckoutClean(t *testing.T) {
	p := newProject(t, empty)
	s, _ := p.open("staging")
	require.NoError(t, s.Init(t.Context()))
	assert.FileExists(t, p.file("backend/stacks/staging"))
	assert.Equal(t, "config: {}\n", p.read("Pulumi.staging.yaml"))
	assert.Contains(t, p.read(".warren/stacks/staging/Pulumi.staging.yaml"), "encryptionsalt")
}

func TestInitDoesNotTakeAFailureForAMissingStack(t *testing.T) {
	p := newProject(t, empty)
	p.pulumi(`[[ $* != "stack select"* ]] || { echo "error: no credentials" >&2; exit 255; }`)
	s, _ := p.open("dev")
	require.ErrorContains(t, s.Init(t.Context()), "no credentials")
	assert.NotContains(t, p.calls(), "stack init")
}

func TestUpGivesPulumiACopyOfTheStacksFile(t *testing.T) {
	p := newProject(t, empty)
	p.pulumi(`[[ $* != "up "* ]] || { echo "in $PWD"; exit 3; }`)
	output, err := p.up("--diff")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, output)
	assert.Equal(t, 3, exit.ExitCode(), "the status is Pulumi's")
	assert.Contains(t, output, "in "+p.dir)
	copied := p.file(".warren/stacks/dev/Pulumi.dev.yaml")
	assert.Contains(t, p.calls(),
		"pulumi up --yes --skip-preview --stack dev --config-file "+copied+" --diff\n")
	assert.FileExists(t, copied)
	assert.NotContains(t, p.calls(), "refresh", "no run was killed")
}

func TestUpDoesNotStartOnAStackThatIsLocked(t *testing.T) {
	p := newProject(t, empty)
	p.write(lockOfDev, `{"pid": 1, "hostname": "elsewhere"}`)
	output, err := p.up()
	require.Error(t, err)
	assert.Contains(t, output, "stack dev is being worked on by pid 1 on elsewhere")
	assert.NotContains(t, p.calls(), "pulumi up")
}

func TestUpRefreshesAfterAKilledRun(t *testing.T) {
	p := newProject(t, `{"version": 3, "deployment": {"pending_operations": [
		{"type": "updating", "resource": {"type": "docker:index/container:Container", "inputs": {"name": "x"}}}]}}`)
	output, err := p.up()
	require.NoError(t, err, output)
	assert.Regexp(t,
		`pulumi refresh --yes --skip-preview --clear-pending-creates .*--config-file=\S+ project/\.warren/`,
		p.calls())
	assert.Regexp(t, `(?s)pulumi refresh .*pulumi up `, p.calls())
}

func TestUpStopsAtAStateItCannotRead(t *testing.T) {
	p := newProject(t, "nonsense")
	output, err := p.up()
	require.Error(t, err)
	assert.Contains(t, output, "the state of stack dev cannot be read")
	assert.NotContains(t, p.calls(), "pulumi up")
}

func TestDownForgetsTheStackAndKeepsItsFile(t *testing.T) {
	p := newProject(t, empty)
	s, printed := p.open("dev")
	require.NoError(t, s.Down(t.Context(), "--diff"), printed)
	assert.Regexp(t,
		`pulumi destroy --yes --skip-preview --stack dev --config-file \S+ project/\S+ --diff\n`, p.calls())
	assert.NoFileExists(t, p.file("backend/stacks/dev"))
	assert.Equal(t, "config: {}\n", p.read("Pulumi.dev.yaml"))
	assert.NoDirExists(t, p.file(".warren/stacks/dev"))
}

func TestDownKeepsAStackThatIsNotDestroyed(t *testing.T) {
	p := newProject(t, empty)
	p.pulumi(`[[ $* != destroy* ]] || exit 4`)
	s, _ := p.open("dev")
	var exit *ExitError
	require.ErrorAs(t, s.Down(t.Context()), &exit)
	assert.Equal(t, 4, exit.Code)
	assert.FileExists(t, p.file("backend/stacks/dev"))
}

func TestDownOfNoStackIsDone(t *testing.T) {
	p := newProject(t, empty)
	s, printed := p.open("gone")
	require.NoError(t, s.Down(t.Context()))
	assert.Equal(t, "There is no stack gone in file://"+p.file(".warren/state")+".\n", printed.String())
	assert.NoDirExists(t, p.file(".warren/stacks/gone"))
}

func TestDownKeepsAStackWhoseDestroyWasInterrupted(t *testing.T) {
	p := newProject(t, empty)
	p.pulumi(`if [[ $* == destroy* ]]; then
	touch "$project/ready"
	until [ -e "$project/interrupted" ]; do sleep 0.05; done
fi`)
	s, _ := p.open("dev")
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Down(ctx) }()
	p.await("ready")
	interrupt()
	p.write("interrupted", "")
	require.EqualError(t, <-ended, "interrupted: stack dev is not forgotten yet, run this again")
	assert.FileExists(t, p.file("backend/stacks/dev"))
}

// Ctrl-C goes to all processes of the terminal; one that is sent to this process alone must not reach
// Pulumi twice.
func TestDownPassesOnSIGTERMOnly(t *testing.T) {
	p := newProject(t, empty)
	p.pulumi(`if [[ $* == destroy* ]]; then
	trap 'echo interrupted >>"$project/signals"' INT
	trap 'echo terminated >>"$project/signals"; exit 5' TERM
	touch "$project/ready"
	while :; do sleep 0.05; done
fi`)
	s, _ := p.open("dev")
	ended := make(chan error, 1)
	go func() { ended <- s.Down(context.WithoutCancel(t.Context())) }()
	p.await("ready")
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(os.Interrupt))
	require.NoError(t, self.Signal(syscall.SIGTERM))
	var exit *ExitError
	require.ErrorAs(t, <-ended, &exit)
	assert.Equal(t, "terminated\n", p.read("signals"))
}
