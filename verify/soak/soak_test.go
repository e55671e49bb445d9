package soak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/report"
	"warren/verify/scenario"
)

// memory is what is used at each of a hundred moments.
func memory(of string, mebibytes func(i int) int) report.Memory {
	m := report.Memory{Of: of}
	for i := range 100 {
		m.Samples = append(m.Samples, report.MemoryUsage{
			At: time.Duration(i) * sampleEvery, Bytes: uint64(mebibytes(i)) << 20})
	}
	return m
}

func TestGrowth(t *testing.T) {
	assert.Empty(t, Growth([]report.Memory{
		memory("rabbit1", func(int) int { return 400 }),
		memory("rabbit2", func(i int) int { return 300 + 200*(i%5) }), // comes and goes
		memory("rabbit3", func(i int) int { return min(100+20*i, 600) }),
		memory("harness", func(i int) int { return 100 + i/2 }),
	}))
	assert.Equal(t, []string{
		"The memory of rabbit1 grew from 225 MiB to 475 MiB.",
		"The memory of harness grew from 100 MiB to 300 MiB.",
	}, Growth([]report.Memory{
		memory("rabbit1", func(i int) int { return 100 + 5*i + 200*(i%5) }),
		memory("harness", func(i int) int { return 100 + 200*(i/70) }),
	}))
	few := []report.MemoryUsage{{Bytes: 1}, {Bytes: 1 << 40}}
	assert.Empty(t, Growth([]report.Memory{{Of: "harness", Samples: few}}),
		"too few to tell")
}

func TestMemoryOfThisProcess(t *testing.T) {
	bytes, err := resident()
	require.NoError(t, err)
	assert.Greater(t, bytes, uint64(1<<20))
	assert.Less(t, bytes, uint64(1<<34))
}

func TestRoundsEndWhenItIsLate(t *testing.T) {
	var seeds []uint64
	draw := func(seed uint64) (scenario.Scenario, bool) {
		seeds = append(seeds, seed)
		return scenario.Scenario{}, true
	}
	for range rounds(time.Now().Add(-time.Hour), 7, draw) {
	}
	assert.Equal(t, []uint64{7}, seeds, "one in any case")
	seeds = nil
	n := 0
	for range rounds(time.Now().Add(time.Hour), 7, draw) {
		if n++; n == 3 {
			break
		}
	}
	assert.Equal(t, []uint64{7, 8, 9}, seeds)
}
