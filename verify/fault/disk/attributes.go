//go:build linux

package disk

import (
	"os"
	"syscall"
	"time"
)

// Attributes are those to change; what is nil stays.
type Attributes struct {
	Mode, UID, GID     *uint32
	Accessed, Modified *time.Time
}

// Set changes an inode's attributes, durably.
func (d *Disk) Set(n *Inode, change Attributes) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := d.path(n)
	if change.Mode != nil && n.Kind != syscall.S_IFLNK {
		if err := syscall.Chmod(path, *change.Mode&0o7777); err != nil {
			return err
		}
	}
	if change.UID != nil || change.GID != nil {
		if err := os.Lchown(path, owned(change.UID), owned(change.GID)); err != nil {
			return err
		}
	}
	if n.Kind != syscall.S_IFLNK && (change.Accessed != nil || change.Modified != nil) {
		return os.Chtimes(path, timeOr(change.Accessed), timeOr(change.Modified))
	}
	return nil
}

// owned is an ID as chown takes it.
func owned(id *uint32) int {
	if id == nil {
		return -1
	}
	return int(*id)
}

// timeOr is a time as os.Chtimes takes it.
func timeOr(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Backing is the directory that has the disk's contents.
func (d *Disk) Backing() string { return d.backing }
