// Package scenario plays faults against a cluster under traffic: wait until it is healthy, let traffic flow,
// inject, hold, heal, wait until it is healthy again, and judge what became of the messages.
package scenario

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"warren/internal/suggest"
	"warren/verify/checker"
	"warren/verify/fault"
)

// defaultHold is how long a fault stays in the cluster unless it asks for longer: long enough for the clients
// to give up on what does not answer, and to find another way.
const defaultHold = 6 * time.Second

// Scenario is one or more faults, played one after the other.
type Scenario struct {
	Name        string
	Description string
	Steps       []Step
	// Plan, if there is one, is played instead of steps.
	Plan *Plan
}

// Step is one fault of a scenario.
type Step struct {
	Fault fault.Fault
	// Pause is how long the cluster is left alone before the fault.
	Pause time.Duration
	// Hold is how long the fault stays in effect.
	Hold time.Duration
}

// Single is the scenario of one fault. Hold 0 stands for the default.
func Single(f fault.Fault, hold time.Duration) Scenario {
	if hold == 0 {
		hold = max(defaultHold, f.Hold)
	}
	return Scenario{Name: f.Name, Description: f.Description, Steps: []Step{{Fault: f, Hold: hold}}}
}

// Table is a scenario for each fault, in order. A fault that comes again gets a number.
func Table(faults []fault.Fault, hold time.Duration) []Scenario {
	table := make([]Scenario, len(faults))
	times := map[string]int{}
	for i, f := range faults {
		table[i] = Single(f, hold)
		if times[f.Name]++; times[f.Name] > 1 {
			table[i].Name += fmt.Sprintf("-%d", times[f.Name])
		}
	}
	return table
}

// Select picks faults by name, in the order of the names. The error tells every name that there is no fault
// of.
func Select(faults []fault.Fault, names []string) ([]fault.Fault, error) {
	var selected []fault.Fault
	var problems []error
	for _, name := range names {
		found := false
		for _, f := range faults {
			if f.Name == name {
				selected, found = append(selected, f), true
			}
		}
		if !found {
			problems = append(problems, fmt.Errorf("there is no fault %q%s (--list shows all)",
				name, suggest.DidYouMean(name, fault.Names(faults))))
		}
	}
	return selected, errors.Join(problems...)
}

// The bounds between which Random draws, before it stretches them to the length that is asked for.
const (
	shortestHold, longestHold   = 2 * time.Second, 12 * time.Second
	shortestPause, longestPause = 500 * time.Millisecond, 5 * time.Second
)

// Random is a schedule of n faults drawn at random, none twice in a row if there is a choice. The same seed
// and faults give the same schedule. If length is not 0, pauses and holds are stretched so as to take that
// long together; what recovery takes comes on top.
func Random(faults []fault.Fault, n int, seed uint64, length time.Duration) Scenario {
	random := rand.New(rand.NewPCG(seed, 0))
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(random.Int64N(int64(high-low)))
	}

	steps := make([]Step, n)
	var total time.Duration
	last := -1
	for i := range steps {
		next := random.IntN(len(faults))
		if next == last && len(faults) > 1 {
			next = (next + 1 + random.IntN(len(faults)-1)) % len(faults)
		}
		last = next
		f := faults[next]
		steps[i] = Step{Fault: f, Pause: between(shortestPause, longestPause),
			Hold: between(shortestHold, longestHold)}
		total += steps[i].Pause + steps[i].Hold
	}
	names := make([]string, n)
	for i := range steps {
		if length > 0 {
			stretch := float64(length) / float64(total)
			steps[i].Pause = time.Duration(float64(steps[i].Pause) * stretch)
			steps[i].Hold = time.Duration(float64(steps[i].Hold) * stretch)
		}
		steps[i].Hold = max(steps[i].Hold, steps[i].Fault.Hold)
		names[i] = steps[i].Fault.Name
	}
	return Scenario{
		Name: fmt.Sprintf("random-%d", seed),
		Description: fmt.Sprintf("A schedule of %d faults drawn at random with seed %d: %s.", n, seed,
			strings.Join(names, ", ")),
		Steps: steps,
	}
}

// lyingDisks tells whether one of the faults needs the nodes on disks that can be told to lie.
func (s Scenario) lyingDisks() bool {
	return slices.ContainsFunc(s.Steps, func(step Step) bool { return step.Fault.LyingDisks })
}

// promises are the expectations of the scenario's faults by name, for the checker.
func (s Scenario) promises() map[string]checker.Expectation {
	promises := map[string]checker.Expectation{}
	for _, step := range s.Steps {
		promises[step.Fault.Name] = step.Fault.Expect
	}
	return promises
}

// promise says what is promised, in words.
func (s Scenario) promise() string {
	if s.Plan != nil {
		return checker.Expectation{}.String()
	}
	if len(s.Steps) == 1 {
		return s.Steps[0].Fault.Expect.String()
	}
	return checker.Expectation{}.String() + " In addition, what each fault promises by itself."
}
