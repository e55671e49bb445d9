package dashboard

import (
	"math"
	"regexp"
	"time"

	"warren/operate/prometheus"
)

// timespan is what a plot shows: a time in equal steps.
type timespan struct {
	from, to time.Time
	step     time.Duration
}

// grid is the time until now, in whole steps, so that the points of one answer are those of the next.
func grid(now time.Time, length time.Duration) timespan {
	step := max(shortestStep, (length / pointsShown).Round(shortestStep))
	to := time.Unix(now.Unix()/int64(step.Seconds())*int64(step.Seconds()), 0)
	return timespan{to.Add(-length.Truncate(step)), to, step}
}

// count is the number of points.
func (t timespan) count() int { return int(t.to.Sub(t.from)/t.step) + 1 }

// align puts points into the places of their steps. What is not there, and what is no number, is nil.
func (t timespan) align(points []prometheus.Point) []*float64 {
	values := make([]*float64, t.count())
	for _, p := range points {
		i := int((p.Time.Sub(t.from) + t.step/2) / t.step)
		if i >= 0 && i < len(values) && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			values[i] = &p.Value
		}
	}
	return values
}

var labelInLegend = regexp.MustCompile(`\{\{(\w+)\}\}`)

// legend is what a series is called.
func legend(template string, labels map[string]string) string {
	return labelInLegend.ReplaceAllStringFunc(template, func(label string) string {
		return labels[labelInLegend.FindStringSubmatch(label)[1]]
	})
}
