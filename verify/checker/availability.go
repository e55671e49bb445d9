package checker

import (
	"slices"
	"time"

	"warren/verify/history"
)

const (
	// MinOutage is the shortest pause that is listed as an outage. Steady traffic has pauses of its own, as long as
	// the interval between messages and a garbage collection.
	MinOutage = 250 * time.Millisecond
	// maxOutages is how many outages a verdict lists; it measures all of them.
	maxOutages = 50
)

// Availability tells when something happened steadily and when it paused. Pauses at the start and the end of traffic
// count: from the moment traffic began to the first confirm, from the last confirm to the moment traffic stopped.
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

// measure finds the pauses between moments. They need not be sorted; those outside the traffic do not count.
func measure(moments []time.Duration, traffic history.Span) Availability {
	var a Availability
	for _, gap := range gaps(moments, traffic) {
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
	for _, m := range moments {
		if m >= traffic.From && m <= traffic.To {
			a.Count++
		}
	}
	return a
}

// gaps are the spans between neighbouring moments within the traffic, in order.
func gaps(moments []time.Duration, traffic history.Span) []history.Span {
	sorted := slices.Sorted(slices.Values(moments))
	var spans []history.Span
	last := traffic.From
	for _, m := range sorted {
		if m < traffic.From || m > traffic.To {
			continue
		}
		spans = append(spans, history.Span{From: last, To: m})
		last = m
	}
	return append(spans, history.Span{From: last, To: traffic.To})
}

// confirms are the moments at which messages were confirmed on a path; "" is all paths.
func confirms(h history.History, path string) []time.Duration {
	var moments []time.Duration
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed && (path == "" || p.Path == path) {
			moments = append(moments, p.Done)
		}
	}
	return moments
}

// deliveries are the moments at which messages were delivered on a path; "" is all paths.
func deliveries(h history.History, path string) []time.Duration {
	var moments []time.Duration
	for _, d := range h.Deliveries {
		if path == "" || d.Path == path {
			moments = append(moments, d.At)
		}
	}
	return moments
}

// judgePath measures the service of one path; "" is all paths together.
func judgePath(h history.History, path string) PathVerdict {
	v := PathVerdict{
		Path:       path,
		Confirms:   measure(confirms(h, path), h.Traffic),
		Deliveries: measure(deliveries(h, path), h.Traffic),
	}
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
