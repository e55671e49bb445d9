package tools_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lock = ".warren/state/.pulumi/locks/organization/warren/dev/1.json"

// writeLock leaves a lock on the stack dev as Pulumi's file backend writes it.
func (p *project) writeLock(pid int, host string) {
	p.write(lock, fmt.Sprintf(`{"pid":%d,"username":"me","hostname":%q,"timestamp":"2026-01-02T03:04:05Z"}`, pid, host))
}

// process starts a process of the given name that lives until the test ends.
func process(t *testing.T, name string) int {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	file := t.TempDir() + "/" + name
	content, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, content, 0o755))
	command := exec.Command(file, "600")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process.Pid
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	require.NoError(t, err)
	return name
}

func TestStackNeedsItsFile(t *testing.T) {
	p := newProject(t)
	p.program("pulumi", "")
	output, err := p.run("stack", "up", "prod")
	require.Error(t, err)
	assert.Contains(t, output, "there is no Pulumi.prod.yaml: choose one of dev, staging")
	assert.Empty(t, p.calls())
}

func TestUpGivesPulumiACopyOfTheStacksFile(t *testing.T) {
	p := newProject(t)
	// Stands in for a Pulumi that writes to the configuration it is given, and to the folder in which a stack is created.
	p.program("pulumi", `
		case "$*" in
		"stack select"*) [ -e created ] ;;
		"-C "*"stack new"*) cd "$2" && echo salt >Pulumi.dev.yaml && touch "$OLDPWD/created" ;;
		"up "*) while [ "$1" != --config-file ]; do shift; done; echo salt >>"$2" ;;
		esac`)
	output, err := p.run("stack", "up", "dev", "--diff")
	require.NoError(t, err, output)
	assert.Contains(t, p.calls(), "--diff")
	assert.Equal(t, "config: {}\n", p.read("Pulumi.dev.yaml"))
	assert.Equal(t, "config: {}\nsalt\n", p.read(".warren/stacks/Pulumi.dev.yaml"))
}

func TestUpRemovesALockWhoseProcessIsGone(t *testing.T) {
	for name, pid := range map[string]func(*testing.T) int{
		"no such process":            func(*testing.T) int { return 1 << 30 },
		"the number is someone else": func(t *testing.T) int { return process(t, "editor") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			p.program("pulumi", "")
			p.writeLock(pid(t), hostname(t))
			output, err := p.run("stack", "up", "dev")
			require.NoError(t, err, output)
			assert.NoFileExists(t, p.file(lock))
			assert.Contains(t, p.calls(), "pulumi up")
		})
	}
}

func TestUpRespectsALockThatMayBeHeld(t *testing.T) {
	for name, held := range map[string]func(*testing.T, *project){
		"by a process of this host": func(t *testing.T, p *project) { p.writeLock(process(t, "pulumi"), hostname(t)) },
		"by another host":           func(_ *testing.T, p *project) { p.writeLock(1<<30, "elsewhere") },
		"in a form not known":       func(_ *testing.T, p *project) { p.write(lock, "{}") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			p.program("pulumi", "")
			held(t, p)
			output, err := p.run("stack", "up", "dev")
			require.Error(t, err)
			assert.Contains(t, output, "stack dev is being worked on by")
			assert.FileExists(t, p.file(lock))
			assert.NotContains(t, p.calls(), "pulumi up")
		})
	}
}

// A state in which the network is known, and the creation of two containers was begun.
const interrupted = `{
    "deployment": {
        "resources": [
            {"id": "known", "inputs": {
                "name": "warren-dev"
            }}
        ],
        "pending_operations": [
            {"resource": {"inputs": {
                "name": "warren-dev-rabbit1",
                "networksAdvanced": [{
                    "name": "warren-dev"
                }]
            }}, "type": "creating"},
            {"resource": {"inputs": {
                "name": "warren-dev-rabbit2"
            }}, "type": "creating"}
        ]
    }
}`

func TestUpRemovesWhatAKilledRunLeftHalfMade(t *testing.T) {
	p := newProject(t)
	p.write("state.json", interrupted)
	p.program("pulumi", `[[ $* != "stack export"* ]] || cat state.json`)
	// The first container is there; the second was not created yet, or belongs to someone else's stack.
	p.program("docker", `case "$*" in
		"container ls "*"name=^/?warren-dev-rabbit1$ --filter label=warren.stack=dev") echo orphan ;;
		"network ls "*"name=^/?warren-dev$ --filter label=warren.stack=dev") echo known ;;
		esac`)
	output, err := p.run("stack", "up", "dev")
	require.NoError(t, err, output)
	assert.Contains(t, p.calls(), "docker container rm --force orphan\n")
	assert.NotContains(t, p.calls(), "docker network rm")
	assert.Contains(t, p.calls(), "--clear-pending-creates")
}

func TestUpTouchesNothingWhenNoRunWasKilled(t *testing.T) {
	p := newProject(t)
	p.program("pulumi", `[[ $* != "stack export"* ]] || echo '{"deployment": {"resources": []}}'`)
	p.program("docker", "echo orphan")
	output, err := p.run("stack", "up", "dev")
	require.NoError(t, err, output)
	assert.NotContains(t, p.calls(), "docker")
	assert.NotContains(t, p.calls(), "refresh")
}

func TestDownKeepsTheStacksFile(t *testing.T) {
	p := newProject(t)
	p.program("pulumi", "")
	output, err := p.run("stack", "down", "dev")
	require.NoError(t, err, output)
	assert.Contains(t, p.calls(), "pulumi stack rm --yes --preserve-config --stack dev")
	assert.NoFileExists(t, p.file(".warren/stacks/Pulumi.dev.yaml"))
}

func TestDownOfNoStackIsDone(t *testing.T) {
	p := newProject(t)
	p.program("pulumi", "exit 1")
	output, err := p.run("stack", "down", "dev")
	require.NoError(t, err, output)
	assert.Contains(t, output, "There is no stack dev")
}
