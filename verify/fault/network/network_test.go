package network

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRingLeavesEveryNodeAMajorityOfItsOwn(t *testing.T) {
	for _, n := range []int{5, 7, 9} {
		majorities := map[string]bool{}
		for i, unseen := range ring(n) {
			assert.NotContains(t, unseen, i)
			assert.GreaterOrEqual(t, n-len(unseen), n/2+1, "node %d of %d", i, n)
			assert.NotEmpty(t, unseen)
			for _, j := range unseen {
				assert.Contains(t, ring(n)[j], i, "%d does not see %d, so %d must not see %d", i, j, j, i)
			}
			slices.Sort(unseen)
			majorities[fmt.Sprint(unseen)] = true
		}
		assert.Len(t, majorities, n, "no two nodes see the same majority")
	}
}
