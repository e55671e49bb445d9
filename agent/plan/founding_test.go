package plan_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/agent/plan"
	"warren/agent/plan/model"
)

// missing is a schedule in which one thing goes wrong: seeds that start at the same time do not reach each
// other. On a busy machine, three nodes over TLS have done that.
type missing struct{ *rand.Rand }

func (m missing) Choose(what string, n int) int {
	switch what {
	case "missed":
		return n - 1
	case "loop":
		return m.IntN(n)
	case "discovers": // slowly
		return m.IntN(2) * (n - 1)
	default:
		return 0
	}
}

func TestSeedsThatMissedEachOtherComeTogether(t *testing.T) {
	split := 0
	for seed := range uint64(300) {
		r := model.Run(missing{rand.New(rand.NewPCG(seed, 0))}, plan.Plan)
		assert.Empty(t, r.Broken, "%s", r)
		if strings.Contains(r.String(), "founds cluster2") {
			split++
			first, _, _ := strings.Cut(r.String(), "from here on nothing goes wrong")
			assert.Contains(t, first, "up: done", "the first deployment brings them together: %s", r)
		}
	}
	assert.Positive(t, split, "seeds have missed each other")
}

func TestAMembershipSettlesWithCompany(t *testing.T) {
	three := plan.Desired{Nodes: make([]plan.DesiredNode, 3)}
	one := plan.Desired{Nodes: make([]plan.DesiredNode, 1)}
	alone, together := plan.Node{Alone: plan.Known(true)}, plan.Node{Alone: plan.Known(false)}
	assert.False(t, plan.Settles(alone, three))
	assert.True(t, plan.Settles(together, three))
	assert.True(t, plan.Settles(alone, one), "there is nobody to come")
}
