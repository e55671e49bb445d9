package checker

import (
	"fmt"
	"slices"

	"warren/verify/history"
)

// Check judges a history. Promises are the expectations of the faults in it, by the fault's name; a fault
// without one is held to what is promised always.
func Check(h history.History, promises map[string]Expectation) Verdict {
	v := Verdict{Scenario: h.Scenario}
	countPublishes(&v, h)
	countDeliveries(&v, h)

	served := newService(h)
	v.Overall = judgePath(h, served, "")
	for _, path := range h.Paths {
		v.Paths = append(v.Paths, judgePath(h, served, path))
	}
	for i := range h.Faults {
		v.Faults = append(v.Faults, judgeFault(h, served, i))
	}

	v.Violations = append(v.Violations, checkEvidence(h, v)...)
	v.Violations = append(v.Violations, checkMessages(v)...)
	for _, f := range v.Faults {
		v.Violations = append(v.Violations, checkFault(h, f, promises[f.Fault])...)
	}
	return v
}

// checkEvidence refuses a history in which nothing could have gone wrong.
func checkEvidence(h history.History, v Verdict) []Violation {
	switch {
	case v.Attempted == 0:
		return []Violation{{Kind: ProvesNothing, Text: "No message was published at all."}}
	case v.Acknowledged == 0:
		return []Violation{{Kind: ProvesNothing, Text: fmt.Sprintf(
			"Of %d messages published, none was confirmed.", v.Attempted)}}
	case !h.Drained:
		return []Violation{{Kind: ProvesNothing, Text: "The run ended before everything could be delivered, " +
			"so that messages which were lost cannot be told from those which were still on their way."}}
	}
	var violations []Violation
	for _, path := range silentPaths(h) {
		violations = append(violations, Violation{Kind: ProvesNothing, Text: fmt.Sprintf(
			"Nothing that was published over %q was confirmed, so that nothing could be lost there.", path)})
	}
	return violations
}

// silentPaths are the paths over which no message was confirmed, in the order of the history. The queue that
// is filled until the drain is one of them, if anything was published to it.
func silentPaths(h history.History) []string {
	confirmed := map[string]bool{}
	paths := slices.Clone(h.Paths)
	for _, p := range h.Publishes {
		if p.Path == history.Stored && !slices.Contains(paths, history.Stored) {
			paths = append(paths, history.Stored)
		}
		if p.Outcome == history.Confirmed {
			confirmed[p.Path] = true
		}
	}
	return slices.DeleteFunc(paths, func(path string) bool { return confirmed[path] })
}

// checkMessages holds the run to what is promised always.
func checkMessages(v Verdict) []Violation {
	var violations []Violation
	if n := v.Lost.Count; n > 0 {
		violations = append(violations, Violation{Kind: Lost, Messages: v.Lost, Text: fmt.Sprintf(
			"%d of %d confirmed messages were never delivered.", n, v.Acknowledged)})
	}
	if n := v.Unexpected.Count; n > 0 {
		violations = append(violations, Violation{Kind: Unexpected, Messages: v.Unexpected, Text: fmt.Sprintf(
			"%d messages were delivered that nobody published, or that their producers reported as never sent.", n)})
	}
	return violations
}
