// Package schedule draws plans of faults that overlap, and shrinks a plan that fails to the fewest faults
// that still do. It is pure: the same seed gives the same plan.
package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Kind is a fault that may be drawn.
type Kind struct {
	// Fault is its name.
	Fault string
	// OnNode says that it impairs one node, which is drawn. Others impair none by themselves.
	OnNode bool
	// Group names what the fault uses for itself: two of the same group are never in effect at the same time.
	// Empty for nothing.
	Group string
	// Shortest and Longest bound how long it stays in effect.
	Shortest, Longest time.Duration
}

// Entry is one fault of a plan. The times count from the beginning of the plan.
type Entry struct {
	Fault string `json:"fault"`
	// Node is the node that it impairs; empty if none.
	Node string        `json:"node,omitempty"`
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	// group is that of its kind.
	group string
}

// String is a line for people, such as "12s to 31s: node-killed on rabbit2".
func (e Entry) String() string {
	what := e.Fault
	if e.Node != "" {
		what += " on " + e.Node
	}
	const step = 100 * time.Millisecond
	return fmt.Sprintf("%s to %s: %s", e.From.Round(step), e.To.Round(step), what)
}

// Plan is a schedule of faults, in the order in which they begin.
type Plan []Entry

// String lists the faults.
func (p Plan) String() string {
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = e.String()
	}
	return strings.Join(lines, "; ")
}

// Length is when the last fault ends.
func (p Plan) Length() (length time.Duration) {
	for _, e := range p {
		length = max(length, e.To)
	}
	return length
}

// Recovery is how long a node counts as impaired after it was healed: it boots, and catches up.
const Recovery = 20 * time.Second

// Bounds on the time between the beginnings of two faults.
const shortestGap, longestGap = time.Second, 8 * time.Second

// Draw draws a plan of a length in which at most so many nodes are impaired at once. A node has one fault at
// a time.
func Draw(kinds []Kind, nodes []string, most int, length time.Duration, seed uint64) Plan {
	random := rand.New(rand.NewPCG(seed, 0))
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(random.Int64N(int64(max(high-low, 1))))
	}
	var plan Plan
	for now := between(0, longestGap); now < length; now += between(shortestGap, longestGap) {
		impaired, busy := plan.at(now)
		free := slices.DeleteFunc(slices.Clone(nodes), func(node string) bool {
			return slices.Contains(impaired, node)
		})
		possible := slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
			return slices.Contains(busy, k.Group) || k.OnNode && (len(impaired) >= most || len(free) == 0) ||
				now+k.Shortest > length
		})
		if len(possible) == 0 {
			continue
		}
		kind := possible[random.IntN(len(possible))]
		e := Entry{Fault: kind.Fault, From: now, group: kind.Group}
		e.To = min(now+between(kind.Shortest, kind.Longest), length)
		if kind.OnNode {
			e.Node = free[random.IntN(len(free))]
		}
		plan = append(plan, e)
	}
	return plan
}

// at are the nodes that are impaired at a moment, or recovering, and the groups that are in use.
func (p Plan) at(now time.Duration) (impaired, busy []string) {
	for _, e := range p {
		if e.Node != "" && now < e.To+Recovery {
			impaired = append(impaired, e.Node)
		}
		if e.group != "" && now < e.To {
			busy = append(busy, e.group)
		}
	}
	return impaired, busy
}

// sooner is the plan without the time before its first fault.
func (p Plan) sooner() Plan {
	if len(p) == 0 {
		return p
	}
	earliest := p[0].From
	moved := slices.Clone(p)
	for i := range moved {
		moved[i].From -= earliest
		moved[i].To -= earliest
	}
	return moved
}
