package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"
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

// WaitHealthy returns when nothing is wrong that matters. When ctx ends first, the error wraps an UnhealthyError with
// what was wrong when last seen.
func (c *Cluster) WaitHealthy(ctx context.Context) error {
	err := Poll(ctx, observeEvery, func(ctx context.Context) error {
		status, err := c.Observe(ctx)
		if err == nil && !status.Healthy() {
			err = &UnhealthyError{status.Problems()}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait until the cluster is healthy: %w", err)
	}
	return nil
}
