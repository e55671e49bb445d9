package plan

// PlanWithout plans without one rule: a planner that the proof must catch.
func PlanWithout(rule Rule) func(View, Desired) Decision {
	return func(v View, d Desired) Decision { return planWith(allRules&^(1<<rule), v, d) }
}
