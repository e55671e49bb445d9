package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/checker"
	"warren/verify/history"
)

const ms = time.Millisecond

// played is a scenario as a run would leave it: a fault between 9 s and 17 s, during which the leader's own
// path is down throughout and the others for a moment. Drop says which confirmed messages vanish.
func played(name string, drop func(i int) bool) Scenario {
	random := rand.New(rand.NewPCG(1, 2))
	h := history.History{
		Scenario: name,
		Started:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Paths:    []string{history.LoadBalancer, history.AnyNode, "rabbit1", "rabbit2", "rabbit3"},
		Traffic:  history.Span{From: 500 * ms, To: 25 * time.Second},
		Drained:  true,
		Faults: []history.FaultWindow{{Fault: name, Begun: 8500 * ms, Injected: 9 * time.Second,
			Healing: 17 * time.Second, Healed: 19 * time.Second}},
	}
	for at, phase := range map[time.Duration]string{
		0: "connect", 500 * ms: "warm-up", 8500 * ms: "inject", 9 * time.Second: "hold",
		17 * time.Second: "heal", 19 * time.Second: "recover", 22 * time.Second: "cool-down",
		25 * time.Second: "drain",
	} {
		h.Events = append(h.Events, history.Event{At: at, Kind: history.Phase, Text: phase})
	}
	outages := map[string]history.Span{
		history.LoadBalancer: {From: 8600 * ms, To: 9 * time.Second},
		history.AnyNode:      {From: 8600 * ms, To: 8800 * ms},
		"rabbit1":            {From: 8600 * ms, To: 9400 * ms},
		"rabbit2":            {From: 8600 * ms, To: 18 * time.Second},
		"rabbit3":            {From: 8600 * ms, To: 8850 * ms},
	}
	n := 0
	for at := h.Traffic.From; at < h.Traffic.To; at += 10 * ms {
		for _, path := range h.Paths {
			n++
			p := history.Publish{ID: fmt.Sprintf("%s/%d", path, n), Producer: path, Path: path, At: at,
				Outcome: history.Confirmed}
			if o := outages[path]; at >= o.From && at < o.To {
				p.Outcome, p.Done, p.Error = history.Unknown, at+1500*ms, "connection reset by peer"
			} else {
				p.Done = at + time.Duration(2+random.ExpFloat64()*4)*ms
			}
			h.Publishes = append(h.Publishes, p)
			if p.Outcome == history.Confirmed && !drop(n) {
				h.Deliveries = append(h.Deliveries,
					history.Delivery{ID: p.ID, Consumer: path, Path: path, At: p.Done + 3*ms})
			}
		}
	}
	h.Events = append(h.Events, history.Event{At: 8620 * ms, Kind: history.Client, Subject: "producer rabbit2",
		Text: "disconnected: connection reset by peer"})
	v := checker.Check(h, nil)
	return Scenario{
		Name:        name,
		Description: "The node that leads the queue is killed with SIGKILL, and started again.",
		Promise:     checker.Expectation{}.String(),
		Injected:    []string{"killed rabbit2, which led verify-leader-killed"},
		Started:     h.Started, Took: 27 * time.Second, Recovery: 3200 * ms,
		Verdict: v, Events: h.Events, Chart: NewChart(h, v), HistoryFile: "history/" + name + ".jsonl.gz",
		Logs: []Log{{Container: "warren-dev-rabbit1", Text: "12:00:08 <0.1.0> rabbit on node rabbit@rabbit2 " +
			"down\n<script>alert(1)</script> see https://example.org/\n"}},
	}
}

func keepAll(int) bool { return false }

func sample() Run {
	failed := played("classic-queue-lost", func(i int) bool { return i%500 == 0 })
	broken := played("pair-cut", keepAll)
	broken.Error = errors.New("inject pair-cut: rabbit1 still reaches rabbit2: the rule did not " +
		"take effect").Error()
	return Run{
		Stack: "dev", Series: "4.3", Nodes: []string{"rabbit1", "rabbit2", "rabbit3"},
		Queue: "a quorum queue with 3 members", Traffic: "5 producers and 5 consumers, 100 messages a second each",
		Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Took: 12*time.Minute + 3*time.Second,
		Scenarios: []Scenario{played("leader-killed", keepAll), failed, broken,
			{Name: "ram-node", Description: "d", Skipped: "series 4.3 has no RAM nodes"}},
	}
}

func written(t *testing.T, r Run) string {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("WARREN_TEST_REPORT"); keep != "" { // to look at it
		dir = keep
	}
	require.NoError(t, Write(dir, r))
	return dir
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(body)
}

func TestPageStandsAlone(t *testing.T) {
	page := read(t, written(t, sample()), HTMLFile)
	for _, pattern := range []string{`(?i)<(link|script|img|iframe|object|embed)\b`, `(?i)\bsrc\s*=`,
		`(?i)url\(`, `@import`,
		`(?i)href\s*=\s*"[^#]`, `(?i)\son\w+\s*=\s*"`} {
		assert.NotRegexp(t, regexp.MustCompile(pattern), page)
	}
	assert.Contains(t, page, "&lt;script&gt;alert(1)", "what a container logged is text, not markup")
}

func TestPageExplainsAFailure(t *testing.T) {
	run := sample()
	page := read(t, written(t, run), HTMLFile)
	lost := run.Scenarios[1].Verdict.Lost
	require.Positive(t, lost.Count)
	assert.Contains(t, page, `<header class="failed">`)
	assert.Contains(t, page, `<span class="badge failed">failed</span>`)
	for _, id := range lost.IDs {
		assert.Contains(t, page, "<code>"+id+"</code>")
	}
	assert.Contains(t, page, "the rule did not take effect")
	assert.Contains(t, page, "series 4.3 has no RAM nodes")
}

func TestPageOfAPassingRunShowsNoFailure(t *testing.T) {
	run := sample()
	run.Scenarios = run.Scenarios[:1]
	page := read(t, written(t, run), HTMLFile)
	assert.Contains(t, page, `<header class="passed">`)
	assert.NotContains(t, page, "Why it failed")
	assert.NotContains(t, page, `class="badge failed"`)
}

func TestJSONTellsTheSame(t *testing.T) {
	run := sample()
	var got struct {
		Status    Status
		Scenarios []struct {
			Name    string
			Status  Status
			Verdict checker.Verdict
			Chart   Chart
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, written(t, run), JSONFile)), &got))
	assert.Equal(t, Failed, got.Status)
	require.Len(t, got.Scenarios, 4)
	assert.Equal(t, []Status{Passed, Failed, Failed, Skipped},
		[]Status{got.Scenarios[0].Status, got.Scenarios[1].Status,
			got.Scenarios[2].Status, got.Scenarios[3].Status})
	assert.Equal(t, run.Scenarios[1].Verdict, got.Scenarios[1].Verdict)
	assert.Equal(t, *run.Scenarios[0].Chart, got.Scenarios[0].Chart)
}

func TestJUnitCountsAndNames(t *testing.T) {
	run := sample()
	var got junitSuite
	require.NoError(t, xml.Unmarshal([]byte(read(t, written(t, run), JUnitFile)), &got))
	assert.Equal(t, []int{4, 2, 1}, []int{got.Tests, got.Failures, got.Skipped})
	assert.Nil(t, got.Cases[0].Failure)
	require.NotNil(t, got.Cases[1].Failure)
	assert.Contains(t, got.Cases[1].Failure.Text, run.Scenarios[1].Verdict.Lost.IDs[0])
	assert.NotNil(t, got.Cases[3].Skipped)
}

func TestTableNamesWhatWasLost(t *testing.T) {
	run := sample()
	var b strings.Builder
	require.NoError(t, Print(&b, run))
	text := b.String()
	assert.Contains(t, text, "classic-queue-lost FAILED:")
	assert.Contains(t, text, run.Scenarios[1].Verdict.Lost.IDs[0])
	assert.Contains(t, text, "2 of 3 scenarios failed (1 skipped)")
	assert.Regexp(t, `leader-killed +PASSED`, text)
}

func TestEmptyRunIsNotPassed(t *testing.T) {
	assert.Equal(t, Skipped, Run{}.Status())
	assert.Equal(t, Failed, Scenario{Error: "interrupted"}.Status())
	assert.Equal(t, Failed, Run{Scenarios: []Scenario{{}, {Error: "x"}}}.Status())
}

func TestChartOfEmptyHistoryIsDrawn(t *testing.T) {
	c := NewChart(history.History{}, checker.Verdict{})
	assert.Contains(t, string(c.SVG()), "<svg")
	assert.NotContains(t, string(c.SVG()), "NaN")
}

func TestChartCountsEveryMessage(t *testing.T) {
	c := played("x", keepAll).Chart
	total := func(series []int) int {
		n := 0
		for _, x := range series {
			n += x
		}
		return n
	}
	v := played("x", keepAll).Verdict
	assert.Equal(t, v.Attempted, total(c.Attempted))
	assert.Equal(t, v.Acknowledged, total(c.Confirmed))
	assert.Equal(t, v.Deliveries, total(c.Delivered))
	assert.LessOrEqual(t, len(c.Attempted), maxBuckets)
}

func TestLongRunsFitTheChart(t *testing.T) {
	for _, length := range []time.Duration{0, time.Second, time.Minute, time.Hour, 30 * time.Hour} {
		assert.LessOrEqual(t, int(length/bucketFor(length)), maxBuckets, length)
	}
}

func TestDurationsReadWell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 800 * time.Microsecond: "800 µs", 3456 * time.Microsecond: "3.5 ms", ms: "1 ms", 171 * ms: "171 ms",
		999900 * time.Microsecond: "1000 ms",
		3300 * ms:                 "3.30 s", 63*time.Second +
			400*ms: "1 min 03 s", 15 * time.Minute: "15 min 00 s"} {
		assert.Equal(t, want, Duration(d))
	}
	assert.Equal(t, "1,234,567", Number(1234567))
	assert.Equal(t, "999", Number(999))
}

func TestNiceCeiling(t *testing.T) {
	for x, want := range map[float64]float64{1: 1, 1.1: 2, 2.7: 5, 7: 10, 430: 500, 0.3: 0.5} {
		assert.InDelta(t, want, niceCeiling(x, 1, 2, 5), 1e-9)
	}
}
