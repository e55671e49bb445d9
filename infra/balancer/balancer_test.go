package balancer_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/balancer"
	"warren/topology"
)

func TestScriptsPassShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	for name, script := range map[string]string{
		"serve-haproxy": balancer.ServerScript, "offer-haproxy": balancer.ConfigScript,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("shellcheck", "--shell=sh", "-")
			cmd.Stdin = strings.NewReader(script)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
}

// fakeHAProxy stands in for HAProxy: it accepts what has no line "broken", and notes what it is told.
const fakeHAProxy = `#!/bin/sh
note() { echo "$*" >>"$(dirname "$0")/notes"; }
for file; do :; done
case $1 in
-c) ! grep -q broken "$file" || { echo "[ALERT] unknown keyword 'broken'" >&2; exit 1; } ;;
*)
  note "run $(cat "$file")"
  trap 'note "reload $(cat "$file")"' USR2
  trap 'note stop; exit 0' TERM
  while :; do sleep 0.05; done ;;
esac
`

// site is a folder that stands for both containers and their volume.
type site struct {
	t      *testing.T
	folder string
}

func newSite(t *testing.T) site {
	s := site{t, t.TempDir()}
	for _, folder := range []string{"var", "conf", "run", "bin", "etc"} {
		require.NoError(t, os.Mkdir(filepath.Join(s.folder, folder), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "bin/haproxy"), []byte(fakeHAProxy), 0o755))
	return s
}

// start runs a script with its paths under the site's folder.
func (s site) start(script string) *exec.Cmd {
	s.t.Helper()
	for from, to := range map[string]string{
		balancer.Volume: "var", topology.HAProxyConfFolder: "conf", "/run/warren-seen.cfg": "run/seen.cfg",
		topology.RunPath + "\n": "run\n", topology.UploadPath: "etc", balancer.ProbedFile: "run/probed",
	} {
		lineEnd := strings.Repeat("\n", strings.Count(to, "\n"))
		script = strings.ReplaceAll(script, from, filepath.Join(s.folder, strings.TrimSpace(to))+lineEnd)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(s.folder, "bin")+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end it with all it has started
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return cmd
}

// offer offers a configuration, and leaves when that has been taken or refused.
func (s site) offer(conf string) error {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.folder, "etc/haproxy.cfg"), []byte(conf), 0o600))
	taken, refused := filepath.Join(s.folder, "run/taken"), filepath.Join(s.folder, "run/refused")
	_ = os.Remove(taken)
	_ = os.Remove(refused)
	cmd := s.start(balancer.ConfigScript)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("ended without a word: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if _, err := os.Stat(refused); err == nil {
			require.NoError(s.t, cmd.Process.Signal(syscall.SIGTERM))
			return fmt.Errorf("refused: %w", <-ended)
		}
		if _, err := os.Stat(taken); err == nil {
			require.NoError(s.t, cmd.Process.Signal(syscall.SIGTERM))
			return <-ended
		}
	}
}

func (s site) notes() string {
	notes, _ := os.ReadFile(filepath.Join(s.folder, "bin/notes")) // none yet
	return string(notes)
}

func (s site) requireNotes(want string) {
	s.t.Helper()
	written := func() bool { return s.notes() == want }
	require.Eventually(s.t, written, 10*time.Second, 20*time.Millisecond, "%q", s.notes())
}

func TestHAProxyTakesOverWhatIsOffered(t *testing.T) {
	s := newSite(t)
	serving := s.start(balancer.ServerScript)
	require.NoError(t, s.offer("one"), "HAProxy waits for its first configuration")
	s.requireNotes("run one\n")
	require.NoError(t, s.offer("two"))
	s.requireNotes("run one\nreload two\n")
	require.NoError(t, s.offer("two"), "what is in force already")
	require.ErrorContains(t, s.offer("broken"), "refused")
	require.NoError(t, s.offer("three"), "after a refusal")
	s.requireNotes("run one\nreload two\nreload three\n")

	require.NoError(t, serving.Process.Signal(syscall.SIGTERM))
	require.NoError(t, serving.Wait())
	s.requireNotes("run one\nreload two\nreload three\nstop\n")
}

func TestHAProxyStartsAgainWithWhatIsOffered(t *testing.T) {
	s := newSite(t)
	first := s.start(balancer.ServerScript)
	require.NoError(t, s.offer("one"))
	s.requireNotes("run one\n")
	require.NoError(t, syscall.Kill(-first.Process.Pid, syscall.SIGKILL))
	_ = first.Wait()
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "var/haproxy.cfg"), []byte("two"), 0o600))
	s.start(balancer.ServerScript)
	s.requireNotes("run one\nrun two\n")
}

// A copy of the container, without its volume, runs with the configuration it was copied with.
func TestHAProxyStartsWithoutAnOffer(t *testing.T) {
	s := newSite(t)
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "conf/haproxy.cfg"), []byte("copied"), 0o600))
	s.start(balancer.ServerScript)
	s.requireNotes("run copied\n")
}

func TestScriptsAndGoKnowTheSamePaths(t *testing.T) {
	for _, script := range []string{balancer.ServerScript, balancer.ConfigScript} {
		assert.Contains(t, script, "readonly offered="+balancer.Volume+"/haproxy.cfg")
	}
	assert.Contains(t, balancer.ConfigScript, "readonly mine="+balancer.Configuration+"\n")
	assert.Contains(t, balancer.ConfigScript, "readonly probed="+balancer.ProbedFile+" ")
	for _, file := range []string{balancer.TakenFile, balancer.RefusedFile} {
		assert.Contains(t, balancer.ConfigScript, "readonly run="+filepath.Dir(file)+"\n")
		assert.Contains(t, balancer.ConfigScript, `"$run/`+filepath.Base(file)+`"`)
	}
}

// HAProxy gets a certificate before the configuration that names it, and takes another one without a reload.
func TestCertificates(t *testing.T) {
	s := newSite(t)
	const agent = "#!/bin/sh\n" +
		`echo "$1 $(cat "$(dirname "$0")/../var/certificate.pem")" >>"$(dirname "$0")/../bin/notes"` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, "etc/agent"), []byte(agent), 0o755))
	give := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, "etc/certificate.pem"), []byte(text), 0o600))
	}
	s.start(balancer.ServerScript)
	give("first")
	require.NoError(t, s.offer("global"))
	give("second")
	require.NoError(t, s.offer("global"))
	assert.Contains(t, s.notes(), "certificate first")
	assert.Contains(t, s.notes(), "certificate second")
	assert.NotContains(t, s.notes(), "reload")
}
