//go:build linux

package disk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/verify/fault/disk/order"
)

// model is a disk as one would write it down: nothing but what there is, and what is durable of it.
type model struct {
	promise Promise
	root    *thing
}

// thing is a file or a directory of the model.
type thing struct {
	isDir bool

	now, synced []byte

	entries, durable map[string]*thing
	tied             map[*thing]bool
}

func newDirectory() *thing {
	return &thing{isDir: true, entries: map[string]*thing{}, durable: map[string]*thing{},
		tied: map[*thing]bool{}}
}

// syncNames makes entries durable.
func (m *model) syncNames(of *thing) {
	switch {
	case m.promise == Journaled:
		m.walk(m.root, func(dir *thing) { dir.settle() })
		// Directories that have no name any more do not count.
	case of.isDir:
		for dir := range reach(of) {
			dir.settle()
		}
	}
}

func (m *model) walk(dir *thing, do func(*thing)) {
	do(dir)
	for _, t := range dir.entries {
		if t.isDir {
			m.walk(t, do)
		}
	}
}

func (t *thing) settle() {
	t.durable = maps.Clone(t.entries)
	for other := range t.tied {
		delete(other.tied, t)
	}
	t.tied = map[*thing]bool{}
}

func reach(from *thing) map[*thing]bool {
	seen := map[*thing]bool{}
	var visit func(*thing)
	visit = func(t *thing) {
		if !seen[t] {
			seen[t] = true
			for other := range t.tied {
				visit(other)
			}
		}
	}
	visit(from)
	return seen
}

// lose goes back to what is durable.
func (m *model) lose() {
	seen := map[*thing]bool{}
	var back func(*thing)
	back = func(t *thing) {
		if seen[t] {
			return
		}
		seen[t] = true
		if !t.isDir {
			t.now = slices.Clone(t.synced)
			return
		}
		t.entries, t.tied = maps.Clone(t.durable), map[*thing]bool{}
		for _, inner := range t.entries {
			back(inner)
		}
	}
	back(m.root)
}

// tree is what a reader sees: a line for each path.
func (m *model) tree() []string {
	var lines []string
	var list func(dir *thing, path string)
	list = func(dir *thing, path string) {
		for entry, t := range dir.entries {
			inner := filepath.Join(path, entry)
			if t.isDir {
				lines = append(lines, inner+"/")
				list(t, inner)
			} else {
				lines = append(lines, fmt.Sprintf("%s %x", inner, t.now))
			}
		}
	}
	list(m.root, "")
	slices.Sort(lines)
	return lines
}

// shownTree is the same of a directory of the machine.
func shownTree(t require.TestingT, root string) []string {
	var lines []string
	require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inner, _ := filepath.Rel(root, path)
		switch {
		case inner == ".":
		case inner == Graveyard:
			return filepath.SkipDir
		case entry.IsDir():
			lines = append(lines, inner+"/")
		default:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%s %x", inner, data))
		}
		return nil
	}))
	slices.Sort(lines)
	return lines
}

// run is a disk and its model, to which the same is done.
type run struct {
	disk  *Disk
	model *model
	pairs map[*thing]*Inode
}

// choose draws one of the things of the model.
func (r *run) choose(t *rapid.T, dirs bool, label string) *thing {
	var list []*thing
	var paths []string
	var collect func(dir *thing, path string)
	collect = func(dir *thing, path string) {
		if dirs {
			list, paths = append(list, dir), append(paths, path)
		}
		for _, entry := range slices.Sorted(maps.Keys(dir.entries)) {
			inner := dir.entries[entry]
			if inner.isDir {
				collect(inner, filepath.Join(path, entry))
			} else if !dirs {
				list, paths = append(list, inner), append(paths, filepath.Join(path, entry))
			}
		}
	}
	collect(r.model.root, ".")
	if len(list) == 0 {
		t.Skip("there is none")
	}
	i := rapid.IntRange(0, len(list)-1).Draw(t, label)
	t.Logf("%s: %s", label, paths[i])
	return list[i]
}

func drawName(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, label)
}

func (r *run) create(t *rapid.T) {
	dir, entry := r.choose(t, true, "in"), drawName(t, "name")
	n, err := r.disk.Mknod(r.pairs[dir], entry, 0o644, me())
	if dir.entries[entry] != nil {
		require.ErrorIs(t, err, syscall.EEXIST)
		return
	}
	require.NoError(t, err)
	file := &thing{}
	dir.entries[entry], r.pairs[file] = file, n
}

func (r *run) mkdir(t *rapid.T) {
	dir, entry := r.choose(t, true, "in"), drawName(t, "name")
	n, err := r.disk.Mkdir(r.pairs[dir], entry, 0o755, me())
	if dir.entries[entry] != nil {
		require.ErrorIs(t, err, syscall.EEXIST)
		return
	}
	require.NoError(t, err)
	made := newDirectory()
	dir.entries[entry], r.pairs[made] = made, n
}

func (r *run) write(t *rapid.T) {
	file := r.choose(t, false, "file")
	offset := rapid.SampledFrom([]int{0, 1, 4095, 4096, 5000}).Draw(t, "offset")
	data := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "data")
	h, err := r.disk.Open(r.pairs[file], syscall.O_WRONLY)
	require.NoError(t, err)
	_, err = h.WriteAt(data, int64(offset), nil)
	require.NoError(t, err)
	require.NoError(t, h.Close())
	grown := make([]byte, max(len(file.now), offset+len(data)))
	copy(grown, file.now)
	copy(grown[offset:], data)
	file.now = grown
}

func (r *run) truncate(t *rapid.T) {
	file := r.choose(t, false, "file")
	size := rapid.SampledFrom([]int{0, 3, 4096, 6000}).Draw(t, "size")
	require.NoError(t, r.disk.Truncate(r.pairs[file], int64(size)))
	resized := make([]byte, size)
	copy(resized, file.now)
	file.now = resized
}

func (r *run) syncFile(t *rapid.T) {
	file := r.choose(t, false, "file")
	h, err := r.disk.Open(r.pairs[file], syscall.O_RDONLY)
	require.NoError(t, err)
	require.NoError(t, h.Sync(nil))
	require.NoError(t, h.Close())
	file.synced = slices.Clone(file.now)
	r.model.syncNames(file)
}

func (r *run) syncDir(t *rapid.T) {
	dir := r.choose(t, true, "directory")
	require.NoError(t, r.disk.SyncDir(r.pairs[dir], nil))
	r.model.syncNames(dir)
}

func (r *run) unlink(t *rapid.T) {
	dir, entry := r.choose(t, true, "in"), drawName(t, "name")
	err := r.disk.Unlink(r.pairs[dir], entry)
	switch found := dir.entries[entry]; {
	case found == nil:
		require.ErrorIs(t, err, syscall.ENOENT)
	case found.isDir:
		require.ErrorIs(t, err, syscall.EISDIR)
	default:
		require.NoError(t, err)
		delete(dir.entries, entry)
	}
}

func (r *run) rmdir(t *rapid.T) {
	dir, entry := r.choose(t, true, "in"), drawName(t, "name")
	err := r.disk.Rmdir(r.pairs[dir], entry)
	switch found := dir.entries[entry]; {
	case found == nil:
		require.ErrorIs(t, err, syscall.ENOENT)
	case !found.isDir:
		require.ErrorIs(t, err, syscall.ENOTDIR)
	case len(found.entries) > 0:
		require.ErrorIs(t, err, syscall.ENOTEMPTY)
	default:
		require.NoError(t, err)
		r.drop(found)
		delete(dir.entries, entry)
	}
}

// drop forgets what ties a directory that is gone to others.
func (r *run) drop(dir *thing) {
	if r.pairs[dir].gone {
		for other := range dir.tied {
			delete(other.tied, dir)
		}
	}
}

func (r *run) link(t *rapid.T) {
	file, dir, entry := r.choose(t, false, "file"), r.choose(t, true, "in"), drawName(t, "name")
	err := r.disk.Link(r.pairs[file], r.pairs[dir], entry)
	if dir.entries[entry] != nil {
		require.ErrorIs(t, err, syscall.EEXIST)
		return
	}
	require.NoError(t, err)
	dir.entries[entry] = file
}

func (r *run) rename(t *rapid.T) {
	from, entry := r.choose(t, true, "from"), drawName(t, "name")
	to, newEntry := r.choose(t, true, "to"), drawName(t, "new name")
	moved, target := from.entries[entry], to.entries[newEntry]
	if moved != nil && moved.isDir {
		inside := false
		r.model.walk(moved, func(dir *thing) { inside = inside || dir == to })
		if inside {
			t.Skip("the kernel refuses to move a directory into itself")
		}
	}
	err := r.disk.Rename(r.pairs[from], entry, r.pairs[to], newEntry, false)
	switch {
	case moved == nil:
		require.ErrorIs(t, err, syscall.ENOENT)
		return
	case target == moved:
		require.NoError(t, err)
		return
	case target != nil && (target.isDir != moved.isDir || len(target.entries) > 0):
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	if target != nil && target.isDir {
		r.drop(target)
	}
	delete(from.entries, entry)
	to.entries[newEntry] = moved
	if from != to {
		from.tied[to], to.tied[from] = true, true
	}
}

// beStrict is the order that makes the disk strict until the next loss.
func (r *run) beStrict(t *rapid.T) {
	require.Empty(t, r.disk.Obey(order.Order{Do: order.Strict}).Error)
	r.model.promise = Strict
}

func (r *run) lose(t *rapid.T) {
	require.Empty(t, r.disk.Obey(order.Order{Do: order.Lose}).Error)
	r.model.lose()
	r.model.promise = r.disk.promise
}

func me() Owner { return Owner{uint32(os.Getuid()), uint32(os.Getgid())} }

// TestDiskIsLikeItsModel does the same to a disk and to its model, and has the power fail now and then.
func TestDiskIsLikeItsModel(t *testing.T) {
	for _, promise := range []Promise{Journaled, Strict} {
		t.Run(fmt.Sprint(promise), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				backing, err := os.MkdirTemp("", "warren-disk-")
				require.NoError(t, err)
				defer os.RemoveAll(backing)
				d, err := New(backing, promise)
				require.NoError(t, err)
				r := &run{disk: d, model: &model{promise: promise, root: newDirectory()}}
				r.pairs = map[*thing]*Inode{r.model.root: d.Root()}
				t.Repeat(map[string]func(*rapid.T){
					"create": r.create, "mkdir": r.mkdir, "write": r.write, "truncate": r.truncate,
					"sync a file": r.syncFile, "sync a directory": r.syncDir, "unlink": r.unlink, "rmdir": r.rmdir,
					"link": r.link, "rename": r.rename, "lose": r.lose, "be strict": r.beStrict,
					"": func(t *rapid.T) { require.Equal(t, r.model.tree(), shownTree(t, backing)) },
				})
				r.lose(t)
				require.Equal(t, r.model.tree(), shownTree(t, backing))
				left, err := os.ReadDir(filepath.Join(backing, Graveyard))
				require.NoError(t, err)
				require.Empty(t, left, "after a loss, nothing is kept that nothing needs")
			})
		})
	}
}
