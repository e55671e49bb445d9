package present

import (
	"warren/bench/compare"

	"fmt"
	"html/template"
	"math"
	"strings"
)

// The layout of a plot, in units of its view box.
const (
	plotWidth = 1000.0
	barsLeft  = 330.0
	barsRight = 850.0
	barHeight = 20.0
	barGap    = 8.0
	axisSpace = 26.0
)

// plot draws a metric of a comparison: a bar from zero to the median for each row, a line from the least to
// the most, and a dot for every repetition. Where the rows differ by more than a hundred times, the scale is
// logarithmic.
func plot(c compare.Result, m compare.Metric) template.HTML {
	var rows []compare.Row
	for _, row := range c.Rows {
		if _, ok := row.Values[m.Name]; ok {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return ""
	}
	scale := newScale(rows, m.Name)
	height := axisSpace + (barHeight+barGap)*float64(len(rows))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, plotWidth, height,
		template.HTMLEscapeString(c.Name+": "+m.Name))
	for _, tick := range scale.ticks() {
		x := scale.x(tick)
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="0" x2="%.1f" y2="%.1f"/>`, x, x, height-axisSpace+4)
		fmt.Fprintf(&b, `<text class="second" x="%.1f" y="%.1f">%s</text>`, x, height-6,
			template.HTMLEscapeString(compare.Format(tick, m.Unit)))
	}
	for i, row := range rows {
		s := row.Values[m.Name]
		y := (barHeight + barGap) * float64(i)
		middle := y + barHeight/2
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f">%s</text>`, barsLeft-10, middle+4,
			template.HTMLEscapeString(row.Name))
		fmt.Fprintf(&b, `<rect class="bar%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			kind(i), barsLeft, y,
			max(1, scale.x(s.Median)-barsLeft), barHeight, template.HTMLEscapeString(row.Name+": "+
				compare.Format(s.Median, m.Unit)+" "+spread(s, m.Unit)))
		fmt.Fprintf(&b, `<line class="spread" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, scale.x(s.Min), middle,
			scale.x(s.Max), middle)
		for _, value := range s.Values {
			fmt.Fprintf(&b, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.4"/>`, scale.x(value), middle)
		}
		fmt.Fprintf(&b, `<text class="value" x="%.1f" y="%.1f">%s</text>`, scale.x(s.Max)+8, middle+4,
			template.HTMLEscapeString(compare.Format(s.Median, m.Unit)))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// kind is the class of the first bar, which the others are compared with.
func kind(i int) string {
	if i == 0 {
		return " first"
	}
	return ""
}

// scale places values between barsLeft and barsRight.
type scale struct {
	low, high   float64
	logarithmic bool
}

func newScale(rows []compare.Row, metric string) scale {
	low, high := math.Inf(1), 0.0
	for _, row := range rows {
		s := row.Values[metric]
		high = max(high, s.Max)
		if s.Min > 0 {
			low = min(low, s.Min)
		}
	}
	if high <= 0 {
		return scale{high: 1}
	}
	const tooFarApart = 100
	if high/low > tooFarApart {
		return scale{low: math.Pow(10, math.Floor(math.Log10(low))), high: high, logarithmic: true}
	}
	return scale{high: high}
}

func (s scale) x(value float64) float64 {
	share := value / s.high
	if s.logarithmic {
		share = math.Log10(max(value, s.low)/s.low) / math.Log10(s.high/s.low)
	}
	return barsLeft + (barsRight-barsLeft)*min(max(share, 0), 1)
}

// ticks are round values along the scale.
func (s scale) ticks() []float64 {
	var ticks []float64
	if s.logarithmic {
		for t := s.low; t <= s.high; t *= 10 {
			ticks = append(ticks, t)
		}
		return ticks
	}
	step := math.Pow(10, math.Floor(math.Log10(s.high)))
	switch {
	case s.high/step < 2:
		step /= 5
	case s.high/step < 5:
		step /= 2
	}
	for i := 0.0; i*step <= s.high*1.0001; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}
