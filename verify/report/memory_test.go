package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryIsPlotted(t *testing.T) {
	run := Run{Stack: "dev", Started: time.Now()}
	none, err := html(run)
	require.NoError(t, err)
	assert.NotContains(t, string(none), "<h2>Memory</h2>")

	run.Memory = []Memory{{Of: "rabbit<1>"}, {Of: "harness"}}
	for i := range 5000 {
		at := time.Duration(i) * time.Second
		run.Memory[0].Samples = append(run.Memory[0].Samples, MemoryUsage{At: at, Bytes: 300 << 20})
	}
	run.Problems = []string{"The memory of harness grew."}
	page, err := html(run)
	require.NoError(t, err)
	text := string(page)
	assert.Contains(t, text, "<h2>Memory</h2>")
	assert.Contains(t, text, "The memory of harness grew.")
	assert.Contains(t, text, "rabbit&lt;1&gt;")
	assert.NotContains(t, text, "rabbit<1>")
	assert.Equal(t, 1, strings.Count(text, "<polyline"), "what has no samples has no line")
	assert.Equal(t, Failed, run.Status(), "a problem of the run fails it")
	_, points, found := strings.Cut(text, `points="`)
	require.True(t, found)
	points, _, _ = strings.Cut(points, `">`)
	assert.Less(t, strings.Count(points, ","), 1100, "no more points than a screen can show")
}

func TestThinKeepsThePeaks(t *testing.T) {
	var samples []MemoryUsage
	for i := range 3000 {
		samples = append(samples, MemoryUsage{At: time.Duration(i), Bytes: 1})
	}
	samples[1234].Bytes = 99
	kept := thin(samples)
	assert.LessOrEqual(t, len(kept), 1000)
	assert.Contains(t, kept, samples[1234])
}
