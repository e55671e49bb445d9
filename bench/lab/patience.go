package lab

import (
	"context"
	"time"

	"warren/internal/wait"
)

// patience is how long preparations are tried again: a cluster that has just come up, or a machine that is
// busy, may not answer the management API in time.
const patience = time.Minute

// Patiently tries what may be repeated until it succeeds.
func Patiently(ctx context.Context, try func(context.Context) error) error {
	return wait.Within(ctx, patience, 500*time.Millisecond, "the management API", try)
}
