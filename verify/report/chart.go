package report

import (
	"slices"
	"time"

	"warren/verify/checker"
	"warren/verify/history"
)

// maxBuckets is how finely a chart resolves time at most: more would not be seen.
const maxBuckets = 320

// Chart is a history boiled down to what a plot over time shows.
type Chart struct {
	// Bucket is the width of the intervals that the series count over. The first begins at offset 0.
	Bucket time.Duration `json:"bucket"`
	// Attempted, Confirmed and Delivered count messages per interval.
	Attempted []int `json:"attempted"`
	Confirmed []int `json:"confirmed"`
	Delivered []int `json:"delivered"`
	// Median and Max are the confirm latencies of the messages published in an interval, 0 where none was
	// confirmed.
	Median []time.Duration `json:"median"`
	Max    []time.Duration `json:"max"`

	Traffic history.Span          `json:"traffic"`
	Faults  []history.FaultWindow `json:"faults"`
	Phases  []Phase               `json:"phases"`
	Lanes   []Lane                `json:"lanes"`
}

// Phase is a named part of the run.
type Phase struct {
	Name string `json:"name"`
	history.Span
}

// Lane tells when one path was out of service.
type Lane struct {
	Path       string         `json:"path"`
	Confirms   []history.Span `json:"confirmOutages"`
	Deliveries []history.Span `json:"deliveryOutages"`
}

// NewChart boils a history down, with the outages that its verdict found.
func NewChart(h history.History, v checker.Verdict) *Chart {
	end := h.End()
	c := &Chart{Bucket: bucketFor(end), Traffic: h.Traffic, Faults: h.Faults, Phases: phases(h, end)}
	n := int(end/c.Bucket) + 1
	c.Attempted, c.Confirmed, c.Delivered = make([]int, n), make([]int, n), make([]int, n)
	c.Median, c.Max = make([]time.Duration, n), make([]time.Duration, n)

	latencies := make([][]time.Duration, n)
	for _, p := range h.Publishes {
		at := int(p.At / c.Bucket)
		c.Attempted[at]++
		if p.Outcome == history.Confirmed {
			c.Confirmed[int(p.Done/c.Bucket)]++
			latencies[at] = append(latencies[at], p.Done-p.At)
		}
	}
	for i, l := range latencies {
		measured := checker.Percentiles(l)
		c.Median[i], c.Max[i] = measured.Median, measured.Max
	}
	for _, d := range h.Deliveries {
		c.Delivered[int(d.At/c.Bucket)]++
	}
	for _, p := range append([]checker.PathVerdict{v.Overall}, v.Paths...) {
		c.Lanes = append(c.Lanes,
			Lane{Path: p.Path, Confirms: p.Confirms.Outages, Deliveries: p.Deliveries.Outages})
	}
	return c
}

// end is the offset at which the chart ends.
func (c *Chart) end() time.Duration { return time.Duration(len(c.Attempted)) * c.Bucket }

// perSecond turns a count per interval into a rate.
func (c *Chart) perSecond(count int) float64 { return float64(count) / c.Bucket.Seconds() }

// bucketFor is the narrowest round interval that resolves the length into at most maxBuckets.
func bucketFor(length time.Duration) time.Duration {
	for _, width := range []time.Duration{100, 200, 500, 1000, 2000, 5000, 10_000, 30_000} {
		if width *= time.Millisecond; length/width < maxBuckets {
			return width
		}
	}
	return (length/maxBuckets + time.Minute).Truncate(time.Minute)
}

// phases are the spans between the events that begin one.
func phases(h history.History, end time.Duration) []Phase {
	var all []Phase
	for _, e := range h.Events {
		if e.Kind != history.Phase {
			continue
		}
		if n := len(all); n > 0 {
			all[n-1].To = e.At
		}
		all = append(all, Phase{Name: e.Text, Span: history.Span{From: e.At, To: end}})
	}
	return slices.Clip(all)
}
