// Package suite holds the comparisons themselves.
package suite

import (
	"slices"

	"warren/bench/compare"
)

// All are the comparisons, in the order in which they are run.
func All() []compare.Comparison {
	return slices.Concat(throughput(), startup(), deployments(), tutorialThroughput(), outages(), falseAlarms())
}
