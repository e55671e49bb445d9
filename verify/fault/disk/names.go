//go:build linux

package disk

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Owner is who a new file belongs to.
type Owner struct{ UID, GID uint32 }

// Lookup returns the inode of a directory's entry.
func (d *Disk) Lookup(dir *Inode, entry string) (*Inode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lookup(dir, entry)
}

func (d *Disk) lookup(dir *Inode, entry string) (*Inode, error) {
	if n := dir.dir.entries[entry]; n != nil {
		return n, nil
	}
	return nil, syscall.ENOENT
}

// Entry is what List says of an entry of a directory.
type Entry struct {
	Name  string
	Inode *Inode
}

// List returns the entries of a directory by name.
func (d *Disk) List(dir *Inode) []Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Entry, 0, len(dir.dir.entries))
	for _, entry := range slices.Sorted(maps.Keys(dir.dir.entries)) {
		list = append(list, Entry{entry, dir.dir.entries[entry]})
	}
	return list
}

// Stat returns what the backing directory says of an inode, with the inode's own number and links.
func (d *Disk) Stat(n *Inode) (syscall.Stat_t, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stat(n)
}

func (d *Disk) stat(n *Inode) (stat syscall.Stat_t, err error) {
	err = syscall.Lstat(d.path(n), &stat)
	stat.Ino = n.ID
	if n.dir == nil {
		stat.Nlink = uint64(len(n.names))
	}
	return stat, err
}

// Mkdir creates a directory.
func (d *Disk) Mkdir(dir *Inode, entry string, mode uint32, owner Owner) (*Inode, error) {
	return d.create(dir, entry, syscall.S_IFDIR, owner, func(path string) error {
		return syscall.Mkdir(path, mode&0o7777)
	})
}

// Symlink creates a symbolic link.
func (d *Disk) Symlink(dir *Inode, entry, target string, owner Owner) (*Inode, error) {
	return d.create(dir, entry, syscall.S_IFLNK, owner, func(path string) error {
		return os.Symlink(target, path)
	})
}

// Mknod creates an empty regular file.
func (d *Disk) Mknod(dir *Inode, entry string, mode uint32, owner Owner) (*Inode, error) {
	return d.create(dir, entry, syscall.S_IFREG, owner, func(path string) error {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		return syscall.Fchmod(int(file.Fd()), mode&0o7777)
	})
}

func (d *Disk) create(
	dir *Inode, entry string, kind uint32, owner Owner, do func(path string) error,
) (*Inode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dir.gone || (dir != d.root && len(dir.names) == 0) {
		return nil, syscall.ENOENT
	}
	if dir.dir.entries[entry] != nil || (dir == d.root && entry == Graveyard) {
		return nil, syscall.EEXIST
	}
	if err := d.spend(blockSize); err != nil {
		return nil, err
	}
	path := filepath.Join(d.path(dir), entry)
	if err := do(path); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := os.Lchown(path, int(owner.UID), int(owner.GID)); err != nil {
			return nil, err
		}
	}
	n := d.inode(kind)
	d.enter(dir, entry, n)
	return n, nil
}

// Link gives a file another name.
func (d *Disk) Link(n, dir *Inode, entry string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dir.dir.entries[entry] != nil {
		return syscall.EEXIST
	}
	if len(n.names) == 0 {
		return syscall.ENOENT
	}
	if err := os.Link(d.path(n), filepath.Join(d.path(dir), entry)); err != nil {
		return err
	}
	d.enter(dir, entry, n)
	return nil
}

// Readlink returns the target of a symbolic link.
func (d *Disk) Readlink(n *Inode) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return os.Readlink(d.path(n))
}

// Unlink removes a name of a file.
func (d *Disk) Unlink(dir *Inode, entry string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.lookup(dir, entry)
	if err != nil {
		return err
	}
	if n.dir != nil {
		return syscall.EISDIR
	}
	size := int64(0)
	if n.file != nil && len(n.names) == 1 {
		size = d.length(n)
	}
	if err := d.remove(dir, entry); err != nil {
		return err
	}
	d.gain(size + blockSize)
	return nil
}

// Rmdir removes an empty directory.
func (d *Disk) Rmdir(dir *Inode, entry string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.lookup(dir, entry)
	if err != nil {
		return err
	}
	if n.dir == nil {
		return syscall.ENOTDIR
	}
	if len(n.dir.entries) > 0 {
		return syscall.ENOTEMPTY
	}
	return d.remove(dir, entry)
}

// Rename moves an entry and replaces what has the new name. Keep refuses to replace.
func (d *Disk) Rename(dir *Inode, entry string, newDir *Inode, newEntry string, keep bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.lookup(dir, entry)
	if err != nil {
		return err
	}
	if newDir == d.root && newEntry == Graveyard {
		return syscall.EINVAL
	}
	target := newDir.dir.entries[newEntry]
	switch {
	case target == n:
		return nil // POSIX: two names of the same file stay
	case target == nil:
	case keep:
		return syscall.EEXIST
	case target.dir == nil && n.dir != nil:
		return syscall.ENOTDIR
	case target.dir != nil && n.dir == nil:
		return syscall.EISDIR
	case target.dir != nil && len(target.dir.entries) > 0:
		return syscall.ENOTEMPTY
	}
	from, to := filepath.Join(d.path(dir), entry), filepath.Join(d.path(newDir), newEntry)
	if target != nil {
		if err := d.remove(newDir, newEntry); err != nil {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d.leave(dir, entry)
	d.enter(newDir, newEntry, n)
	if dir != newDir {
		dir.dir.tied[newDir], newDir.dir.tied[dir] = true, true
	}
	return nil
}

// SyncDir makes the entries of a directory durable.
func (d *Disk) SyncDir(dir *Inode, cancel <-chan struct{}) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.DirSyncs++
	if err := d.impede(opSync, dir, cancel); err != nil {
		return err
	}
	return d.settleNames(dir)
}
