package node

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/rabbit"
)

func emptyVolume(t *testing.T) data { return data{home: t.TempDir(), node: "rabbit@rabbit1"} }

func fill(t *testing.T, d data) {
	t.Helper()
	require.NoError(t, os.MkdirAll(d.folder(), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(d.folder(), "msg"), []byte("x"), 0o600))
}

func TestAnEmptyVolumeHasNoData(t *testing.T) {
	d := emptyVolume(t)
	assert.False(t, d.exist())
	require.NoError(t, os.MkdirAll(d.folder(), 0o700))
	assert.False(t, d.exist(), "an empty folder")
	fill(t, d)
	assert.True(t, d.exist())
}

func TestWhatCanNotBeReadCountsAsData(t *testing.T) {
	d := emptyVolume(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(d.folder()), 0o700))
	require.NoError(t, os.WriteFile(d.folder(), nil, 0o600))
	assert.True(t, d.exist())
}

func TestTheOriginOfDataIsNoted(t *testing.T) {
	d := emptyVolume(t)
	id := rabbit.Identity{ClusterID: "id-1", Version: "4.3.6"}
	require.NoError(t, d.note(id))
	assert.Empty(t, d.origin(), "without data it says nothing")
	fill(t, d)
	assert.Equal(t, origin{ClusterID: "id-1", Version: "4.3.6"}, d.origin())
	require.NoError(t, d.note(rabbit.Identity{ClusterID: "id-2", Version: "4.3.6"}))
	assert.Equal(t, "id-2", d.origin().ClusterID)
	require.NoError(t, os.WriteFile(d.record(), []byte("{"), 0o600))
	assert.Empty(t, d.origin(), "what can't be read is unknown")
}

func TestDataAreSetAsideWithTheirFlags(t *testing.T) {
	d := emptyVolume(t)
	fill(t, d)
	require.NoError(t, d.note(rabbit.Identity{ClusterID: "id-1", Version: "4.3.6"}))
	require.NoError(t, os.WriteFile(d.folder()+"-feature_flags", nil, 0o600))
	aside, err := d.setAside(time.Unix(0, 0))
	require.NoError(t, err)
	assert.False(t, d.exist())
	assert.Empty(t, d.origin())
	assert.FileExists(t, filepath.Join(aside, "msg"))
	assert.FileExists(t, aside+"-feature_flags")
	assert.Contains(t, aside, ".removed-19700101T000000")
}

func TestInstalledFilesAreForOneAccountOnly(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	require.NoError(t, os.WriteFile(from, []byte("secret"), 0o400))
	for range 2 { // a container that starts again finds the file
		require.NoError(t, install(from, to, account{os.Getuid(), os.Getgid()}))
	}
	info, err := os.Stat(to)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o400), info.Mode().Perm())
	assert.ErrorIs(t, install(filepath.Join(dir, "none"), to, account{}), os.ErrNotExist)
}

func TestAProcessThatSomebodyWaitsForIsNotReaped(t *testing.T) {
	var c children
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "exit 3")
	require.NoError(t, c.start(cmd))
	require.Eventually(t, func() bool { return ended() == cmd.Process.Pid }, 10*time.Second, time.Millisecond)
	assert.False(t, c.reapOne())
	err := c.wait(cmd)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.ExitCode())
}

func TestAnInheritedProcessIsReaped(t *testing.T) {
	var c children
	cmd := exec.CommandContext(t.Context(), "true")
	require.NoError(t, cmd.Start()) // nobody is known to wait for it
	require.Eventually(t, func() bool { return ended() == cmd.Process.Pid }, 10*time.Second, time.Millisecond)
	assert.True(t, c.reapOne())
	assert.Error(t, cmd.Wait())
}
