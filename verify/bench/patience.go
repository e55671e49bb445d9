package bench

import (
	"context"
	"fmt"
	"time"

	"warren/verify/cluster"
)

// patience is how long preparations are tried again: a cluster that has just come up, or a machine that is busy, may not answer the
// management API in time.
const patience = time.Minute

// patiently tries what may be repeated until it succeeds.
func patiently(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not so within %s", patience))
	defer cancel()
	return cluster.Poll(ctx, 500*time.Millisecond, try)
}
