package checker

import (
	"math"
	"slices"
	"time"
)

// Latency describes a distribution of durations by its percentiles. All are zero when there was nothing to
// measure.
type Latency struct {
	Median time.Duration `json:"median"`
	P95    time.Duration `json:"p95"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// Percentiles measures durations, by the nearest-rank method: every figure is a duration that occurred.
func Percentiles(durations []time.Duration) Latency {
	if len(durations) == 0 {
		return Latency{}
	}
	sorted := slices.Sorted(slices.Values(durations))
	rank := func(percent float64) time.Duration {
		return sorted[max(0, int(math.Ceil(percent/100*float64(len(sorted))))-1)]
	}
	return Latency{Median: rank(50), P95: rank(95), P99: rank(99), Max: sorted[len(sorted)-1]}
}
