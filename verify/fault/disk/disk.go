//go:build linux

// Package disk is a disk that can be told to break its promises, over a directory of a real one.
//
// All that is written goes through to the directory at once, so that it always holds what a reader of the
// disk sees: if the process of the disk is killed, nothing is lost. What is kept is the way back: of each
// file, what it was when it was last synced, and of each directory its entries. A power failure goes that
// way.
//
// What a sync makes durable:
//
//   - fsync and fdatasync of a file, and a write to a file opened with O_SYNC or O_DSYNC: the file's
//     contents.
//   - Journaled: a sync of anything makes every change of names before it durable, as the journals of ext4
//     and XFS do. A rename that no sync followed is undone, and both names are as they were.
//   - Strict: only the sync of a directory makes its entries durable, which is all that POSIX promises. A
//     file that was synced, and whose directory was not, is gone. A rename from one directory to another is
//     durable in both as soon as one of them is synced.
//   - In both, a rename makes nothing of a file's contents durable. ext4 is kinder.
//   - Modes, owners and times are durable at once.
//   - Nothing becomes durable by itself with time, nor by closing a file.
//   - A failed sync makes nothing durable; one that succeeds later does. Linux is harsher.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"warren/verify/fault/disk/order"
)

// Promise is what a sync makes durable of directories.
type Promise int

// The promises of the package's comment.
const (
	Journaled Promise = iota
	Strict
)

// Graveyard is the directory, in the root of the backing directory, for what is deleted and not yet durably
// so. The disk does not show it.
const Graveyard = ".warren-lying-disk"

// Disk is a disk that can be told to lie. It is safe for concurrent use.
type Disk struct {
	promise Promise
	backing string

	mu   sync.Mutex
	root *Inode
	next uint64
	// changed are the directories with entries that are not durable, dirty the files with such contents.
	changed, dirty map[*Inode]bool

	impaired impairment
	report   order.Report
	flips    []*flip
}

// Inode is a file, a directory or a symbolic link. Its fields are guarded by the disk's lock.
type Inode struct {
	// ID is never used again.
	ID uint64
	// Kind is one of syscall.S_IFREG and its like.
	Kind uint32

	names   map[name]bool // in the entries of directories
	durable int           // how many durable entries of directories it has
	handles int
	gone    bool

	dir  *directory
	file *contents
}

// name is a directory's entry.
type name struct {
	dir  *Inode
	name string
}

type directory struct {
	entries, durable map[string]*Inode
	// tied are the directories that a rename has moved something to or from, since either was synced.
	tied map[*Inode]bool
}

// New returns a disk whose contents are those of a directory, all of them durable. Nobody else may change the
// directory.
func New(backing string, promise Promise) (*Disk, error) {
	d := &Disk{
		promise: promise, backing: backing,
		changed: map[*Inode]bool{}, dirty: map[*Inode]bool{},
		impaired: impairment{again: make(chan struct{}), power: true},
	}
	if err := os.RemoveAll(filepath.Join(backing, Graveyard)); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(backing, Graveyard), 0o700); err != nil {
		return nil, err
	}
	d.root = d.inode(syscall.S_IFDIR)
	d.root.durable = 1
	return d, d.scan(d.root, map[uint64]*Inode{})
}

// Close removes what the disk has kept in the backing directory to go back to.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return os.RemoveAll(filepath.Join(d.backing, Graveyard))
}

// Root is the root directory.
func (d *Disk) Root() *Inode { return d.root }

// scan takes a directory in as it is. Links are the names of files that were seen before.
func (d *Disk) scan(dir *Inode, links map[uint64]*Inode) error {
	list, err := os.ReadDir(d.path(dir))
	if err != nil {
		return err
	}
	for _, entry := range list {
		if dir == d.root && entry.Name() == Graveyard {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: not a file of Linux", entry.Name())
		}
		n := links[stat.Ino]
		if n == nil {
			n = d.inode(stat.Mode & syscall.S_IFMT)
			links[stat.Ino] = n
		}
		d.enter(dir, entry.Name(), n)
		if n.dir != nil {
			if err := d.scan(n, links); err != nil {
				return err
			}
		}
	}
	return d.settle(dir)
}

func (d *Disk) inode(kind uint32) *Inode {
	d.next++
	n := &Inode{ID: d.next, Kind: kind, names: map[name]bool{}}
	switch kind {
	case syscall.S_IFDIR:
		n.dir = &directory{entries: map[string]*Inode{}, durable: map[string]*Inode{}, tied: map[*Inode]bool{}}
	case syscall.S_IFREG:
		n.file = &contents{}
	}
	return n
}

// path is where an inode is in the backing directory.
func (d *Disk) path(n *Inode) string {
	if n == d.root {
		return d.backing
	}
	for entry := range n.names {
		return filepath.Join(d.path(entry.dir), entry.name)
	}
	return d.grave(n)
}

// grave is where an inode is that has no name, and that a loss or an open file may need.
func (d *Disk) grave(n *Inode) string {
	return filepath.Join(d.backing, Graveyard, strconv.FormatUint(n.ID, 10))
}

// shown is the path of an inode below the root, for people and for regular expressions.
func (d *Disk) shown(n *Inode) string {
	if n == d.root {
		return "."
	}
	return strings.TrimPrefix(d.path(n), d.backing+"/")
}

// needed tells whether an inode must be kept even if it has no name.
func (n *Inode) needed() bool { return n.durable > 0 || n.handles > 0 }

// enter makes an entry of a directory, in the books only.
func (d *Disk) enter(dir *Inode, entry string, n *Inode) {
	dir.dir.entries[entry] = n
	n.names[name{dir, entry}] = true
	d.changed[dir] = true
}

// leave removes an entry of a directory, in the books only.
func (d *Disk) leave(dir *Inode, entry string) {
	n := dir.dir.entries[entry]
	delete(dir.dir.entries, entry)
	delete(n.names, name{dir, entry})
	d.changed[dir] = true
}

// remove removes an entry of a directory. What may be needed without a name goes to the graveyard.
func (d *Disk) remove(dir *Inode, entry string) error {
	n := dir.dir.entries[entry]
	path := filepath.Join(d.path(dir), entry)
	last := len(n.names) == 1
	var err error
	if last && n.needed() {
		err = os.Rename(path, d.grave(n))
	} else {
		err = os.Remove(path)
	}
	if err != nil {
		return err
	}
	d.leave(dir, entry)
	if last && !n.needed() {
		return d.forget(n)
	}
	return nil
}

// reap removes an inode from the graveyard when nothing needs it any more. What is in a directory may have
// other names, or be needed.
func (d *Disk) reap(n *Inode) error {
	if n.gone || len(n.names) > 0 || n.needed() {
		return nil
	}
	n.gone = true // what is given up below may have been what needed it
	err := d.empty(n)
	if err == nil {
		err = os.Remove(d.grave(n))
	}
	return errors.Join(err, d.forget(n))
}

// empty removes the entries of an inode that is a directory.
func (d *Disk) empty(n *Inode) error {
	if n.dir == nil {
		return nil
	}
	for entry := range maps.Clone(n.dir.entries) {
		if err := d.removeAll(n, entry); err != nil {
			return err
		}
	}
	return nil
}

// removeAll is remove for a directory that may have entries.
func (d *Disk) removeAll(dir *Inode, entry string) error {
	if n := dir.dir.entries[entry]; !n.needed() {
		if err := d.empty(n); err != nil {
			return err
		}
	}
	return d.remove(dir, entry)
}

// forget drops what is known of an inode that is gone, and what only it needed.
func (d *Disk) forget(n *Inode) error {
	n.gone = true
	delete(d.changed, n)
	delete(d.dirty, n)
	if n.dir == nil {
		return nil
	}
	for tied := range n.dir.tied {
		delete(tied.dir.tied, n)
	}
	return d.release(n.dir.durable)
}

// release gives up durable entries.
func (d *Disk) release(entries map[string]*Inode) error {
	var failures []error
	for _, n := range entries {
		n.durable--
	}
	for _, n := range entries {
		failures = append(failures, d.reap(n))
	}
	return errors.Join(failures...)
}

// settle makes the entries of a directory durable as they are.
func (d *Disk) settle(dir *Inode) error {
	before := dir.dir.durable
	dir.dir.durable = maps.Clone(dir.dir.entries)
	for _, n := range dir.dir.durable {
		n.durable++
	}
	delete(d.changed, dir)
	for tied := range dir.dir.tied {
		delete(tied.dir.tied, dir)
	}
	clear(dir.dir.tied)
	return d.release(before)
}

// settleNames makes durable what the promise says that the sync of an inode makes durable of names.
func (d *Disk) settleNames(n *Inode) error {
	var dirs []*Inode
	switch {
	case d.promise == Journaled && !d.impaired.strict:
		dirs = slices.Collect(maps.Keys(d.changed))
	case n.dir != nil:
		dirs = tiedTo(n, map[*Inode]bool{})
	}
	var failures []error
	for _, dir := range dirs {
		if !dir.gone {
			failures = append(failures, d.settle(dir))
		}
	}
	return errors.Join(failures...)
}

// tiedTo are a directory and all that a rename ties to it.
func tiedTo(dir *Inode, seen map[*Inode]bool) []*Inode {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	list := []*Inode{dir}
	for tied := range dir.dir.tied {
		list = append(list, tiedTo(tied, seen)...)
	}
	return list
}

// Errno is the error number of an error of this package or of package os.
func Errno(err error) syscall.Errno {
	var number syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &number):
		return number
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ENOENT
	}
	return syscall.EIO
}
