package plan_test

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/agent/plan"
	"warren/agent/plan/model"
)

const (
	// schedulesVariable sets how many random schedules the proof runs.
	schedulesVariable = "WARREN_SCHEDULES"
	// fewSchedules is how many it runs without, which takes some seconds.
	fewSchedules = 300
	// mutantSchedules is within how many schedules a planner that lacks a rule must be caught.
	mutantSchedules = 2_000
)

// choices makes the choices of a schedule with rapid, which shrinks them.
type choices struct{ t *rapid.T }

func (c choices) Choose(what string, n int) int {
	if n == 1 {
		return 0
	}
	return rapid.IntRange(0, n-1).Draw(c.t, what)
}

// prove runs a planner through schedules until one breaks something.
func prove(t rapid.TB, planner model.Planner, saw func(model.Result)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		r := model.Run(choices{t}, planner)
		saw(r)
		if r.Broken != "" {
			t.Fatalf("%s\n%s", r.Broken, r)
		}
	})
}

// setFlag sets a flag of rapid, unless the command line does.
func setFlag(t rapid.TB, name, value string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	require.NoError(t, flag.Set(name, value))
}

// TestNoScheduleBreaksARule is the proof: whatever is wished, fails and is interrupted, no rule is broken,
// and at the end the cluster is as wished or the refusal is right. Rapid shrinks a failure to a short story
// and prints its seed; `-rapid.seed` runs it again.
func TestNoScheduleBreaksARule(t *testing.T) {
	schedules, provers := fewSchedules, 1
	if text, set := os.LookupEnv(schedulesVariable); set {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, schedulesVariable)
		schedules, provers = n, runtime.GOMAXPROCS(0)
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	} else {
		setFlag(t, "rapid.seed", "1") // the same ones each time; the long run seeks new ones
	}
	each := (schedules + provers - 1) / provers
	setFlag(t, "rapid.checks", strconv.Itoa(each))
	var mu sync.Mutex
	ends, verbs := map[string]int{}, map[plan.Verb]int{}
	t.Run("schedules", func(t *testing.T) {
		for i := range provers {
			t.Run(strconv.Itoa(i+1), func(t *testing.T) {
				t.Parallel()
				prove(t, plan.Plan, func(r model.Result) {
					mu.Lock()
					defer mu.Unlock()
					ends[r.End]++
					for verb, n := range r.Actions {
						verbs[verb] += n
					}
				})
			})
		}
	})
	t.Logf("%d schedules ended: %v", each*provers, ends)
	t.Logf("actions: %v", verbs)
	assert.Greater(t, ends["done"], schedules/4, "most schedules that are not refused end as wished")
}
