package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"warren/verify/history"
)

// The layout of a plot, in units of its view box. The page scales it to the width of the window.
const (
	plotWidth   = 1000.0
	plotLeft    = 112.0
	plotRight   = 988.0
	rateTop     = 40.0
	rateHeight  = 150.0
	delayTop    = rateTop + rateHeight + 40
	delayHeight = 90.0
	laneTop     = delayTop + delayHeight + 40
	laneHeight  = 17.0
)

// drawing is an SVG image under construction. Every text passes through text or title, which escape it.
type drawing struct {
	strings.Builder
	chart *Chart
}

// SVG draws the chart: rates, latencies, and for each path when it was out of service, over the same time
// axis.
func (c *Chart) SVG() template.HTML {
	d := &drawing{chart: c}
	bottom := laneTop + laneHeight*float64(len(c.Lanes))
	fmt.Fprintf(d, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="Rates, latency and outages over time">`,
		plotWidth, bottom+34)
	d.faults(bottom)
	d.phases(bottom)
	d.rates()
	d.delays()
	d.lanes()
	d.timeAxis(bottom)
	d.faultNames()
	d.tooltips()
	d.WriteString(`</svg>`)
	return template.HTML(d.String())
}

// x is where a moment lies.
func (d *drawing) x(t time.Duration) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(t)/float64(d.chart.end())
}

func (d *drawing) text(class string, x, y float64, text string) {
	fmt.Fprintf(d, `<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, x, y, template.HTMLEscapeString(text))
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

// rect draws a rectangle with a tooltip; an empty tip is none.
func (d *drawing) rect(class string, x, y, width, height float64, tip string) {
	fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f">`, class, x, y, width, height)
	if tip != "" {
		fmt.Fprintf(d, `<title>%s</title>`, template.HTMLEscapeString(tip))
	}
	d.WriteString(`</rect>`)
}

// faults shades the time in which a fault was in effect, and lighter that in which it was coming or going.
func (d *drawing) faults(bottom float64) {
	for _, f := range d.chart.Faults {
		healed, healing, injected := f.Healed, f.Healing, f.Injected
		if healed == 0 {
			healed = d.chart.end()
		}
		if healing == 0 {
			healing = healed
		}
		if injected == 0 {
			injected = healing
		}
		d.rect("coming", d.x(f.Begun), rateTop, d.x(healed)-d.x(f.Begun), bottom-rateTop, "")
		d.rect("fault", d.x(injected), rateTop, max(1, d.x(healing)-d.x(injected)), bottom-rateTop, "")
	}
}

// faultNames goes on top of everything else, to be read.
func (d *drawing) faultNames() {
	for _, f := range d.chart.Faults {
		d.text("faultname", d.x(f.Begun)+4, rateTop+13, f.Fault)
	}
}

// phases marks where the parts of the run begin, and names those that are wide enough for it.
func (d *drawing) phases(bottom float64) {
	const letter = 6.2 // the width of one, near enough
	for _, p := range d.chart.Phases {
		from, to := d.x(p.From), d.x(p.To)
		d.line("phase", from, rateTop-16, from, bottom)
		if to-from > letter*float64(len(p.Name))+6 {
			d.text("phasename", from+4, rateTop-6, p.Name)
		}
	}
}

// rates draws messages per second.
func (d *drawing) rates() {
	c := d.chart
	// What was published gives the scale: a backlog that is delivered at once would flatten everything else.
	published, peak := 1.0, 1.0
	for i := range c.Attempted {
		published = max(published, c.perSecond(c.Attempted[i]))
		peak = max(peak, c.perSecond(c.Confirmed[i]), c.perSecond(c.Delivered[i]))
	}
	top := niceCeiling(min(max(published, peak), 1.3*published), 1, 1.5, 2, 3, 4, 5, 6, 8)
	cut := peak > top
	y := func(rate float64) float64 { return rateTop + rateHeight*(1-min(rate, top)/top) }
	for _, share := range []float64{0, 0.5, 1} {
		d.line("grid", plotLeft, y(top*share), plotRight, y(top*share))
		d.text("tick", plotLeft-8, y(top*share)+4, fmt.Sprintf("%g", top*share))
	}
	d.text("axis", 0, rateTop+14, "messages")
	d.text("axis", 0, rateTop+29, "per second")
	if cut {
		d.text("axis", 0, rateTop+44, "(peaks cut)")
	}

	d.steps("attempted", c.Attempted, y)
	d.steps("delivered", c.Delivered, y)
	d.steps("confirmed", c.Confirmed, y)
}

// steps draws a series of counts as a line that keeps each interval's level.
func (d *drawing) steps(class string, series []int, y func(float64) float64) {
	fmt.Fprintf(d, `<path class="%s" d="`, class)
	for i, n := range series {
		level := y(d.chart.perSecond(n))
		if i == 0 {
			fmt.Fprintf(d, "M%.1f %.1f", plotLeft, level)
		} else {
			fmt.Fprintf(d, "V%.1f", level)
		}
		fmt.Fprintf(d, "H%.1f", d.x(time.Duration(i+1)*d.chart.Bucket))
	}
	d.WriteString(`"/>`)
}

// delays draws confirm latencies on a logarithmic scale: the range from median to maximum of each interval.
func (d *drawing) delays() {
	c := d.chart
	low, high := 1.0, 100.0 // milliseconds
	for i := range c.Median {
		if c.Max[i] > 0 {
			low, high = min(low, milliseconds(c.Median[i])), max(high, milliseconds(c.Max[i]))
		}
	}
	from, to := math.Floor(math.Log10(max(low, 0.1))), math.Ceil(math.Log10(high))
	y := func(t time.Duration) float64 {
		share := (math.Log10(max(milliseconds(t), 0.1)) - from) / (to - from)
		return delayTop + delayHeight*(1-min(max(share, 0), 1))
	}
	for power := from; power <= to; power++ {
		t := time.Duration(math.Pow(10, power) * float64(time.Millisecond))
		d.line("grid", plotLeft, y(t), plotRight, y(t))
		d.text("tick", plotLeft-8, y(t)+4, decade(power))
	}
	d.text("axis", 0, delayTop+14, "publish to")
	d.text("axis", 0, delayTop+29, "confirm")

	width := max(1.2, d.x(c.Bucket)-plotLeft-0.6)
	for i := range c.Median {
		if c.Max[i] == 0 {
			continue
		}
		x := d.x(time.Duration(i) * c.Bucket)
		d.rect("delayrange", x, y(c.Max[i]), width, max(1, y(c.Median[i])-y(c.Max[i])), "")
		d.rect("delaymedian", x, y(c.Median[i])-1, width, 2, "")
	}
}

// decade names a power of ten of milliseconds.
func decade(power float64) string {
	if power < 3 {
		return fmt.Sprintf("%g ms", math.Pow(10, power))
	}
	return fmt.Sprintf("%g s", math.Pow(10, power-3))
}

// lanes draws for every path when it was out of service: confirms in the upper half of its lane, deliveries
// below.
func (d *drawing) lanes() {
	d.text("lanetitle", plotLeft, laneTop-8,
		"service by path (upper half: confirms, lower half: deliveries; red: none)")
	half := (laneHeight - 5) / 2
	for i, lane := range d.chart.Lanes {
		y := laneTop + laneHeight*float64(i)
		d.text("lane", plotLeft-8, y+11, pathName(lane.Path))
		from, to := d.x(d.chart.Traffic.From), d.x(d.chart.Traffic.To)
		d.rect("up", from, y, to-from, half, "")
		d.rect("up", from, y+half+1, to-from, half, "")
		d.outages(lane.Path, "confirm", lane.Confirms, y, half)
		d.outages(lane.Path, "delivery", lane.Deliveries, y+half+1, half)
	}
}

func (d *drawing) outages(path, what string, outages []history.Span, y, height float64) {
	for _, o := range outages {
		d.rect("down", d.x(o.From), y, max(1, d.x(o.To)-d.x(o.From)), height,
			fmt.Sprintf("%s: no %s for %s", pathName(path), what, Duration(o.Length())))
	}
}

// timeAxis numbers the seconds.
func (d *drawing) timeAxis(bottom float64) {
	step := niceCeiling(d.chart.end().Seconds()/12, 1, 2, 5)
	for s := 0.0; s <= d.chart.end().Seconds(); s += step {
		x := d.x(time.Duration(s * float64(time.Second)))
		d.line("mark", x, bottom+2, x, bottom+7)
		d.text("second", x, bottom+20, fmt.Sprintf("%g s", s))
	}
}

// tooltips lays an invisible rectangle over every interval of the upper two plots, which tells its numbers.
func (d *drawing) tooltips() {
	c := d.chart
	for i := range c.Attempted {
		from := time.Duration(i) * c.Bucket
		tip := fmt.Sprintf("%.1f s: published %.0f/s, confirmed %.0f/s, delivered %.0f/s", from.Seconds(),
			c.perSecond(c.Attempted[i]), c.perSecond(c.Confirmed[i]), c.perSecond(c.Delivered[i]))
		if c.Max[i] > 0 {
			tip += fmt.Sprintf("\nconfirmed after %s (median), %s (longest)", Duration(c.Median[i]),
				Duration(c.Max[i]))
		}
		d.rect("tip", d.x(from), rateTop, d.x(from+c.Bucket)-d.x(from), delayTop+delayHeight-rateTop, tip)
	}
}

func milliseconds(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }

// niceCeiling is the next number at or above x that is one of the factors times a power of ten.
func niceCeiling(x float64, factors ...float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range factors {
		if factor*power >= x {
			return factor * power
		}
	}
	return 10 * power
}
