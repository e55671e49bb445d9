package checker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"warren/verify/history"
)

// judgeFault measures what the i-th fault of a history did to the service. What comes after a fault is its
// doing as well, until the next one begins.
func judgeFault(h history.History, s service, i int) FaultVerdict {
	v := FaultVerdict{
		FaultWindow: h.Faults[i],
		Confirms:    map[string]time.Duration{},
		Deliveries:  map[string]time.Duration{},
	}
	reach := history.Span{From: v.Begun, To: h.Traffic.To}
	if i+1 < len(h.Faults) {
		reach.To = h.Faults[i+1].Begun
	}
	for path := range s.confirms {
		v.Confirms[path] = longestWithin(s.confirms[path], reach)
		v.Deliveries[path] = longestWithin(s.deliveries[path], reach)
	}
	return v
}

// longestWithin is the length of the longest gap that reaches into the span; it counts whole.
func longestWithin(gaps []history.Span, span history.Span) time.Duration {
	var longest time.Duration
	for _, g := range gaps {
		if g.Overlaps(span) {
			longest = max(longest, g.Length())
		}
	}
	return longest
}

// checkFault holds the run to what is promised under one fault.
func checkFault(h history.History, f FaultVerdict, e Expectation) []Violation {
	var violations []Violation
	if f.Healed == 0 {
		violations = append(violations, Violation{Kind: NotHealed, Text: fmt.Sprintf(
			"The fault %q was still in the cluster when the history ended.", f.Fault)})
	}
	if e.NoConfirms {
		violations = append(violations, checkNoConfirms(h, f.FaultWindow, e.grace())...)
	}
	for _, path := range slices.Sorted(maps.Keys(e.MaxOutage)) {
		allowed, got := e.MaxOutage[path], f.Confirms[path]
		if got > allowed {
			violations = append(violations, Violation{Kind: OutageTooLong, Text: fmt.Sprintf(
				"Under %q, nothing was confirmed through %s for %s; promised is %s at most.",
				f.Fault, pathName(path), got.Round(time.Millisecond), allowed)})
		}
	}
	return violations
}

// checkNoConfirms finds the confirms that arrived while no majority could have kept the message.
func checkNoConfirms(h history.History, f history.FaultWindow, grace time.Duration) []Violation {
	forbidden := history.Span{From: f.Injected + grace, To: f.Healing}
	if f.Healing == 0 {
		forbidden.To = h.Traffic.To
	}
	if f.Injected == 0 || forbidden.Length() <= 0 {
		return []Violation{{Kind: ProvesNothing, Text: fmt.Sprintf(
			"The fault %q was not in effect for longer than the grace of %s, so that confirms could not be seen "+
				"to cease.",
			f.Fault, grace)}}
	}
	var confirmed Messages
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed && p.Done >= forbidden.From && p.Done < forbidden.To {
			confirmed.add(p.ID)
		}
	}
	if confirmed.Count == 0 {
		return nil
	}
	return []Violation{{Kind: ConfirmedWithoutQuorum, Messages: confirmed, Text: fmt.Sprintf(
		"%d messages were confirmed under %q, while no majority could keep them.", confirmed.Count, f.Fault)}}
}
