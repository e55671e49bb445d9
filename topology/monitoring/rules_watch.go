package monitoring

// watchRules watch those who watch.
func watchRules(s Stack) []Rule {
	return []Rule{{
		Name:     "RulesFail",
		Expr:     `sum(increase(prometheus_rule_evaluation_failures_total{job="prometheus"}[2m])) > 0`,
		For:      soon,
		Severity: Warning,
		Summary:  "Prometheus can't evaluate some of the alerts.",
		Means:    "An alert that can't be evaluated never fires. The log of Prometheus says which, and why.",
		Fix:      []string{"docker logs --tail 50 " + s.Network + "-prometheus"},
	}}
}
