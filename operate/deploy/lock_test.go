package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lockOfDev is a lock on the stack dev, where Pulumi's backend for files has it.
const lockOfDev = ".warren/state/.pulumi/locks/organization/warren/dev/1.json"

func (p *project) lock(pid int, host string) {
	p.t.Helper()
	p.write(lockOfDev,
		fmt.Sprintf(`{"pid":%d,"username":"me","hostname":%q,"timestamp":"2026-01-02T03:04:05Z"}`, pid, host))
	p.write(lockOfDev+".attrs", "{}")
}

// process starts a process of the given name that lives until the test ends.
func process(t *testing.T, name string) int {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), name)
	content, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, content, 0o700))
	command := exec.Command(file, "600")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process.Pid
}

func TestUnlockRemovesALockWhoseProcessIsGone(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	for name, pid := range map[string]int{
		"no such process":                        1 << 30,
		"its number has gone to another program": process(t, "editor"),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, empty)
			p.lock(pid, host)
			s, printed := p.open("dev")
			require.NoError(t, s.unlock(t.Context()))
			assert.Equal(t, fmt.Sprintf("The last run on stack dev (pid %d) died: removing its lock.\n", pid),
				printed.String())
			assert.NoFileExists(t, p.file(lockOfDev))
			assert.NoFileExists(t, p.file(lockOfDev+".attrs"))
		})
	}
}

func TestUnlockRespectsALockThatMayBeHeld(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		lock func(p *project)
		want string
	}{
		"by a process of this host": {
			func(p *project) { p.lock(process(t, "pulumi"), host) }, ", since 2026-01-02T03:04:05Z: wait for it"},
		"by another host":     {func(p *project) { p.lock(1<<30, "elsewhere") }, " on elsewhere, since"},
		"in a form not known": {func(p *project) { p.write(lockOfDev, "{}") }, "`pulumi cancel --stack dev`"},
		"in no form at all":   {func(p *project) { p.write(lockOfDev, "") }, lockOfDev},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, empty)
			tc.lock(p)
			s, _ := p.open("dev")
			err := s.unlock(t.Context())
			require.ErrorContains(t, err, "stack dev is being worked on")
			require.ErrorContains(t, err, tc.want)
			assert.FileExists(t, p.file(lockOfDev))
		})
	}
}

func TestUnlockLeavesTheLocksOfOthersAlone(t *testing.T) {
	p := newProject(t, empty)
	other := ".warren/state/.pulumi/locks/organization/other/dev/1.json"
	p.write(other, `{"pid":1073741824}`)
	s, _ := p.open("dev")
	require.NoError(t, s.unlock(t.Context()))
	assert.FileExists(t, p.file(other))
}

func TestFoldersOfBackends(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for backend, want := range map[string]string{
		"file:///srv/state":                 "/srv/state",
		"file:///srv/a%20b?no_tmp_dir=true": "/srv/a b",
		"file://~/state":                    "/home/me/state",
		"file://~":                          "/home/me",
		"file://./state":                    "state",
		"s3://states":                       "",
		"https://api.pulumi.com":            "",
		"":                                  "",
	} {
		folder, ok := backendFolder(backend)
		assert.Equal(t, want != "", ok, backend)
		if ok {
			assert.Equal(t, want, filepath.Clean(folder), backend)
		}
	}
}
