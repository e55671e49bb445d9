// Package alarm judges whether a stack's alerts fired when a fault was in it, and stayed silent otherwise.
// It is pure: it judges what Prometheus recorded.
package alarm

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"warren/verify/checker"
	"warren/verify/history"
)

// Must is an alert that must fire under a fault.
type Must struct {
	Alert string
	// Within is how long after the fault took effect.
	Within time.Duration
}

// Expectation is what a fault owes those who watch. What it does not name must not fire.
type Expectation struct {
	// Must are the alerts that must fire.
	Must []Must
	// May are the alerts that may fire as well: consequences that depend on where clients and leaders are.
	May []string
}

// Hold is how long a fault must stay for its alerts to fire.
func (e Expectation) Hold() time.Duration {
	var longest time.Duration
	for _, m := range e.Must {
		longest = max(longest, m.Within)
	}
	return longest
}

// Fired is an alert that fired in a run, from its first evaluation to its last.
type Fired struct {
	Alert string       `json:"alert"`
	Span  history.Span `json:"span"`
}

// Outcome is how long after a fault an alert fired.
type Outcome struct {
	Fault string `json:"fault"`
	Alert string `json:"alert"`
	// After is the time from when the fault took effect; Fired is false if the alert did not fire.
	After time.Duration `json:"after"`
	Fired bool          `json:"fired"`
	// Within is what is promised; 0 if the alert need not fire.
	Within time.Duration `json:"within,omitempty"`
}

// Judge compares what fired during the faults of a history with what is expected of them, by the fault's
// name. An alert that fired before a fault began is not the fault's. What comes after a fault is its doing,
// until the next one begins.
func Judge(
	h history.History, fired []Fired, expected map[string]Expectation,
) ([]Outcome, []checker.Violation) {
	var outcomes []Outcome
	var violations []checker.Violation
	report := func(kind checker.Kind, format string, args ...any) {
		violations = append(violations, checker.Violation{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	for i, f := range h.Faults {
		until := h.End()
		if i+1 < len(h.Faults) {
			until = h.Faults[i+1].Begun
		}
		first := firstIn(fired, history.Span{From: f.Begun, To: until})
		expectation := expected[f.Fault]
		for _, must := range expectation.Must {
			at, there := first[must.Alert]
			after := max(0, at-f.Injected)
			outcomes = append(outcomes, Outcome{f.Fault, must.Alert, after, there, must.Within})
			switch {
			case !there:
				report(checker.AlertMissing, "Under %q the alert %s did not fire; promised is within %s.",
					f.Fault, must.Alert, must.Within)
			case after > must.Within:
				report(checker.AlertMissing, "Under %q the alert %s fired after %s; promised is within %s.",
					f.Fault, must.Alert, after.Round(time.Second), must.Within)
			}
			delete(first, must.Alert)
		}
		for _, alert := range sortedByTime(first) {
			outcomes = append(outcomes, Outcome{f.Fault, alert, max(0, first[alert]-f.Injected), true, 0})
			if !slices.Contains(expectation.May, alert) && !slices.Contains(ofTheMachine, alert) {
				report(checker.FalseAlarm, "Under %q the alert %s fired, and nothing was there to tell.", f.Fault, alert)
			}
		}
	}
	return outcomes, violations
}

// ofTheMachine are alerts that no fault fires, and that may be true of the machine at any time: somebody else
// fills the disk, for example. That they do not fire for nothing, the rules' own tests show.
var ofTheMachine = []string{"DiskFillsUp", "ClockSkew", "CertificateEnds", "CertificateEnded"}

// firstIn are the alerts that begin to fire within a span, with when they do.
func firstIn(fired []Fired, span history.Span) map[string]time.Duration {
	first := map[string]time.Duration{}
	for _, f := range fired {
		at, seen := first[f.Alert]
		if f.Span.From >= span.From && f.Span.From < span.To && (!seen || f.Span.From < at) {
			first[f.Alert] = f.Span.From
		}
	}
	return first
}

func sortedByTime(first map[string]time.Duration) []string {
	var names []string
	for name := range first {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(first[a], first[b]), cmp.Compare(a, b))
	})
	return names
}
