package preflight

import (
	"context"
	"fmt"

	"warren/infra/engine"
	"warren/topology"
)

// openFileProblems finds that the engine does not grant nodes as many open files as their connections take:
// their containers would not start, one after the other. Only more than the default number of connections is
// tried out, since that takes a container.
func openFileProblems(ctx context.Context, docker engine.Client, cluster *topology.Cluster) []string {
	if cluster.ConnectionMax <= topology.DefaultConnectionMax {
		return nil
	}
	need := cluster.OpenFiles()
	granted, err := engine.OpenFiles(ctx, docker, cluster.Image, need)
	if err != nil || granted >= need {
		return nil // what could not be tried out is nothing that would fail for certain
	}
	return []string{fmt.Sprintf("warren:connectionMax is %d, for which a node opens up to %d files, and "+
		"the Docker engine grants %d: write at most %d, or raise the engine's limit",
		cluster.ConnectionMax, need, granted, topology.MostConnections(granted))}
}
