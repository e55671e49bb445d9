package daytwo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/topology"
	"warren/verify/checker"
	"warren/verify/history"
)

// rollGap is the longest time in which nothing may be confirmed on any path while `pulumi up` is at work, on
// a machine that does nothing else; see slack.
const rollGap = time.Second

// slack is what a gap may be longer on a machine that is so busy that traffic has gaps of its own: a change
// of leaders takes several steps, each of which waits for the machine.
func slack(own time.Duration) time.Duration {
	const steps, usual = 4, 100 * time.Millisecond
	return steps * max(0, own-usual)
}

// ownGaps are as long as nine of ten seconds of traffic had no longer gap between two confirms. Whatever is
// done to a cluster disturbs it for some seconds only.
func ownGaps(h history.History) time.Duration {
	longest := make([]time.Duration, max(1, int(h.Traffic.Length()/time.Second)))
	var confirmed []time.Duration
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed && p.Done >= h.Traffic.From && p.Done <= h.Traffic.To {
			confirmed = append(confirmed, p.Done)
		}
	}
	last := h.Traffic.From
	for _, at := range append(slices.Sorted(slices.Values(confirmed)), h.Traffic.To) {
		second := min(int((at-h.Traffic.From)/time.Second), len(longest)-1)
		longest[second] = max(longest[second], at-last)
		last = at
	}
	slices.Sort(longest)
	return longest[len(longest)*9/10]
}

// violations are what a deployment may not do to messages.
func violations(v checker.Verdict, maxGap time.Duration) []string {
	var problems []string
	for _, violation := range v.Violations {
		problems = append(problems, fmt.Sprintf("%s: %s %v", violation.Kind, violation.Text,
			violation.Messages.IDs))
	}
	if gap := v.Overall.Confirms.Longest; gap.Length() > maxGap {
		problems = append(problems, fmt.Sprintf("nothing was confirmed on any path for %v, from %v on",
			gap.Length(), gap.From))
	}
	return problems
}

// fewestServing asks, until ctx ends, whether nodes take clients, all at the same time, and returns the
// fewest that did at any one time.
func fewestServing(
	ctx context.Context, nodes []topology.NodeOutput, serves func(context.Context, topology.NodeOutput) bool,
	interval time.Duration,
) int {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	fewest := len(nodes)
	for {
		var up atomic.Int64
		var asking sync.WaitGroup
		for _, node := range nodes {
			asking.Go(func() {
				if serves(ctx, node) {
					up.Add(1)
				}
			})
		}
		asking.Wait()
		if ctx.Err() == nil { // otherwise they were not really asked
			fewest = min(fewest, int(up.Load()))
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
		var asked atomic.Int64
		serves := func(_ context.Context, node topology.NodeOutput) bool {
			round := int(asked.Add(1)-1) / len(nodes)
			if round == len(test.down) {
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
		"member": {"rabbit@rabbit1"}, "HAProxy's server": {"rabbit1", "rabbit4-minority"},
		"volume": {"warren-test-rabbit4-data"},
	}
	assert.Equal(t, []string{"HAProxy's server rabbit4-minority", "volume warren-test-rabbit4-data"},
		traces([]string{"rabbit4", "rabbit5"}, names))
	assert.Empty(t, traces([]string{"rabbit5"}, names))
}

// A deployment during which nothing is confirmed for too long does not pass, whatever else is well.
func TestGapIsAViolation(t *testing.T) {
	served := func(moments ...time.Duration) history.History {
		h := history.History{Paths: []string{history.AnyNode}, Drained: true,
			Traffic: history.Span{To: moments[len(moments)-1]}}
		for _, at := range moments {
			id := at.String()
			h.Publishes = append(h.Publishes,
				history.Publish{ID: id, Path: history.AnyNode, At: at, Done: at, Outcome: history.Confirmed})
			h.Deliveries = append(h.Deliveries, history.Delivery{ID: id, Path: history.AnyNode, At: at})
		}
		return h
	}
	assert.Empty(t, violations(checker.Check(served(0, time.Second, 2*time.Second), nil), rollGap))
	assert.Len(t, violations(checker.Check(served(0, time.Second, 3*time.Second), nil), rollGap), 1)
}

// Gaps of the machine's own are in most seconds, what is done to a cluster in few.
func TestOwnGaps(t *testing.T) {
	h := history.History{Traffic: history.Span{To: 20 * time.Second}}
	for at := time.Duration(0); at < h.Traffic.To; at += 200 * time.Millisecond {
		if at > 5*time.Second && at < 6500*time.Millisecond {
			continue
		}
		h.Publishes = append(h.Publishes, history.Publish{Done: at, Outcome: history.Confirmed})
	}
	assert.Equal(t, 200*time.Millisecond, ownGaps(h))
}

// A busy machine gets more time, an idle one none.
func TestSlack(t *testing.T) {
	assert.Zero(t, slack(50*time.Millisecond))
	assert.Equal(t, 1600*time.Millisecond, slack(500*time.Millisecond))
}
