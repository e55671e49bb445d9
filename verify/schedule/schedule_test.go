package schedule

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var kinds = []Kind{
	{Fault: "node-killed", OnNode: true, Shortest: 2 * time.Second, Longest: 20 * time.Second},
	{Fault: "node-cut", OnNode: true, Group: "network", Shortest: 5 * time.Second, Longest: 20 * time.Second},
	{Fault: "packet-loss", Group: "network", Shortest: 5 * time.Second, Longest: 20 * time.Second},
	{Fault: "balancer-killed", Group: "balancer", Shortest: time.Second, Longest: 9 * time.Second},
}

// drawn are the arguments of a draw.
type drawn struct {
	nodes  []string
	most   int
	length time.Duration
	seed   uint64
}

func draw(t *rapid.T) drawn {
	all := []string{"rabbit1", "rabbit2", "rabbit3", "rabbit4", "rabbit5"}
	return drawn{
		nodes:  all[:rapid.IntRange(1, 5).Draw(t, "nodes")],
		most:   rapid.IntRange(0, 3).Draw(t, "most"),
		length: time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second,
		seed:   rapid.Uint64().Draw(t, "seed"),
	}
}

func TestSameSeedSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		assert.Equal(t, Draw(kinds, d.nodes, d.most, d.length, d.seed),
			Draw(kinds, d.nodes, d.most, d.length, d.seed))
	})
}

func TestPlansKeepTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		plan := Draw(kinds, d.nodes, d.most, d.length, d.seed)
		assert.Empty(t, broken(plan, d))
	})
}

// broken tells which bounds a plan breaks.
func broken(plan Plan, d drawn) []string {
	var problems []string
	add := func(is bool, problem string) {
		if is && !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	for i, e := range plan {
		kind := kinds[slices.IndexFunc(kinds, func(k Kind) bool { return k.Fault == e.Fault })]
		add(e.To-e.From < kind.Shortest || e.To-e.From > kind.Longest, "a fault is too short or too long")
		add(e.To > d.length, "a fault ends after the plan")
		add(i > 0 && e.From < plan[i-1].From, "the order is not that of time")
		add(kind.OnNode != (e.Node != ""), "a fault has a node that should not, or none")
		impaired := map[string]bool{}
		for j, o := range plan {
			if o.Node != "" && o.From <= e.From && e.From < o.To+Recovery {
				add(j != i && o.Node == e.Node, "a node has two faults at once")
				impaired[o.Node] = true
			}
			other := kinds[slices.IndexFunc(kinds, func(k Kind) bool { return k.Fault == o.Fault })]
			add(j != i && kind.Group != "" && kind.Group == other.Group && o.From <= e.From && e.From < o.To,
				"two faults of a group at once")
		}
		add(len(impaired) > d.most, "too many nodes are impaired at once")
	}
	return problems
}

func TestBrokenBoundsAreFound(t *testing.T) {
	d := drawn{most: 1, length: time.Minute}
	at := func(fault, node string, from, to int) Entry {
		return Entry{Fault: fault, Node: node, From: time.Duration(from) * time.Second,
			To: time.Duration(to) * time.Second}
	}
	for want, plan := range map[string]Plan{
		"a fault is too short or too long": {at("node-killed", "rabbit1", 1, 40)},
		"a fault ends after the plan":      {at("node-killed", "rabbit1", 50, 65)},
		"the order is not that of time": {at("balancer-killed", "", 9, 12),
			at("packet-loss", "", 2, 8)},
		"a node has two faults at once": {at("node-killed", "rabbit1", 1, 5),
			at("node-cut", "rabbit1", 12, 18)},
		"two faults of a group at once": {at("node-cut", "rabbit1", 1, 9),
			at("packet-loss", "", 5, 12)},
		"too many nodes are impaired at once": {at("node-killed", "rabbit1", 1, 9),
			at("node-killed", "rabbit2", 5, 9)},
		"a fault has a node that should not, or none": {at("packet-loss", "rabbit1", 1, 9)},
	} {
		assert.Equal(t, []string{want}, broken(plan, d), "%s", plan)
	}
}

func TestPlansOverlap(t *testing.T) {
	plan := Draw(kinds, []string{"rabbit1", "rabbit2", "rabbit3"}, 2, 10*time.Minute, 7)
	require.Greater(t, len(plan), 20)
	overlaps := 0
	for i, e := range plan {
		for _, o := range plan[:i] {
			if e.From < o.To {
				overlaps++
			}
		}
	}
	assert.Greater(t, overlaps, 10, "%s", plan)
}

// A failure that needs some of the faults is shrunk to these.
func TestShrinkFindsTheCause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		d.most, d.length = 2, max(d.length, 2*time.Minute)
		plan := Draw(kinds, d.nodes, d.most, d.length, d.seed)
		if len(plan) == 0 {
			return
		}
		var cause []Entry
		for _, e := range plan {
			if rapid.IntRange(0, 9).Draw(t, "a cause") == 0 {
				cause = append(cause, Entry{Fault: e.Fault, Node: e.Node})
			}
		}
		tries := 0
		fails := func(p Plan) (bool, error) {
			tries++
			left := slices.Clone(cause)
			for _, e := range p {
				if i := slices.Index(left, Entry{Fault: e.Fault, Node: e.Node}); i >= 0 {
					left = slices.Delete(left, i, i+1)
				}
			}
			return len(left) == 0, nil
		}
		smallest, err := Shrink(plan, fails)
		require.NoError(t, err)
		assert.Len(t, smallest, max(len(cause), 1), "%s", smallest)
		failed, _ := fails(smallest)
		assert.True(t, failed)
		assert.Zero(t, min(smallest[0].From, time.Duration(len(plan)-len(smallest))), "it begins at once")
		assert.LessOrEqual(t, tries, len(plan)*len(plan)+3*len(plan)+2)
	})
}

func TestShrinkEndsWithTheSmallestSoFar(t *testing.T) {
	plan := Draw(kinds, []string{"rabbit1", "rabbit2", "rabbit3"}, 1, 10*time.Minute, 7)
	tries, interrupted := 0, errors.New("interrupted")
	smallest, err := Shrink(plan, func(Plan) (bool, error) {
		if tries++; tries > 1 {
			return false, interrupted
		}
		return true, nil
	})
	assert.ErrorIs(t, err, interrupted)
	assert.Len(t, smallest, len(plan)/2)
}
