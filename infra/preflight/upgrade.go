package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"

	"warren/topology"
)

// upgradeProblems tells if some node's data are of a series that the stack's image can't take over. The
// containers know what they run, also after a deployment that failed halfway, when the stack's configuration
// and its last outputs don't.
func upgradeProblems(cluster *topology.Cluster, containers []container.Summary) []string {
	nodes := map[topology.Series][]string{}
	for _, c := range containers {
		series, err := topology.ParseSeries(c.Labels[topology.LabelSeries])
		if err == nil && !series.SupportsUpgradeTo(cluster.Series) {
			nodes[series] = append(nodes[series], c.Labels[topology.LabelNode])
		}
	}
	var problems []string
	for _, series := range slices.SortedFunc(maps.Keys(nodes), topology.Series.Compare) {
		slices.Sort(nodes[series])
		problems = append(problems, upgradeProblem(series, cluster, nodes[series]))
	}
	return problems
}

func upgradeProblem(from topology.Series, cluster *topology.Cluster, nodes []string) string {
	runs := fmt.Sprintf("RabbitMQ %s runs on %s, and %s is %s",
		from, strings.Join(nodes, ", "), cluster.Image, cluster.Series)
	if from.Compare(cluster.Series) > 0 {
		return fmt.Sprintf("%s, which can't take over the data of a newer series: set warren:image to %s or "+
			"newer, or destroy the stack first", runs, from)
	}
	remedy := "go by the series between them, with a `pulumi up` for each"
	if path := from.UpgradePath(cluster.Series); path != nil {
		var stops []string
		for _, series := range path {
			stops = append(stops, series.String())
		}
		remedy = fmt.Sprintf("set warren:image to %s, with a `pulumi up` for each", strings.Join(stops, ", then "))
	}
	return fmt.Sprintf("%s, to which RabbitMQ supports no upgrade in one step: %s", runs, remedy)
}
