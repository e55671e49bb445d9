package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/agent/plan"
	"warren/agent/plan/model"
)

// dice make the choices of a schedule by a seed: the same ones each time.
type dice struct{ *rand.Rand }

func (d dice) Choose(_ string, n int) int { return d.IntN(n) }

func run(seed uint64, planner model.Planner) model.Result {
	return model.Run(dice{rand.New(rand.NewPCG(seed, 0))}, planner)
}

// TestEveryRuleIsNeeded: a planner that lacks any one rule breaks it, within so many schedules.
func TestEveryRuleIsNeeded(t *testing.T) {
	for rule, name := range map[plan.Rule]string{
		plan.RuleMajority: "majority", plan.RuleReplicas: "replicas", plan.RuleDurable: "durable",
		plan.RuleOneAtATime: "one at a time", plan.RuleOnlyCopy: "only copy", plan.RuleRemembered: "remembered",
		plan.RuleRefusal: "refusal", plan.RuleOwner: "owner",
	} {
		t.Run(fmt.Sprintf("%d, %s", rule, name), func(t *testing.T) {
			t.Parallel()
			itself := fmt.Sprintf("rule %d: ", rule)
			for seed := range uint64(mutantSchedules) {
				mutant := run(seed, plan.PlanWithout(rule))
				if !strings.HasPrefix(mutant.Broken, itself) {
					continue
				}
				t.Logf("caught by schedule %d: %s", seed, mutant.Broken)
				assert.Empty(t, run(seed, plan.Plan).Broken, "what is caught is not what the whole planner does, too")
				return
			}
			assert.Failf(t, "not caught", "within %d schedules", mutantSchedules)
		})
	}
}
