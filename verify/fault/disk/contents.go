//go:build linux

package disk

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// blockSize is the unit in which a file's former contents are kept, and in which space is counted.
const blockSize = 4096

// contents is what a file goes back to. While it is not dirty, that is what it has.
type contents struct {
	// size is the synced size of a file that is dirty.
	size int64
	// blocks are the former contents of blocks that were changed, as far as they lie within size.
	blocks map[int64][]byte
	// written is how much was written since the last sync.
	written int64
	// torn keeps a loss away from the file.
	torn bool
}

// Handle is an open file.
type Handle struct {
	disk *Disk
	n    *Inode
	file *os.File
	sync bool
}

// Open opens a file with the flags of open(2).
func (d *Disk) Open(n *Inode, flags int) (*Handle, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open(n, flags)
}

func (d *Disk) open(n *Inode, flags int) (*Handle, error) {
	how := os.O_RDONLY
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		how = os.O_RDWR // what is overwritten is read first
	}
	file, err := os.OpenFile(d.path(n), how, 0)
	if err != nil {
		return nil, err
	}
	h := &Handle{d, n, file, flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0}
	if flags&syscall.O_TRUNC != 0 && how == os.O_RDWR {
		if err := h.truncate(0); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	n.handles++
	d.report.OpenFiles++
	return h, nil
}

// Close closes the file. It never waits, also while the power is cut.
func (h *Handle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	h.n.handles--
	h.disk.report.OpenFiles--
	return errors.Join(h.file.Close(), h.disk.reap(h.n))
}

// ReadAt reads at an offset. At the end of the file it returns what there is, without an error.
func (h *Handle) ReadAt(p []byte, offset int64, cancel <-chan struct{}) (int, error) {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.Reads++
	if err := d.impede(opRead, h.n, cancel); err != nil {
		return 0, err
	}
	got, err := h.file.ReadAt(p, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	for _, f := range d.flips {
		if f.in(h.n, offset, got) {
			f.Read++
		}
	}
	return got, err
}

// WriteAt writes at an offset.
func (h *Handle) WriteAt(p []byte, offset int64, cancel <-chan struct{}) (int, error) {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.Writes++
	if err := d.impede(opWrite, h.n, cancel); err != nil {
		return 0, err
	}
	if d.tears(h.n) {
		return 0, h.tear(p, offset, cancel)
	}
	if err := h.write(p, offset); err != nil {
		return 0, err
	}
	if h.sync {
		if err := d.settleContents(h.n); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (h *Handle) write(p []byte, offset int64) error {
	d := h.disk
	if err := d.spend(offset + int64(len(p)) - d.length(h.n)); err != nil {
		return err
	}
	if err := h.keep(offset, offset+int64(len(p))); err != nil {
		return err
	}
	for _, f := range d.flips {
		if f.in(h.n, offset, len(p)) {
			f.Overwritten = true
		}
	}
	h.n.file.written += int64(len(p))
	_, err := h.file.WriteAt(p, offset)
	return err
}

// tear writes the first half, cuts the power, and waits with whoever wrote.
func (h *Handle) tear(p []byte, offset int64, cancel <-chan struct{}) error {
	d := h.disk
	if err := h.write(p[:(len(p)+1)/2], offset); err != nil {
		return err
	}
	h.n.file.torn = true
	d.report.Torn = d.shown(h.n)
	d.impaired.tear = nil
	d.impaired.power = false
	if err := d.impede(opWrite, h.n, cancel); err != nil {
		return err
	}
	return syscall.EIO // the power came back without a loss
}

// keep remembers what a range of a file has before it is changed.
func (h *Handle) keep(from, to int64) error {
	d, c := h.disk, h.n.file
	if !d.dirty[h.n] {
		*c = contents{size: d.length(h.n), blocks: map[int64][]byte{}}
		d.dirty[h.n] = true
	}
	for block := from / blockSize; block*blockSize < min(to, c.size); block++ {
		if c.blocks[block] != nil {
			continue
		}
		former := make([]byte, min(blockSize, c.size-block*blockSize))
		if _, err := h.file.ReadAt(former, block*blockSize); err != nil {
			return err
		}
		c.blocks[block] = former
	}
	return nil
}

// length is a file's size as it is now.
func (d *Disk) length(n *Inode) int64 {
	info, err := os.Lstat(d.path(n))
	if err != nil {
		return 0
	}
	return info.Size()
}

// Truncate sets a file's size.
func (d *Disk) Truncate(n *Inode, size int64) error {
	h, err := d.Open(n, syscall.O_RDWR)
	if err != nil {
		return err
	}
	d.mu.Lock()
	err = h.truncate(size)
	d.mu.Unlock()
	return errors.Join(err, h.Close())
}

func (h *Handle) truncate(size int64) error {
	d := h.disk
	now := d.length(h.n)
	if err := d.spend(size - now); err != nil {
		return err
	}
	if err := h.keep(min(size, now), now); err != nil {
		return err
	}
	d.gain(now - size)
	h.n.file.written += max(now-size, size-now)
	return h.file.Truncate(size)
}

// Allocate reserves space, and makes the file so long.
func (h *Handle) Allocate(mode uint32, offset, length int64) error {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode != 0 && mode != unix.FALLOC_FL_KEEP_SIZE {
		return syscall.EOPNOTSUPP
	}
	if err := d.spend(offset + length - d.length(h.n)); err != nil {
		return err
	}
	if mode == unix.FALLOC_FL_KEEP_SIZE {
		return nil
	}
	if err := h.keep(offset, offset); err != nil {
		return err
	}
	return unix.Fallocate(int(h.file.Fd()), mode, offset, length)
}

// Sync makes a file's contents durable.
func (h *Handle) Sync(cancel <-chan struct{}) error {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.Syncs++
	if err := d.impede(opSync, h.n, cancel); err != nil {
		return err
	}
	return d.settleContents(h.n)
}

func (d *Disk) settleContents(n *Inode) error {
	delete(d.dirty, n)
	*n.file = contents{}
	return d.settleNames(n)
}

// revert gives a file back what it had when it was synced.
func (d *Disk) revert(n *Inode) error {
	file, err := os.OpenFile(d.path(n), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for block, former := range n.file.blocks {
		if _, err := file.WriteAt(former, block*blockSize); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	err = file.Truncate(n.file.size)
	delete(d.dirty, n)
	*n.file = contents{}
	return errors.Join(err, file.Close())
}
