package present

import (
	"warren/bench/compare"

	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// measured is a run with a side that is fine, one that is missing and one that failed.
func measured() compare.Run {
	c := compare.Result{Name: "throughput/x", Shows: "What <it> shows.",
		Metrics: []compare.Metric{{Name: "confirmed", Unit: compare.PerSecond},
			{Name: "p99", Unit: compare.Seconds}}, Repetitions: 2, Load: 0.4}
	c.Add("Warren", compare.Sample{Values: map[string]float64{"confirmed": 12_000, "p99": 0.004}})
	c.Add("Warren", compare.Sample{Values: map[string]float64{"confirmed": 14_000, "p99": 0.006}})
	c.Add("a & b", compare.Sample{Values: map[string]float64{"confirmed": 6_500, "p99": 0.9}})
	c.Row("python").Missing = "a Python with pika is missing: install it"
	c.Row("broken").Errors = []string{"no quorum"}
	c.Conclude([]compare.Claim{{Row: "Warren", Metric: "confirmed", Against: "a & b", AtLeast: 1.5},
		{Row: "Warren", Metric: "p99", AtMost: 0.001}})
	return compare.Run{Stack: "dev", Series: "4.3", Machine: compare.Machine{Cores: 2, CPU: "a CPU"},
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Took:    time.Minute, Comparisons: []compare.Result{c}}
}

func TestPrintTellsMediansSpreadRatiosAndClaims(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Print(&b, measured()))
	text := b.String()
	for _, want := range []string{
		"13,000/s  (12,000/s to 14,000/s)    5 ms   (4 ms to 6 ms)   1.00", "0.50",
		"python was not measured: a Python with pika is missing: install it",
		"broken FAILED once: no quorum",
		"HOLDS  Warren, confirmed, as a multiple of that of a & b: at least 1.50; measured 2.00",
		"BROKEN  Warren, p99: at most 1 ms; measured 5 ms",
		"1 claims do not hold",
	} {
		assert.Contains(t, text, want)
	}
}

func TestWriteLeavesAPageAndJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "report")
	require.NoError(t, Write(dir, measured()))

	body, err := os.ReadFile(filepath.Join(dir, JSONFile))
	require.NoError(t, err)
	var back compare.Run
	require.NoError(t, json.Unmarshal(body, &back))
	assert.Equal(t, measured(), back)

	page, err := os.ReadFile(filepath.Join(dir, HTMLFile))
	require.NoError(t, err)
	html := string(page)
	assert.Equal(t, 2, strings.Count(html, "<svg "), "one plot per metric")
	assert.NotContains(t, html, "<it>")
	assert.NotContains(t, html, "http://", "the page stands alone")
	assert.NotContains(t, html, "ZgotmplZ")
	assert.Contains(t, html, "1 claims do not hold")
}

func TestPlotIsWellFormed(t *testing.T) {
	c := measured().Comparisons[0]
	for _, m := range c.Metrics {
		decoder := xml.NewDecoder(strings.NewReader(string(plot(c, m))))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else {
				require.NoError(t, err)
			}
		}
	}
	assert.Empty(t, plot(c, compare.Metric{Name: "not measured"}))
}

func TestScale(t *testing.T) {
	rows := func(values ...float64) []compare.Row {
		var rows []compare.Row
		for _, v := range values {
			rows = append(rows, compare.Row{Values: map[string]compare.Summary{"x": compare.Summarize([]float64{v})}})
		}
		return rows
	}
	linear := newScale(rows(10, 25), "x")
	assert.Equal(t, barsLeft, linear.x(0))
	assert.Equal(t, barsRight, linear.x(25))
	assert.Equal(t, []float64{0, 5, 10, 15, 20, 25}, linear.ticks())

	logarithmic := newScale(rows(0.02, 20), "x")
	assert.True(t, logarithmic.logarithmic)
	assert.Equal(t, barsLeft, logarithmic.x(0), "nothing is at the left")
	assert.InDelta(t, barsRight, logarithmic.x(20), 1e-9)
	assert.InDeltaSlice(t, []float64{0.01, 0.1, 1, 10}, logarithmic.ticks(), 1e-9)

	assert.Equal(t, barsLeft, newScale(rows(0, 0), "x").x(0))
}
