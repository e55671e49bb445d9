package compare

import (
	"fmt"
	"time"

	"warren/verify/report"
)

// Claim is a bound that a comparison is to hold: on the median of a row's metric, or on its ratio to that of
// another row.
type Claim struct {
	Row, Metric string
	// Against is the row that the ratio is taken to; empty for a bound on the median itself.
	Against string
	// AtLeast and AtMost are the bounds. AtMost is used if AtLeast is 0.
	AtLeast, AtMost float64
	// Plus is added to AtMost times the other row's median.
	Plus float64
	// More than another row's median by AtMost, instead of a ratio.
	Difference bool
}

// Judgement is a claim and what became of it.
type Judgement struct {
	// Text says what is claimed and what was measured.
	Text  string `json:"text"`
	Holds bool   `json:"holds"`
	// Unknown claims could not be judged since a row is missing.
	Unknown bool `json:"unknown,omitempty"`
}

// judge holds the claim against the result.
func (c Claim) judge(r Result) Judgement {
	unit := r.unit(c.Metric)
	subject := fmt.Sprintf("%s, %s", c.Row, c.Metric)
	show := func(value float64) string { return Format(value, unit) }
	switch {
	case c.Difference:
		subject += ", beyond that of " + c.Against
	case c.Plus != 0:
		subject += ", less " + Format(c.Plus, unit) + ", as a multiple of that of " + c.Against
		show = FormatRatio
	case c.Against != "":
		subject += ", as a multiple of that of " + c.Against
		show = FormatRatio
	}
	bound, word := c.AtMost, "at most"
	if c.AtLeast != 0 {
		bound, word = c.AtLeast, "at least"
	}
	text := fmt.Sprintf("%s: %s %s", subject, word, show(bound))

	value, ok := r.median(c.Row, c.Metric)
	if ok && c.Against != "" {
		var base float64
		base, ok = r.median(c.Against, c.Metric)
		if c.Difference {
			value -= base
		} else {
			value = Ratio(value-c.Plus, base)
		}
	}
	if !ok {
		return Judgement{Text: text + "; not measured", Unknown: true}
	}
	holds := value <= bound
	if c.AtLeast != 0 {
		holds = value >= bound
	}
	return Judgement{Text: fmt.Sprintf("%s; measured %s", text, show(value)), Holds: holds}
}

// Format writes a value for people.
func Format(value float64, unit Unit) string {
	switch unit {
	case Seconds:
		if value < 0 {
			return "-" + Format(-value, unit)
		}
		return report.Duration(time.Duration(value * float64(time.Second)))
	case PerSecond:
		return report.Number(int(value+0.5)) + "/s"
	default:
		return report.Number(int(value))
	}
}

// FormatRatio writes a ratio for people.
func FormatRatio(value float64) string { return fmt.Sprintf("%.2f", value) }
