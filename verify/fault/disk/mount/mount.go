//go:build linux

// Package mount shows a lying disk to the kernel as a file system, and listens for orders.
package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"warren/verify/fault/disk"
)

// Type is the type that the mounts of lying disks have in the table of mounts.
const Type = "fuse.lyingdisk"

// maxWrite is the largest write that is passed on in one piece, in bytes.
const maxWrite = 1 << 20

// Mounted is a disk that is mounted.
type Mounted struct {
	server    *fuse.Server
	target    string
	namespace string
}

// Mount mounts a disk at a directory. Namespace is the mount namespace that the directory is in, a path such
// as /proc/1/ns/mnt; empty is the process's own. Source is what the table of mounts says that the mount is
// of. It needs CAP_SYS_ADMIN, and CAP_SYS_PTRACE for another namespace.
func Mount(d *disk.Disk, target, namespace, source string) (*Mounted, error) {
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	options := fmt.Sprintf(
		"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=%d",
		device, maxWrite)
	err = inside(namespace, func() error {
		return unix.Mount(source, target, Type, unix.MS_NOSUID|unix.MS_NODEV, options)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mount at %s: %w", target, err), unix.Close(device))
	}
	m := &Mounted{target: target, namespace: namespace}
	never := time.Duration(0)
	root := &node{disk: d, n: d.Root()}
	raw := fs.NewNodeFS(root, &fs.Options{
		EntryTimeout: &never, AttrTimeout: &never, NegativeTimeout: &never, NullPermissions: true,
		RootStableAttr: &fs.StableAttr{Ino: d.Root().ID},
	})
	m.server, err = fuse.NewServer(raw, fmt.Sprintf("/dev/fd/%d", device), &fuse.MountOptions{
		MaxWrite: maxWrite, DisableXAttrs: true, AllowOther: true,
	})
	if err != nil {
		return nil, errors.Join(err, Unmount(target, namespace))
	}
	go m.server.Serve()
	if namespace == "" {
		err = settlePoll(target)
	}
	return m, err
}

// settlePoll lets the kernel ask once whether files can be polled, and learn that they can't. Go's runtime
// polls files that are opened, in a way that stops all else: a process that opened a file of the disk that it
// serves would wait for itself forever. The library answers for a file of this name.
func settlePoll(target string) error {
	file, err := unix.Open(filepath.Join(target, ".go-fuse-epoll-hack"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(file), Events: unix.POLLIN}}, 0)
	return errors.Join(err, unix.Close(file))
}

// Wait returns when the disk is no longer mounted.
func (m *Mounted) Wait() { m.server.Wait() }

// Close unmounts the disk.
func (m *Mounted) Close() error { return Unmount(m.target, m.namespace) }

// Unmount unmounts the lying disks at a directory, also those whose process is gone.
func Unmount(target, namespace string) error {
	return inside(namespace, func() error {
		for {
			mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
			if err != nil {
				return err
			}
			if !mountedAt(string(mounts), target) {
				return nil
			}
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", target, err)
			}
		}
	})
}

// inside calls do in a mount namespace.
func inside(namespace string, do func() error) error {
	if namespace == "" {
		return do()
	}
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer file.Close()
	result := make(chan error, 1)
	go func() {
		// The thread changes its namespace, and so ends with the goroutine: it is never unlocked.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			result <- fmt.Errorf("unshare: %w", err)
			return
		}
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNS); err != nil {
			result <- fmt.Errorf("enter the mount namespace %s: %w", namespace, err)
			return
		}
		result <- do()
	}()
	return <-result
}

// EngineNamespace is the mount namespace in which the engine makes containers, seen from one of them that
// shares the machine's process IDs: that of the nearest ancestor that has another one than this process.
func EngineNamespace() (string, error) {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return "", err
	}
	for pid := os.Getpid(); pid > 0; {
		path := fmt.Sprintf("/proc/%d/ns/mnt", pid)
		namespace, err := os.Readlink(path)
		if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) {
			return "", fmt.Errorf("look at process %d: %w (needs CAP_SYS_PTRACE)", pid, err)
		}
		if err != nil {
			return "", err
		}
		if namespace != own {
			return path, nil
		}
		if pid, err = parent(pid); err != nil {
			return "", err
		}
	}
	return "", errors.New("no process above has another mount namespace: this container does not share the " +
		"machine's process IDs")
}
