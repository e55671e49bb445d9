//go:build linux

package mount

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"warren/verify/fault/disk"
)

// node is an inode of the disk as the kernel knows it.
//
// The kernel caches nothing: attributes and entries expire at once, and files are read and written directly.
// What is lost is lost for every reader, and an order to fail reads reaches every read.
type node struct {
	fs.Inode
	disk *disk.Disk
	n    *disk.Inode
}

var (
	_ fs.NodeLookuper   = (*node)(nil)
	_ fs.NodeReaddirer  = (*node)(nil)
	_ fs.NodeGetattrer  = (*node)(nil)
	_ fs.NodeSetattrer  = (*node)(nil)
	_ fs.NodeStatfser   = (*node)(nil)
	_ fs.NodeMkdirer    = (*node)(nil)
	_ fs.NodeMknoder    = (*node)(nil)
	_ fs.NodeCreater    = (*node)(nil)
	_ fs.NodeLinker     = (*node)(nil)
	_ fs.NodeSymlinker  = (*node)(nil)
	_ fs.NodeReadlinker = (*node)(nil)
	_ fs.NodeUnlinker   = (*node)(nil)
	_ fs.NodeRmdirer    = (*node)(nil)
	_ fs.NodeRenamer    = (*node)(nil)
	_ fs.NodeOpener     = (*node)(nil)
	_ fs.NodeFsyncer    = (*node)(nil)
	_ fs.NodeReader     = (*node)(nil)
	_ fs.NodeWriter     = (*node)(nil)
	_ fs.NodeReleaser   = (*node)(nil)
	_ fs.NodeAllocater  = (*node)(nil)
)

// child is the node of an inode that was found or made in a directory.
func (p *node) child(
	ctx context.Context, n *disk.Inode, err error, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if err != nil {
		return nil, disk.Errno(err)
	}
	stat, err := p.disk.Stat(n)
	if err != nil {
		return nil, disk.Errno(err)
	}
	out.FromStat(&stat)
	return p.NewInode(ctx, &node{disk: p.disk, n: n}, fs.StableAttr{Mode: n.Kind, Ino: n.ID}), 0
}

func (p *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n, err := p.disk.Lookup(p.n, name)
	return p.child(ctx, n, err, out)
}

func (p *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var entries []fuse.DirEntry
	for _, e := range p.disk.List(p.n) {
		entries = append(entries, fuse.DirEntry{Name: e.Name, Ino: e.Inode.ID, Mode: e.Inode.Kind})
	}
	return fs.NewListDirStream(entries), 0
}

func (p *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	stat, err := p.disk.Stat(p.n)
	if err != nil {
		return disk.Errno(err)
	}
	out.FromStat(&stat)
	return 0
}

func (p *node) Setattr(
	ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut,
) syscall.Errno {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return disk.Errno(err)
	}
	var change disk.Attributes
	if mode, ok := in.GetMode(); ok {
		change.Mode = &mode
	}
	if uid, ok := in.GetUID(); ok {
		change.UID = &uid
	}
	if gid, ok := in.GetGID(); ok {
		change.GID = &gid
	}
	if accessed, ok := in.GetATime(); ok {
		change.Accessed = &accessed
	}
	if modified, ok := in.GetMTime(); ok {
		change.Modified = &modified
	}
	if err := p.disk.Set(p.n, change); err != nil {
		return disk.Errno(err)
	}
	if size, ok := in.GetSize(); ok {
		if err := p.disk.Truncate(p.n, int64(size)); err != nil {
			return disk.Errno(err)
		}
	}
	return p.Getattr(ctx, f, out)
}

func (p *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(p.disk.Backing(), &stat); err != nil {
		return disk.Errno(err)
	}
	out.FromStatfsT(&stat)
	if free, limited := p.disk.Free(); limited {
		out.Bfree = min(out.Bfree, uint64(free)/uint64(out.Bsize))
		out.Bavail = out.Bfree
	}
	return 0
}

// owner is whoever asks.
func owner(ctx context.Context) disk.Owner {
	if caller, ok := fuse.FromContext(ctx); ok {
		return disk.Owner{UID: caller.Uid, GID: caller.Gid}
	}
	return disk.Owner{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}

func (p *node) Mkdir(
	ctx context.Context, name string, mode uint32, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, disk.Errno(err)
	}
	n, err := p.disk.Mkdir(p.n, name, mode, owner(ctx))
	return p.child(ctx, n, err, out)
}

func (p *node) Mknod(
	ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, syscall.EOPNOTSUPP
	}
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, disk.Errno(err)
	}
	n, err := p.disk.Mknod(p.n, name, mode, owner(ctx))
	return p.child(ctx, n, err, out)
}

func (p *node) Create(
	ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut,
) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, nil, 0, disk.Errno(err)
	}
	n, err := p.disk.Mknod(p.n, name, mode, owner(ctx))
	if errors.Is(err, syscall.EEXIST) && flags&syscall.O_EXCL == 0 {
		n, err = p.disk.Lookup(p.n, name)
	}
	inode, errno := p.child(ctx, n, err, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	h, err := p.disk.Open(n, int(flags))
	if err != nil {
		return nil, nil, 0, disk.Errno(err)
	}
	return inode, h, fuse.FOPEN_DIRECT_IO, 0
}

func (p *node) Link(
	ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, disk.Errno(err)
	}
	n := target.(*node).n
	err := p.disk.Link(n, p.n, name)
	return p.child(ctx, n, err, out)
}

func (p *node) Symlink(
	ctx context.Context, target, name string, out *fuse.EntryOut,
) (*fs.Inode, syscall.Errno) {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, disk.Errno(err)
	}
	n, err := p.disk.Symlink(p.n, name, target, owner(ctx))
	return p.child(ctx, n, err, out)
}

func (p *node) Readlink(context.Context) ([]byte, syscall.Errno) {
	target, err := p.disk.Readlink(p.n)
	return []byte(target), disk.Errno(err)
}

func (p *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return disk.Errno(err)
	}
	return disk.Errno(p.disk.Unlink(p.n, name))
}

func (p *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return disk.Errno(err)
	}
	return disk.Errno(p.disk.Rmdir(p.n, name))
}

func (p *node) Rename(
	ctx context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32,
) syscall.Errno {
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return syscall.EINVAL
	}
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return disk.Errno(err)
	}
	return disk.Errno(p.disk.Rename(p.n, name, parent.(*node).n, newName, flags&unix.RENAME_NOREPLACE != 0))
}

func (p *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return nil, 0, disk.Errno(err)
	}
	h, err := p.disk.Open(p.n, int(flags))
	if err != nil {
		return nil, 0, disk.Errno(err)
	}
	return h, fuse.FOPEN_DIRECT_IO, 0
}

func (p *node) Fsync(ctx context.Context, f fs.FileHandle, _ uint32) syscall.Errno {
	if h, ok := f.(*disk.Handle); ok {
		return disk.Errno(h.Sync(ctx.Done()))
	}
	return disk.Errno(p.disk.SyncDir(p.n, ctx.Done()))
}

func (p *node) Read(
	ctx context.Context, f fs.FileHandle, dest []byte, offset int64,
) (fuse.ReadResult, syscall.Errno) {
	got, err := f.(*disk.Handle).ReadAt(dest, offset, ctx.Done())
	return fuse.ReadResultData(dest[:got]), disk.Errno(err)
}

func (p *node) Write(
	ctx context.Context, f fs.FileHandle, data []byte, offset int64,
) (uint32, syscall.Errno) {
	written, err := f.(*disk.Handle).WriteAt(data, offset, ctx.Done())
	return uint32(written), disk.Errno(err)
}

func (p *node) Release(_ context.Context, f fs.FileHandle) syscall.Errno {
	return disk.Errno(f.(*disk.Handle).Close())
}

func (p *node) Allocate(
	ctx context.Context, f fs.FileHandle, offset, size uint64, mode uint32,
) syscall.Errno {
	if err := p.disk.Powered(ctx.Done()); err != nil {
		return disk.Errno(err)
	}
	return disk.Errno(f.(*disk.Handle).Allocate(mode, int64(offset), int64(size)))
}
