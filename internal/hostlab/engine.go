package hostlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/docker/docker/client"

	"warren/internal/wait"
)

const (
	// startTimeout bounds the start of an engine or an SSH server, whose end is noticed at once. An engine with
	// many images on a busy machine took 10 s, and an SSH server more than 30 s.
	startTimeout = 2 * time.Minute
	pollInterval = 100 * time.Millisecond
)

// kept are the settings of the machine's own engine that also suit those of a lab: what its kernel and its
// file systems need.
var kept = []string{
	"storage-driver", "storage-opts", "mtu", "log-driver", "log-opts", "registry-mirrors", "insecure-registries",
}

// PowerOn connects a host and starts its engine and its SSH server. The engine starts the containers that
// ran when the host lost its power, as their restart policies say.
func (l *Lab) PowerOn(ctx context.Context, h Host) error {
	if err := l.powerOn(ctx, h); err != nil {
		return fmt.Errorf("host %s of lab %s: %w", h.Name, l.Name, err)
	}
	return nil
}

func (l *Lab) powerOn(ctx context.Context, h Host) error {
	for _, folder := range []string{h.state(), h.run()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := l.plugIn(ctx, h); err != nil {
		return err
	}
	if err := h.startEngine(ctx); err != nil {
		return err
	}
	if h.SSH == "" {
		return nil
	}
	return h.startSSH(ctx)
}

func (h Host) startEngine(ctx context.Context) error {
	config := filepath.Join(h.state(), "daemon.json")
	if err := h.configure(config); err != nil {
		return err
	}
	ended, err := h.start("dockerd.log", "dockerd", "--config-file", config,
		"--exec-root", filepath.Join(h.run(), "exec"), "--pidfile", filepath.Join(h.run(), "docker.pid"),
		"--containerd-namespace", h.namespace(), "--containerd-plugins-namespace", h.namespace()+"-plugins",
		"--host", h.Engine)
	if err != nil {
		return err
	}
	docker, err := client.NewClientWithOpts(client.WithHost(h.Engine), client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer docker.Close()
	return wait.Within(ctx, startTimeout, pollInterval, "the engine", func(ctx context.Context) error {
		select {
		case err := <-ended:
			return wait.Abort(fmt.Errorf("it ended (%w), as %s tells", err, filepath.Join(h.state(), "dockerd.log")))
		default:
			_, err := docker.Ping(ctx)
			return err
		}
	})
}

// configure writes the engine's settings: a few of the machine's own engine, and a folder of its own. A flag
// can't replace a setting of the file.
func (h Host) configure(path string) error {
	own := map[string]any{}
	text, err := os.ReadFile("/etc/docker/daemon.json")
	if err == nil {
		err = json.Unmarshal(text, &own)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("/etc/docker/daemon.json: %w", err)
	}
	settings := map[string]any{
		"data-root": h.data(),
		// All processes of the host's containers are in one group. A lab knows the names of its groups with
		// this driver only.
		"exec-opts": []string{"native.cgroupdriver=cgroupfs"}, "cgroup-parent": "/" + h.group(),
	}
	for _, key := range kept {
		if value, set := own[key]; set {
			settings[key] = value
		}
	}
	if text, err = json.MarshalIndent(settings, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// group is the control group of all containers of the host.
func (h Host) group() string { return filepath.Join("warren-hosts", h.lab, h.Name) }

// start starts a program in the host's network that outlives this one. The channel receives its end, if
// that comes first.
func (h Host) start(log, name string, args ...string) (<-chan error, error) {
	file, err := os.OpenFile(filepath.Join(h.state(), log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	// Without a context: it goes on when this program ends.
	command := exec.Command("nsenter", append([]string{"--net=" + h.netFile(), name}, args...)...) //nolint:noctx
	command.Dir, command.Stdout, command.Stderr = "/", file, file
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		ended <- err
	}()
	return ended, nil
}

// keepDescriptors keeps what this program has inherited from those that it starts, such as a lock of its
// caller's, which would be held for as long as the host is there.
func keepDescriptors() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range open {
		descriptor, err := strconv.Atoi(entry.Name())
		if err == nil && descriptor > int(os.Stderr.Fd()) {
			syscall.CloseOnExec(descriptor)
		}
	}
	return nil
}

// answers tells whether something listens at a host's port.
func (h Host) answers(ctx context.Context, port string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(h.Address.String(), port))
	if err != nil {
		return err
	}
	return c.Close()
}
