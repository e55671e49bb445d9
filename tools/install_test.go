package tools_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withoutDownloads makes every download fail at once.
func (p *project) withoutDownloads() {
	p.program("curl", "exit 6")
}

// withGo puts a stand-in for Go on PATH, which answers `go env` and does as told for the rest.
func (p *project) withGo(script string) {
	p.program("go", `case "$1 $2" in
		"env GOVERSION") echo go1.20 ;;
		"env GOPROXY") echo https://proxy.example ;;
		"env "*) echo / ;;
		*) `+script+` ;;
		esac`)
	p.program("df", "echo; echo x x x 99999999")
}

// building is a Go that builds something.
const building = `while [ $# -gt 0 ]; do [ "$1" != -o ] || { echo 'true' >"$2"; chmod +x "$2"; }; shift; done`

func TestInstallTakesARecentPulumiOfTheMachine(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	p.program("pulumi", "[ $1 != version ] || echo v3.250.0")
	p.program("pulumi-language-go", "")
	p.write("home/plugins/resource-docker-v4.10.0/pulumi-resource-docker", "")
	p.env = []string{"PULUMI_HOME=" + p.file("home")}
	output, err := p.install()
	require.NoError(t, err, output)
	assert.NoFileExists(t, p.file(".warren/tools/pulumi"))
}

func TestInstallLeavesAnOldPulumiOfTheMachineAlone(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	p.program("pulumi", "[ $1 != version ] || echo v3.99.0")
	p.program("pulumi-language-go", "")
	p.withGo(building)
	output, err := p.install()
	require.NoError(t, err, output)
	assert.FileExists(t, p.file(".warren/tools/pulumi"))
	assert.FileExists(t, p.file(".warren/tools/pulumi-language-go"))
}

func TestInstallTakesTheOfficialDownload(t *testing.T) {
	p := newProject(t)
	release := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(release, "pulumi"), 0o755))
	for name, script := range map[string]string{
		"pulumi":             "#!/usr/bin/env bash\n[ $1 != version ] || echo v3.259.0\n",
		"pulumi-language-go": "#!/usr/bin/env bash\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(release, "pulumi", name), []byte(script), 0o755))
	}
	for _, system := range []string{"linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"} {
		archive := filepath.Join(release, "pulumi-v3.259.0-"+system+".tar.gz")
		require.NoError(t, exec.Command("tar", "-czf", archive, "-C", release, "pulumi").Run())
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("needs curl")
	}
	// Only the mirror can be reached.
	p.program("curl", `[[ $* == *file://* ]] && exec `+curl+` "$@"; exit 6`)
	p.withGo(building)
	p.env = []string{"PULUMI_RELEASES=file://" + release}
	output, err := p.install()
	require.NoError(t, err, output)
	assert.Contains(t, output, "Pulumi v3.259.0: downloaded")
	assert.Contains(t, p.read(".warren/tools/pulumi"), "v3.259.0")
	assert.FileExists(t, p.file(".warren/tools/pulumi-language-go"))
	assert.NotContains(t, p.calls(), "cmd/pulumi", "what was downloaded is not built")
}

func TestInstallBuildsOnce(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	p.withGo(building)
	output, err := p.install("lint")
	require.NoError(t, err, output)
	assert.Contains(t, p.calls(), "go build")

	require.NoError(t, os.Remove(p.file("calls")))
	output, err = p.install("lint")
	require.NoError(t, err, output)
	assert.Empty(t, output)
	assert.Empty(t, p.calls(), "nothing has changed")

	p.write("tools/golangci-lint/go.mod", p.read("tools/golangci-lint/go.mod")+"// changed\n")
	output, err = p.install("lint")
	require.NoError(t, err, output)
	assert.Contains(t, p.calls(), "go build", "what is pinned has changed")
}

func TestInstallExplainsAFailedBuild(t *testing.T) {
	for name, test := range map[string]struct{ said, explained string }{
		"old Go": {"go: go.mod requires go >= 1.26 (running go 1.20; GOTOOLCHAIN=local)",
			"go1.20 is too old: install Go 1.26"},
		"no network": {"dial tcp: lookup proxy.example: no such host",
			"cannot be downloaded through GOPROXY=https://proxy.example"},
		"no space":    {"write /tmp/x: no space left on device", "the disk is full"},
		"no memory":   {"compile: signal: killed", "memory ran out"},
		"what is new": {"main.go:1: syntax error", "main.go:1: syntax error"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			p.withoutDownloads()
			p.withGo("echo '" + test.said + "' >&2; exit 1")
			output, err := p.install("lint")
			require.Error(t, err)
			assert.Contains(t, output, test.explained)
			assert.Contains(t, output, test.said, "what Go said belongs to the message")
			assert.NoFileExists(t, p.file(".warren/tools/golangci-lint"))
		})
	}
}

func TestInstallNeedsGo(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	output, err := p.install()
	require.Error(t, err)
	assert.Contains(t, output, "there is no Go on PATH: install Go 1.26")
}

func TestInstallNeedsSpace(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	p.withGo(building)
	p.program("df", "echo; echo x x x 1048576")
	output, err := p.install()
	require.Error(t, err)
	assert.Contains(t, output, "1 GiB free")
	assert.NotContains(t, p.calls(), "go build")
}

func TestInterruptedInstallStopsItsBuild(t *testing.T) {
	p := newProject(t)
	p.withoutDownloads()
	p.withGo(`[ "$1" = list ] || { echo $$ >'` + p.file("building") + `'; exec sleep 600; }`)
	command := exec.Command(p.file("tools/install"), "lint")
	command.Env = []string{"PATH=" + p.standIns + ":" + p.tools}
	require.NoError(t, command.Start())

	var pid int
	require.Eventually(t, func() bool {
		content, _ := os.ReadFile(p.file("building"))
		_, err := fmt.Sscan(string(content), &pid)
		return err == nil
	}, time.Minute, 10*time.Millisecond, "the build must start")
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.Error(t, command.Wait())
	assert.Equal(t, 143, command.ProcessState.ExitCode())
	assert.Eventually(t, func() bool {
		return syscall.Kill(pid, 0) != nil
	}, time.Minute, 10*time.Millisecond, "the build must end")
	assert.NoFileExists(t, p.file(".warren/tools/golangci-lint"))
}
