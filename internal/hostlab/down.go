package hostlab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"warren/internal/parallel"
	"warren/internal/wait"
)

// endTimeout bounds the end of killed processes. Those that the kernel holds in a write to a slow disk end
// when that is done.
const endTimeout = time.Minute

// PowerOff takes a host's power: its cable is cut, so that nobody hears of its end, then all of its processes
// are gone at once. What it had on its disk stays; what was in /run is gone, too.
func (l *Lab) PowerOff(ctx context.Context, h Host) error {
	return errors.Join(h.Cut(ctx), h.end(ctx), h.unplug(ctx), os.RemoveAll(h.run()))
}

// Cut pulls a host's network cable. Its processes go on.
func (h Host) Cut(ctx context.Context) error {
	if !exists("/sys/class/net/" + h.link()) {
		return nil
	}
	return run(ctx, "ip", "link", "set", h.link(), "down")
}

// Reconnect plugs a cable that was cut in again.
func (h Host) Reconnect(ctx context.Context) error {
	return run(ctx, "ip", "link", "set", h.link(), "up")
}

// Down removes everything of a lab.
func (l *Lab) Down(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	err := parallel.Each(l.Hosts, func(h Host) error { return l.PowerOff(ctx, h) })
	err = errors.Join(err, l.removeNetwork(ctx))
	if err != nil {
		// Without its description, what is left of the lab could not be found any more.
		return fmt.Errorf("lab %s is not removed, run `tools/hosts down %s` again: %w", l.Name, l.Name, err)
	}
	return errors.Join(os.RemoveAll(l.run()), os.RemoveAll(l.state()))
}

// endAll signals all processes of a list until the list is empty.
func endAll(
	ctx context.Context, timeout time.Duration, what string, list func() ([]int, error), signal syscall.Signal,
) error {
	return wait.Within(ctx, timeout, pollInterval, what, func(context.Context) error {
		pids, err := list()
		if err != nil {
			return wait.Abort(err)
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, signal) // an error says that it has just ended
		}
		if len(pids) > 0 {
			return fmt.Errorf("%d processes are left", len(pids))
		}
		return nil
	})
}

// end ends all processes of the host, and undoes what they have mounted.
func (h Host) end(ctx context.Context) error {
	err := endAll(ctx, endTimeout, "the end of host "+h.Name, h.processes, syscall.SIGKILL)
	// The kernel lets go of a group a moment after its last process.
	groups := wait.Within(ctx, endTimeout, pollInterval, "the end of the control groups of host "+h.Name,
		func(context.Context) error { return h.removeGroups() })
	return errors.Join(err, h.unmount(), groups)
}

// unmount undoes the mounts below the host's folders, those on others first.
func (h Host) unmount() error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	mounts := mountsBelow(string(table), h.state(), h.run())
	for i := len(mounts) - 1; i >= 0; i-- {
		// One that is busy, as with a process that is about to end, goes when it is not.
		if unmountErr := syscall.Unmount(mounts[i], syscall.MNT_DETACH); unmountErr != nil {
			err = errors.Join(err, fmt.Errorf("unmount %s: %w", mounts[i], unmountErr))
		}
	}
	return err
}

// mountsBelow returns the mount points below folders, in the order in which they were mounted.
func mountsBelow(table string, folders ...string) []string {
	var mounts []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		const point = 4 // proc(5): id, parent, device, root, mount point
		if len(fields) <= point {
			continue
		}
		path := unescape.Replace(fields[point])
		for _, folder := range folders {
			if strings.HasPrefix(path, folder+"/") {
				mounts = append(mounts, path)
			}
		}
	}
	return mounts
}

// unescape undoes how /proc/self/mountinfo writes special characters.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// removeGroups removes the control groups of the host's containers.
func (h Host) removeGroups() error {
	// Version 1 has a hierarchy for each controller, version 2 one for all.
	roots, err := filepath.Glob(filepath.Join("/sys/fs/cgroup/*", h.group()))
	if err != nil {
		return err
	}
	for _, root := range append(roots, filepath.Join("/sys/fs/cgroup", h.group())) {
		var groups []string
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			return nil // what is gone meanwhile is what we want
		})
		if err != nil {
			return err
		}
		for i := len(groups) - 1; i >= 0; i-- {
			if err := os.Remove(groups[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		_ = os.Remove(filepath.Dir(root)) // the lab's, once that of its last host is gone
	}
	return nil
}
