package build

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsRecorded(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456"}, {Key: "vcs.modified", Value: "true"},
	}}
	assert.Equal(t, Info{Revision: "0123456, modified", Go: "go1.26.8"}, of(info))
	info.Settings[1].Value = "false"
	assert.Equal(t, "0123456", of(info).Revision)
	info.Settings, info.Main.Version = nil, "v1.2.3"
	assert.Equal(t, "v1.2.3", of(info).Revision, "built from a module")
}
