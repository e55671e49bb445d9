package schedule

import "slices"

// Shrink looks for the fewest faults of a failing plan that still fail. It plays parts of the plan, each of
// which leaves some faults out, and goes on with one that fails; it ends when no single fault of what is left
// can be left out. An error of fails ends it with the smallest plan so far.
//
// A plan that fails only now and then may be given up too early, never too late: what is returned has failed.
func Shrink(failing Plan, fails func(Plan) (bool, error)) (Plan, error) {
	smallest := failing
	for parts := 2; len(smallest) > 1; {
		found, err := smaller(smallest, parts, fails)
		if err != nil {
			return smallest, err
		}
		switch {
		case found != nil:
			smallest = found
			parts = max(2, min(parts-1, len(smallest)))
		case parts >= len(smallest):
			return smallest, nil
		default:
			parts = min(2*parts, len(smallest))
		}
	}
	return smallest, nil
}

// smaller looks for a part of a plan that fails: first one of so many parts by itself, then all but one. It
// returns nil if none does.
func smaller(plan Plan, parts int, fails func(Plan) (bool, error)) (Plan, error) {
	var candidates []Plan
	var complements []Plan
	for i := range parts {
		from, to := i*len(plan)/parts, (i+1)*len(plan)/parts
		candidates = append(candidates, plan[from:to])
		if parts > 2 { // of two, each is the complement of the other
			complements = append(complements, slices.Concat(plan[:from], plan[to:]))
		}
	}
	for _, candidate := range append(candidates, complements...) {
		candidate = candidate.sooner()
		failed, err := fails(candidate)
		if err != nil {
			return nil, err
		}
		if failed {
			return candidate, nil
		}
	}
	return nil, nil
}
