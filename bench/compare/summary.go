package compare

import (
	"math"
	"slices"
)

// Summary describes the values that the repetitions of a measurement gave.
type Summary struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	// Values are all of them, in the order in which they were measured.
	Values []float64 `json:"values"`
}

// Summarize describes values, of which there must be at least one. Of an even number of values the median is
// the mean of the middle two.
func Summarize(values []float64) Summary {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Summary{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Min:    sorted[0],
		Max:    sorted[n-1],
		Values: values,
	}
}

// Ratio is a/b; 1 if both are 0, and +Inf if only b is.
func Ratio(a, b float64) float64 {
	switch {
	case a == b:
		return 1
	case b == 0:
		return math.Inf(1)
	}
	return a / b
}
