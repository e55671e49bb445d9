package checker

import (
	"slices"
	"time"

	"warren/verify/history"
)

const (
	// MinOutage is the shortest pause that is listed as an outage. Steady traffic has pauses of its own, as
	// long as the interval between messages and a garbage collection.
	MinOutage = 250 * time.Millisecond
	// maxOutages is how many outages a verdict lists; it measures all of them.
	maxOutages = 500
)

// Availability tells when something happened steadily and when it paused. Pauses at the start and the end of
// traffic count: from the moment traffic began to the first confirm, from the last confirm to the moment
// traffic stopped.
type Availability struct {
	// Count is how often it happened while traffic ran.
	Count int `json:"count"`
	// Longest is the longest pause, however short.
	Longest history.Span `json:"longest"`
	// Outages are the pauses of MinOutage and longer, in order; the first maxOutages of them.
	Outages []history.Span `json:"outages,omitempty"`
	// Down is the length of all outages together.
	Down time.Duration `json:"down"`
}

// measure sums up the pauses that gaps tells.
func measure(gaps []history.Span) Availability {
	a := Availability{Count: len(gaps) - 1}
	for _, gap := range gaps {
		if gap.Length() > a.Longest.Length() {
			a.Longest = gap
		}
		if gap.Length() >= MinOutage {
			a.Down += gap.Length()
			if len(a.Outages) < maxOutages {
				a.Outages = append(a.Outages, gap)
			}
		}
	}
	return a
}

// gaps are the spans between neighbouring moments within the traffic, in order, from its start to its end.
// The moments need not be sorted; those outside the traffic do not count.
func gaps(moments []time.Duration, traffic history.Span) []history.Span {
	var spans []history.Span
	last := traffic.From
	for _, m := range slices.Sorted(slices.Values(moments)) {
		if m < traffic.From || m > traffic.To {
			continue
		}
		spans = append(spans, history.Span{From: last, To: m})
		last = m
	}
	return append(spans, history.Span{From: last, To: traffic.To})
}

// service is when each path served, as the gaps between confirms and between deliveries; "" is all paths
// together.
type service struct {
	confirms, deliveries map[string][]history.Span
}

func newService(h history.History) service {
	confirms, deliveries := map[string][]time.Duration{}, map[string][]time.Duration{}
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed {
			confirms[p.Path] = append(confirms[p.Path], p.Done)
			confirms[""] = append(confirms[""], p.Done)
		}
	}
	for _, d := range h.Deliveries {
		deliveries[d.Path] = append(deliveries[d.Path], d.At)
		deliveries[""] = append(deliveries[""], d.At)
	}
	s := service{map[string][]history.Span{}, map[string][]history.Span{}}
	for _, path := range append([]string{""}, h.Paths...) {
		s.confirms[path] = gaps(confirms[path], h.Traffic)
		s.deliveries[path] = gaps(deliveries[path], h.Traffic)
	}
	return s
}

// judgePath measures the service of one path; "" is all paths together.
func judgePath(h history.History, s service, path string) PathVerdict {
	v := PathVerdict{Path: path, Confirms: measure(s.confirms[path]), Deliveries: measure(s.deliveries[path])}
	var latencies []time.Duration
	for _, p := range h.Publishes {
		if path != "" && p.Path != path {
			continue
		}
		v.Attempted++
		if p.Outcome == history.Confirmed {
			v.Acknowledged++
			latencies = append(latencies, p.Done-p.At)
		}
	}
	v.ConfirmLatency = Percentiles(latencies)
	return v
}
