package health

import (
	"strings"

	"warren/agent/plan"
)

// checkAlike compares what must be the same on all nodes.
func (s Status) checkAlike(problems *problemList) {
	odd := func(kind Kind, what string, show bool, value func(NodeStatus) string) {
		common := mostCommon(s.Nodes, value)
		for _, node := range s.Nodes {
			switch got := value(node); {
			case got == "" || got == common:
			case show:
				problems.add(kind, Failure, node.Name, "its %s is %s, that of other nodes %s", what, got, common)
			default:
				problems.add(kind, Failure, node.Name, "its %s is not that of the other nodes", what)
			}
		}
	}
	odd(CookieMismatch, "Erlang cookie", false, func(n NodeStatus) string { return n.CookieDigest })
	odd(VersionMismatch, "RabbitMQ version", true, func(n NodeStatus) string { return n.Version })
	odd(VersionMismatch, "Erlang version", true, func(n NodeStatus) string { return n.ErlangVersion })
	for _, node := range s.Nodes {
		if node.State == stateRunning && node.CookieDigest == "" {
			problems.add(CookieUnreadable, Failure, node.Name, "its Erlang cookie cannot be read")
		}
	}

	for _, node := range s.Nodes {
		if series, known := plan.SeriesOf(node.Version); known && s.Series != "" && series.String() != s.Series {
			problems.add(SeriesDiffers, Warning, node.Name, "runs RabbitMQ %s, and the stack's outputs say %s",
				node.Version, s.Series)
		}
	}

	flags := func(n NodeStatus) string { return strings.Join(n.FeatureFlags, ",") }
	common := strings.Split(mostCommon(s.Nodes, flags), ",")
	for _, node := range s.Nodes {
		if len(node.FeatureFlags) == 0 {
			continue
		}
		lacks, adds := without(common, node.FeatureFlags), without(node.FeatureFlags, common)
		if len(lacks) > 0 {
			problems.add(FeatureFlagMismatch, Failure, node.Name, "lacks the feature flags %s, which others have "+
				"enabled", join(lacks))
		}
		if len(adds) > 0 {
			problems.add(FeatureFlagMismatch, Failure, node.Name, "has the feature flags %s enabled, which others "+
				"lack", join(adds))
		}
	}
}

// mostCommon returns the value that most nodes have, leaving out those where it is not known; of several,
// that of the node that comes first.
func mostCommon(nodes []NodeStatus, value func(NodeStatus) string) string {
	count := map[string]int{}
	for _, node := range nodes {
		count[value(node)]++
	}
	var common string
	for _, node := range nodes {
		if v := value(node); v != "" && (common == "" || count[v] > count[common]) {
			common = v
		}
	}
	return common
}
