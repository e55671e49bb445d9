package hostlab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"warren/internal/wait"
)

// sshd is where Debian has the SSH server, which insists on being called by its whole path.
const sshd = "/usr/sbin/sshd"

// hasSSH tells whether hosts of a lab have SSH servers: OpenSSH is installed.
func hasSSH() bool {
	_, err := exec.LookPath("ssh-keygen")
	return err == nil && exists(sshd)
}

// makeKeys makes the key that opens all hosts, and the hosts' own.
func (l *Lab) makeKeys(ctx context.Context) error {
	if !hasSSH() {
		return nil
	}
	l.Key = filepath.Join(l.state(), "key")
	if err := run(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", l.comment(), "-f",
		l.Key); err != nil {
		return err
	}
	hostKey := filepath.Join(l.state(), "host-key")
	if err := run(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey); err != nil {
		return err
	}
	public, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		return err
	}
	var known []byte
	for i := range l.Hosts {
		l.Hosts[i].SSH = "ssh://root@" + l.Hosts[i].Address.String()
		known = append(known, l.Hosts[i].Address.String()+" "+string(public)...)
	}
	return os.WriteFile(filepath.Join(l.state(), "known-hosts"), known, 0o600)
}

// SSHOptions are the options of ssh that reach the hosts of a lab: its key, and whom to trust.
func (l *Lab) SSHOptions() []string {
	if l.Key == "" {
		return nil
	}
	return []string{
		"-i", l.Key, "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=" + filepath.Join(l.state(), "known-hosts"),
	}
}

// startSSH starts the host's SSH server, which lets root in by the lab's key only. A session's Docker client
// finds the host's own engine.
func (h Host) startSSH(ctx context.Context) error {
	// sshd wants this folder, which its package makes when its service starts.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return err
	}
	lab := filepath.Join(stateRoot, h.lab)
	settings := fmt.Sprintf(`ListenAddress %s:22
HostKey %s
AuthorizedKeysFile %s
PidFile %s
SetEnv DOCKER_HOST=%s
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
MaxStartups 100
MaxSessions 100
`,
		h.Address, filepath.Join(lab, "host-key"), filepath.Join(lab, "key.pub"),
		filepath.Join(h.run(), "sshd.pid"), h.Engine)
	file := filepath.Join(h.state(), "sshd_config")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		return err
	}
	ended, err := h.start("sshd.log", sshd, "-D", "-e", "-f", file)
	if err != nil {
		return err
	}
	return wait.Within(ctx, startTimeout, pollInterval, "the SSH server", func(ctx context.Context) error {
		select {
		case err := <-ended:
			return wait.Abort(fmt.Errorf("it ended (%w), as %s tells", err, filepath.Join(h.state(), "sshd.log")))
		default:
			return h.answers(ctx, "22")
		}
	})
}
