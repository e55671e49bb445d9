package report

import (
	"fmt"
	"html/template"
	"slices"
	"time"
)

// Memory is what one process or container used over time.
type Memory struct {
	// Of is a node, the load balancer or the harness.
	Of      string        `json:"of"`
	Samples []MemoryUsage `json:"samples"`
}

// MemoryUsage is the memory used at a moment.
type MemoryUsage struct {
	// At is the time since the run began.
	At    time.Duration `json:"at"`
	Bytes uint64        `json:"bytes"`
}

// The layout of the plot of memory.
const (
	memoryTop    = 14.0
	memoryHeight = 200.0
	memoryLegend = 20.0 // the height of a line of the legend
)

// MemorySVG draws memory over time, a line each, above the time of each scenario.
func (r Run) MemorySVG() template.HTML {
	end, most := time.Second, uint64(1<<20)
	for _, m := range r.Memory {
		for _, s := range m.Samples {
			end, most = max(end, s.At), max(most, s.Bytes)
		}
	}
	const mebibyte = 1 << 20
	top := niceCeiling(float64(most)/mebibyte, 1, 1.5, 2, 3, 4, 5, 6, 8)
	x := func(at time.Duration) float64 {
		return plotLeft + (plotRight-plotLeft)*min(float64(at)/float64(end), 1)
	}
	y := func(bytes uint64) float64 {
		return memoryTop + memoryHeight*(1-float64(bytes)/mebibyte/top)
	}
	bottom := memoryTop + memoryHeight
	d := &drawing{}
	fmt.Fprintf(d, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="Memory over time">`, plotWidth,
		bottom+34+memoryLegend)
	for _, s := range r.Scenarios {
		from := s.Started.Sub(r.Started)
		d.rect("coming", x(from), memoryTop, max(1, x(from+s.Took)-x(from)), memoryHeight, s.Name)
	}
	for _, share := range []float64{0, 0.5, 1} {
		d.line("grid", plotLeft, memoryTop+memoryHeight*(1-share), plotRight, memoryTop+memoryHeight*(1-share))
		d.text("tick", plotLeft-8, memoryTop+memoryHeight*(1-share)+4, fmt.Sprintf("%g MiB", top*share))
	}
	for i, m := range r.Memory {
		if len(m.Samples) == 0 {
			continue
		}
		colour := memoryColours[i%len(memoryColours)]
		fmt.Fprintf(d, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, colour)
		for _, s := range thin(m.Samples) {
			fmt.Fprintf(d, "%.1f,%.1f ", x(s.At), y(s.Bytes))
		}
		fmt.Fprintf(d, `"><title>%s</title></polyline>`, template.HTMLEscapeString(m.Of))
		at := plotLeft + 150*float64(i)
		fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="12" height="12" fill="%s"/>`, at, bottom+26, colour)
		d.text("memoryname", at+17, bottom+37, m.Of)
	}
	step := niceCeiling(end.Minutes()/12, 1, 2, 5)
	for minute := 0.0; minute <= end.Minutes(); minute += step {
		at := x(time.Duration(minute * float64(time.Minute)))
		d.line("mark", at, bottom+2, at, bottom+7)
		d.text("second", at, bottom+20, fmt.Sprintf("%g min", minute))
	}
	d.WriteString(`</svg>`)
	return template.HTML(d.String())
}

var memoryColours = []string{"#2563eb", "#059669", "#d97706", "#7c3aed", "#db2777", "#0891b2", "#65a30d"}

// thin leaves as many samples as a screen can show: of each group, the largest.
func thin(samples []MemoryUsage) []MemoryUsage {
	const most = 1000
	if len(samples) <= most {
		return samples
	}
	var kept []MemoryUsage
	for group := range slices.Chunk(samples, (len(samples)+most-1)/most) {
		kept = append(kept, slices.MaxFunc(group, func(a, b MemoryUsage) int {
			return int(int64(a.Bytes) - int64(b.Bytes))
		}))
	}
	return kept
}
