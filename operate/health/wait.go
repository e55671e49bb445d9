package health

import (
	"context"
	"strings"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
)

// observeEvery is how often a wait looks. Observing costs each node a few requests and one small process.
const observeEvery = time.Second

// UnhealthyError says what is wrong with a cluster that did not become healthy in time.
type UnhealthyError struct {
	Problems []Problem
}

func (e *UnhealthyError) Error() string {
	var failures []string
	for _, problem := range e.Problems {
		if problem.Severity == Failure {
			failures = append(failures, problem.String())
		}
	}
	return "the cluster is not healthy: " + strings.Join(failures, "; ")
}

// WaitHealthy returns when nothing is wrong that matters with the cluster itself, see [Status.Serves]. When
// ctx ends first, the error wraps an UnhealthyError with what was wrong when last seen.
func WaitHealthy(ctx context.Context, c *cluster.Cluster) error {
	return wait.Until(ctx, observeEvery, healthyCluster, checkHealth(c))
}

// WaitRecovered is WaitHealthy for a machine of any speed: it gives up when what is wrong has been the same
// for stall.
func WaitRecovered(ctx context.Context, c *cluster.Cluster, stall time.Duration) error {
	return wait.Progress(ctx, stall, observeEvery, healthyCluster, checkHealth(c))
}

const healthyCluster = "a healthy cluster"

// checkHealth returns a check that fails with what is wrong.
func checkHealth(c *cluster.Cluster) func(context.Context) error {
	return func(ctx context.Context) error {
		status, err := Observe(ctx, c)
		if err == nil && !status.Serves() {
			err = &UnhealthyError{withoutHelpers(status.Problems())}
		}
		return err
	}
}
