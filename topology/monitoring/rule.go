package monitoring

import (
	"slices"
	"time"
)

// Severity says who must know of an alert, and how soon.
type Severity string

const (
	// Critical means that clients are affected now.
	Critical Severity = "critical"
	// Warning means that clients are served, and that less may fail than before, or that something is about to
	// run out.
	Warning Severity = "warning"
)

// Rule is an alert: what must hold, for how long, and what it means. Summary and Fix are templates of
// Prometheus, in which labels of the expression stand for nodes and containers.
type Rule struct {
	Name string
	// Expr is an expression of PromQL. The alert fires for every series that it returns.
	Expr string
	// For is how long a series must be there before the alert fires.
	For      time.Duration
	Severity Severity
	// Summary says in one line what was seen.
	Summary string
	// Means says what that does to the cluster and its clients.
	Means string
	// Fix are the commands to run first, in order.
	Fix []string
}

// How long something must last before an alert fires. A roll fires none: it stops one node after the other,
// and each is away for less than a minute, or for two on a slow machine.
const (
	// scrapeInterval is between two readings of the metrics. Nodes count theirs every five seconds.
	scrapeInterval = 5 * time.Second
	// atOnce is for what no deployment brings about.
	atOnce = 0
	// soon outlasts a reading that failed, and the seconds in which the parts of a cluster see the same
	// failure one after the other.
	soon = 3 * scrapeInterval
	// twoLooks outlasts one look of the formation at the queues, which it takes every 15 s, and which may have
	// seen an election.
	twoLooks = 30 * time.Second
	// afterRestart outlasts the restart of a node.
	afterRestart = 2 * time.Minute
	// lasting is for what takes a while to tell from a peak.
	lasting = 10 * time.Minute
)

// Rules are the alerts of a stack.
func Rules(s Stack) []Rule {
	rules := slices.Concat(nodeRules(s), resourceRules(s), queueRules(s), chosenQueueRules(s), balancerRules(s),
		helperRules(s), certificateRules(s))
	if s.Prefix == "" { // another Prometheus watches itself
		rules = append(rules, watchRules(s)...)
	}
	for i, r := range rules {
		rules[i].Expr = s.scoped(r.Expr)
	}
	return rules
}

// doctor is the command that tells more than any alert.
func (s Stack) doctor() string { return "warren doctor --stack " + s.Name }

// logs are the last lines of the container that an alert names.
const logs = "docker logs --tail 50 {{ $labels.container }}"
