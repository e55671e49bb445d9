package daytwo

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/verify/checker"
	"warren/verify/history"
)

// rollGap is the longest time in which nothing may be confirmed on any path while `pulumi up` is at work.
const rollGap = time.Second

// violations are what a deployment may not do to messages.
func violations(v checker.Verdict, maxGap time.Duration) []string {
	var problems []string
	for _, violation := range v.Violations {
		problems = append(problems, fmt.Sprintf("%s: %s %v", violation.Kind, violation.Text, violation.Messages.IDs))
	}
	if gap := v.Overall.Confirms.Longest; gap.Length() > maxGap {
		problems = append(problems, fmt.Sprintf("nothing was confirmed on any path for %v, from %v on", gap.Length(), gap.From))
	}
	return problems
}

// A deployment during which nothing is confirmed for too long does not pass, whatever else is well.
func TestGapIsAViolation(t *testing.T) {
	served := func(moments ...time.Duration) history.History {
		h := history.History{Paths: []string{history.AnyNode}, Drained: true, Traffic: history.Span{To: moments[len(moments)-1]}}
		for _, at := range moments {
			id := at.String()
			h.Publishes = append(h.Publishes, history.Publish{ID: id, Path: history.AnyNode, At: at, Done: at, Outcome: history.Confirmed})
			h.Deliveries = append(h.Deliveries, history.Delivery{ID: id, Path: history.AnyNode, At: at})
		}
		return h
	}
	assert.Empty(t, violations(checker.Check(served(0, time.Second, 2*time.Second), nil), rollGap))
	assert.Len(t, violations(checker.Check(served(0, time.Second, 3*time.Second), nil), rollGap), 1)
}
