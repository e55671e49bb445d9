//go:build linux

package mount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/fault/disk"
	"warren/verify/fault/disk/order"
)

// mounted is a disk at a directory of its own.
type mounted struct {
	*testing.T
	disk *disk.Disk
	dir  string
}

// open mounts a disk for the time of the test.
func open(t *testing.T, promise disk.Promise) mounted {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("mounting needs /dev/fuse:", err)
	}
	dir := t.TempDir()
	d, err := disk.New(t.TempDir(), promise)
	require.NoError(t, err)
	m, err := Mount(d, dir, "", "warren-test")
	require.NoError(t, err)
	t.Cleanup(func() {
		d.Obey(order.Order{Do: order.Clear})
		require.NoError(t, m.Close())
		m.Wait()
	})
	return mounted{t, d, dir}
}

func (m mounted) path(name string) string { return filepath.Join(m.dir, name) }

func (m mounted) write(name, text string, sync bool) {
	m.Helper()
	file, err := os.OpenFile(m.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	require.NoError(m, err)
	_, err = file.WriteString(text)
	require.NoError(m, err)
	if sync {
		require.NoError(m, file.Sync())
	}
	require.NoError(m, file.Close())
}

func (m mounted) syncDir(name string) {
	m.Helper()
	dir, err := os.Open(m.path(name))
	require.NoError(m, err)
	require.NoError(m, dir.Sync())
	require.NoError(m, dir.Close())
}

func (m mounted) read(name string) string {
	m.Helper()
	data, err := os.ReadFile(m.path(name))
	require.NoError(m, err)
	return string(data)
}

// lose waits until the kernel has closed all files.
func (m mounted) lose() order.Loss {
	m.Helper()
	var r order.Report
	require.Eventually(m, func() bool {
		r = m.disk.Obey(order.Order{Do: order.Lose})
		return !strings.Contains(r.Error, "open")
	}, time.Minute, time.Millisecond)
	require.Empty(m, r.Error)
	return *r.Lost
}

func TestWhatWasSyncedIsThereAndWhatWasNotIsGone(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("log", "synced,", true)
	m.write("log", "not synced", false)
	m.write("new", "never synced", false)
	require.NoError(t, os.Mkdir(m.path("folder"), 0o755))
	assert.Equal(t, "synced,not synced", m.read("log"), "a reader sees what was written")
	loss := m.lose()
	assert.Equal(t, "synced,", m.read("log"))
	assert.NoFileExists(t, m.path("new"))
	assert.NoDirExists(t, m.path("folder"))
	assert.Equal(t, []string{"log", "new"}, loss.Files)
	assert.Equal(t, []string{"folder", "new"}, loss.Names)
	assert.EqualValues(t, len("not syncednever synced"), loss.Bytes)
}

func TestOverwrittenBytesComeBack(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("file", strings.Repeat("a", 10_000), true)
	file, err := os.OpenFile(m.path("file"), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("bbb"), 5000)
	require.NoError(t, err)
	require.NoError(t, file.Truncate(5002))
	require.NoError(t, file.Close())
	assert.Equal(t, strings.Repeat("a", 5000)+"bb", m.read("file"))
	m.lose()
	assert.Equal(t, strings.Repeat("a", 10_000), m.read("file"))
}

func TestRenameIsLostWithoutASync(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("current", "old", true)
	m.write("next", "new", true)
	require.NoError(t, os.Rename(m.path("next"), m.path("current")))
	assert.Equal(t, "new", m.read("current"))
	m.lose()
	assert.Equal(t, "old", m.read("current"))
	assert.Equal(t, "new", m.read("next"))
}

func TestJournalKeepsNamesWithAnySync(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("next", "new", true)
	require.NoError(t, os.Rename(m.path("next"), m.path("current")))
	m.write("another", "synced", true)
	m.lose()
	assert.Equal(t, "new", m.read("current"))
}

func TestStrictDiskKeepsNamesOnlyWithTheirDirectory(t *testing.T) {
	m := open(t, disk.Strict)
	m.write("file", "synced", true)
	m.lose()
	assert.NoFileExists(t, m.path("file"))
	m.write("file", "synced", true)
	m.syncDir(".")
	m.lose()
	assert.Equal(t, "synced", m.read("file"))
}

func TestDiskLosesNothingWhileFilesAreOpen(t *testing.T) {
	m := open(t, disk.Journaled)
	file, err := os.Create(m.path("file"))
	require.NoError(t, err)
	defer file.Close()
	assert.Contains(t, m.disk.Obey(order.Order{Do: order.Lose}).Error, "1 files are open")
}

func TestSyncedWriteNeedsNoSync(t *testing.T) {
	m := open(t, disk.Journaled)
	file, err := os.OpenFile(m.path("file"), os.O_CREATE|os.O_WRONLY|syscall.O_DSYNC, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString("durable")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	m.lose()
	assert.Equal(t, "durable", m.read("file"))
}

func TestErrorsReachWhoeverAsks(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("log", "text", true)
	file, err := os.OpenFile(m.path("log"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()

	m.disk.Obey(order.Order{Do: order.Fail, Op: "write", Files: "log"})
	_, err = file.WriteString("x")
	require.ErrorIs(t, err, syscall.EIO)
	_, err = file.ReadAt(make([]byte, 1), 0)
	require.NoError(t, err)

	m.disk.Obey(order.Order{Do: order.Clear})
	m.disk.Obey(order.Order{Do: order.Fail, Op: "read"})
	_, err = file.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, syscall.EIO)

	m.disk.Obey(order.Order{Do: order.Clear})
	m.disk.Obey(order.Order{Do: order.Fail, Op: "fsync", Files: "other"})
	require.NoError(t, file.Sync())
	m.disk.Obey(order.Order{Do: order.Fail, Op: "fsync"})
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	assert.EqualValues(t, 1, m.disk.Obey(order.Order{Do: order.Status}).Hit)
}

func TestFullDiskHasSpaceAgain(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("log", "text", true)
	m.disk.Obey(order.Order{Do: order.Full, Free: 2})
	m.write("log", "12", false)
	assert.ErrorIs(t, os.WriteFile(m.path("log"), []byte(strings.Repeat("a", 100)), 0o600), syscall.ENOSPC)
	assert.ErrorIs(t, os.WriteFile(m.path("other"), nil, 0o600), syscall.ENOSPC)
	var stat syscall.Statfs_t
	require.NoError(t, syscall.Statfs(m.dir, &stat))
	assert.Zero(t, stat.Bavail)
	m.disk.Obey(order.Order{Do: order.Clear})
	require.NoError(t, os.WriteFile(m.path("other"), []byte("text"), 0o600))
}

func TestFlippedBitIsReadByOthers(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("log", "some text that is long enough", true)
	r := m.disk.Obey(order.Order{Do: order.Flip, Files: "log", Seed: 7})
	require.Empty(t, r.Error)
	require.Len(t, r.Flips, 1)
	text := m.read("log")
	flip := m.disk.Obey(order.Order{Do: order.Status}).Flips[0]
	assert.Equal(t, flip.After, text[flip.Offset])
	assert.Equal(t, "some text that is long enough"[flip.Offset], flip.Before)
	assert.Equal(t, 1, flip.Read)
	m.write("empty", "", true)
	assert.Contains(t, m.disk.Obey(order.Order{Do: order.Flip, Files: "empty"}).Error,
		"no file with anything in it")
}

func TestTornWriteKeepsItsFirstHalf(t *testing.T) {
	m := open(t, disk.Journaled)
	m.write("log", "synced,", true)
	m.write("log", "not synced,", false)
	m.write("other", "not synced", false)
	m.disk.Obey(order.Order{Do: order.Tear, Files: "log"})
	ended := make(chan error, 1)
	go func() {
		file, err := os.OpenFile(m.path("log"), os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = file.WriteString("12345678")
			err = errors.Join(err, file.Close())
		}
		ended <- err
	}()
	require.Eventually(t, func() bool { return !m.disk.Obey(order.Order{Do: order.Status}).Power },
		time.Minute, time.Millisecond)
	assert.Empty(t, ended, "who wrote waits")
	// Nobody can kill this process for its write, so the power comes back, and the write fails.
	m.disk.Obey(order.Order{Do: order.Clear})
	require.ErrorIs(t, <-ended, syscall.EIO)
	loss := m.lose()
	assert.Equal(t, "log", loss.Torn)
	assert.Equal(t, "synced,not synced,1234", m.read("log"))
	assert.NoFileExists(t, m.path("other"))
}

func TestSlowAndHangingSyncs(t *testing.T) {
	m := open(t, disk.Journaled)
	file, err := os.Create(m.path("log"))
	require.NoError(t, err)
	defer file.Close()
	m.disk.Obey(order.Order{Do: order.Slow, Op: "fsync", Delay: 50 * time.Millisecond})
	start := time.Now()
	require.NoError(t, file.Sync())
	assert.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)

	m.disk.Obey(order.Order{Do: order.Hang, Op: "fsync"})
	ended := make(chan error, 1)
	go func() { ended <- file.Sync() }()
	require.Eventually(t, func() bool { return m.disk.Obey(order.Order{Do: order.Status}).Hit == 2 },
		time.Minute, time.Millisecond)
	assert.Empty(t, ended)
	m.disk.Obey(order.Order{Do: order.Clear})
	assert.NoError(t, <-ended)
}

// TestDiskIsAFileSystem does what programs do to files.
func TestDiskIsAFileSystem(t *testing.T) {
	m := open(t, disk.Journaled)
	require.NoError(t, os.MkdirAll(m.path("a/b"), 0o750))
	m.write("a/b/file", "text", false)
	require.NoError(t, os.Link(m.path("a/b/file"), m.path("a/link")))
	require.NoError(t, os.Symlink("b/file", m.path("a/symlink")))
	assert.Equal(t, "text", m.read("a/symlink"))
	require.NoError(t, os.Rename(m.path("a/b"), m.path("c")))
	assert.Equal(t, "text", m.read("c/file"))
	require.NoError(t, os.Chmod(m.path("c/file"), 0o604))
	info, err := os.Stat(m.path("a/link"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o604), info.Mode())
	assert.EqualValues(t, 2, info.Sys().(*syscall.Stat_t).Nlink)
	require.NoError(t, os.Chown(m.path("c/file"), 12, 34))
	then := time.Unix(1_000_000_000, 0)
	require.NoError(t, os.Chtimes(m.path("c/file"), then, then))
	info, err = os.Stat(m.path("c/file"))
	require.NoError(t, err)
	assert.True(t, then.Equal(info.ModTime()))
	assert.EqualValues(t, 12, info.Sys().(*syscall.Stat_t).Uid)

	file, err := os.Open(m.path("c/file"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(m.path("c/file")))
	require.NoError(t, os.Remove(m.path("a/link")))
	buffer := make([]byte, 4)
	_, err = file.ReadAt(buffer, 0)
	require.NoError(t, err, "an open file is there until it is closed")
	assert.Equal(t, "text", string(buffer))
	require.NoError(t, file.Close())

	names, err := os.ReadDir(m.dir)
	require.NoError(t, err)
	require.Len(t, names, 2, "the disk does not show its graveyard")
	require.NoError(t, os.RemoveAll(m.path("a")))
	require.NoError(t, os.RemoveAll(m.path("c")))
	m.lose()
	names, err = os.ReadDir(m.dir)
	require.NoError(t, err)
	assert.Empty(t, names)
}

func TestOrdersOverTheSocket(t *testing.T) {
	d, err := disk.New(t.TempDir(), disk.Journaled)
	require.NoError(t, err)
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := Listen(t.Context(), d, socket)
	require.NoError(t, err)
	defer listener.Close()
	r, err := Send(t.Context(), socket, order.Order{Do: order.Cut})
	require.NoError(t, err)
	assert.False(t, r.Power)
	r, err = Send(t.Context(), socket, order.Order{Do: "explode"})
	require.NoError(t, err)
	assert.Equal(t, `there is no order "explode"`, r.Error)
}

func TestMountsAreFoundInTheTable(t *testing.T) {
	const table = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
91 22 0:44 / /var/lib/docker/volumes/x/_data rw,nosuid,nodev - fuse.lyingdisk warren:dev:rabbit1 rw,user_id=0
92 22 0:45 / /a\040b rw - fuse.lyingdisk other rw
`
	assert.Equal(t, []Entry{
		{"warren:dev:rabbit1", "/var/lib/docker/volumes/x/_data"}, {"other", "/a b"},
	}, entries(table))
	assert.True(t, mountedAt(table, "/a b"))
	assert.False(t, mountedAt(table, "/"))
}
