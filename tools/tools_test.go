// Package tools_test runs the scripts of this folder in a project of their own, with stand-ins for the
// programs they call.
package tools_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// project is a copy of what the scripts need of this one.
type project struct {
	t   *testing.T
	dir string
	// PATH is these two folders: stand-ins, and links to the system's tools. They are apart so that no
	// stand-in is ever written through a link.
	standIns, tools string
	env             []string
}

// newProject makes a project in which the scripts find the standard tools of a Unix system, and nothing else.
func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{t: t, dir: filepath.Join(t.TempDir(), "a project"), standIns: t.TempDir(), tools: t.TempDir()}
	for _, command := range []string{
		"awk", "bash", "cat", "chmod", "cksum", "cp", "curl", "cut", "df", "dirname", "env", "flock", "grep",
		"gzip", "ln", "ls",
		"mkdir", "mktemp", "mv", "od", "ps", "rm", "sed", "sleep", "sort", "tail", "tar", "touch", "tr",
		"uname", "wc",
	} {
		if found, err := exec.LookPath(command); err == nil {
			require.NoError(t, os.Symlink(found, filepath.Join(p.tools, command)))
		}
	}
	for _, script := range []string{"build.bash", "env", "install"} {
		p.copy("tools/" + script)
	}
	for _, module := range []string{".", "tools/pulumi", "tools/language-go", "tools/docker-provider",
		"tools/golangci-lint"} {
		p.copy(module + "/go.mod")
	}
	return p
}

func (p *project) copy(name string) {
	p.t.Helper()
	content, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(p.t, err)
	p.write(name, string(content))
}

func (p *project) file(name string) string { return filepath.Join(p.dir, name) }

func (p *project) write(name, content string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(p.file(name)), 0o755))
	require.NoError(p.t, os.WriteFile(p.file(name), []byte(content), 0o755))
}

func (p *project) read(name string) string {
	p.t.Helper()
	content, err := os.ReadFile(p.file(name))
	require.NoError(p.t, err)
	return string(content)
}

// program puts a stand-in on PATH. Each call of it is noted in the file "calls".
func (p *project) program(name, script string) {
	p.t.Helper()
	script = "#!/usr/bin/env bash\necho \"" + name + " $*\" >>'" + p.file("calls") + "'\n" + script + "\n"
	file := filepath.Join(p.standIns, name)
	if err := os.Remove(file); err != nil {
		// it may be a link to the machine's own program, which is not to be written to
		require.ErrorIs(p.t, err, os.ErrNotExist)
	}
	require.NoError(p.t, os.WriteFile(file, []byte(script), 0o755))
}

func (p *project) calls() string {
	content, _ := os.ReadFile(p.file("calls"))
	return string(content)
}

// install runs tools/install from another folder and returns all it printed.
func (p *project) install(args ...string) (string, error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, p.file("tools/install"), args...)
	command.WaitDelay = time.Second
	command.Dir = p.t.TempDir()
	command.Env = append([]string{"PATH=" + p.standIns + ":" + p.tools, "HOME=" + command.Dir}, p.env...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}
