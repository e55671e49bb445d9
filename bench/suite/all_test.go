package suite

import (
	"warren/bench/compare"

	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestComparisonsReadLikeATable(t *testing.T) {
	names := map[string]bool{}
	for _, c := range All() {
		assert.False(t, names[c.Name], "two comparisons are called %s", c.Name)
		names[c.Name] = true
		assert.NotEmpty(t, c.Shows, c.Name)
		require.NotEmpty(t, c.Metrics, c.Name)
		sides := map[string]bool{}
		for _, s := range c.Sides {
			assert.False(t, sides[s.Name], "%s has two sides called %s", c.Name, s.Name)
			sides[s.Name] = true
		}
		for _, claim := range c.Claims {
			known := slices.ContainsFunc(c.Metrics, func(m compare.Metric) bool { return m.Name == claim.Metric })
			assert.True(t, known, "%s claims something of %s, which it does not measure", c.Name, claim.Metric)
		}
	}
}
