package daytwo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/topology"
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

// fewestServing asks, until ctx ends, whether nodes take clients, and returns the fewest that did at any one time.
func fewestServing(
	ctx context.Context, nodes []topology.NodeOutput, serves func(context.Context, topology.NodeOutput) bool, interval time.Duration,
) int {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	fewest := len(nodes)
	for {
		up := 0
		for _, node := range nodes {
			if serves(ctx, node) {
				up++
			}
		}
		if ctx.Err() == nil { // otherwise they were not really asked
			fewest = min(fewest, up)
		}
		select {
		case <-ctx.Done():
			return fewest
		case <-tick.C:
		}
	}
}

// traces are the names, by what they are names of, in which hosts are mentioned that left.
func traces(hosts []string, names map[string][]string) []string {
	var found []string
	for _, what := range slices.Sorted(maps.Keys(names)) {
		for _, name := range names[what] {
			if slices.ContainsFunc(hosts, func(host string) bool { return strings.Contains(name, host) }) {
				found = append(found, what+" "+name)
			}
		}
	}
	return found
}

// Two nodes that are down at once are seen, however soon one of them is back.
func TestTwoNodesDownAreSeen(t *testing.T) {
	nodes := []topology.NodeOutput{{Name: "rabbit1"}, {Name: "rabbit2"}, {Name: "rabbit3"}}
	for _, test := range []struct {
		down   []string // in each round
		fewest int
	}{
		{[]string{"", "rabbit1", "", "rabbit2", ""}, 2},
		{[]string{"", "rabbit1", "rabbit1 rabbit2", "rabbit2", ""}, 1},
	} {
		ctx, stop := context.WithCancel(t.Context())
		asked := 0
		serves := func(_ context.Context, node topology.NodeOutput) bool {
			round := asked / len(nodes)
			if asked++; round == len(test.down) {
				stop()
				return false
			}
			return !strings.Contains(test.down[round], node.Name)
		}
		assert.Equal(t, test.fewest, fewestServing(ctx, nodes, serves, time.Millisecond))
	}
}

// What is left of a node that left is found wherever it is.
func TestTracesAreSeen(t *testing.T) {
	names := map[string][]string{
		"member": {"rabbit@rabbit1"}, "HAProxy's server": {"rabbit1", "rabbit4-minority"}, "volume": {"warren-test-rabbit4-data"},
	}
	assert.Equal(t, []string{"HAProxy's server rabbit4-minority", "volume warren-test-rabbit4-data"}, traces([]string{"rabbit4", "rabbit5"}, names))
	assert.Empty(t, traces([]string{"rabbit5"}, names))
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
