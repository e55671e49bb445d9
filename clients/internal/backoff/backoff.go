// Package backoff draws the waits between attempts.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is an exponential backoff with full jitter: every wait is drawn evenly from zero to a bound that
// doubles with each attempt until it reaches the ceiling. Full jitter spreads the clients of a cluster that
// lost the same node at the same moment better than a fixed wait with some jitter added.
type Backoff struct {
	Base    time.Duration
	Ceiling time.Duration
}

// Bound is the longest wait before the given attempt, counted from 0.
func (b Backoff) Bound(attempt int) time.Duration {
	bound := b.Base
	for range attempt {
		if bound >= b.Ceiling {
			break
		}
		bound *= 2
	}
	return min(bound, b.Ceiling)
}

// Wait draws the wait before the given attempt, counted from 0.
func (b Backoff) Wait(attempt int) time.Duration {
	return rand.N(b.Bound(attempt) + 1)
}

// GrownWait draws the wait before the given attempt, counted from 0, from the upper half: for what is to
// wait.
func (b Backoff) GrownWait(attempt int) time.Duration {
	bound := b.Bound(attempt)
	return bound/2 + rand.N(bound/2+1)
}

// Sleep waits for d, or returns the context's error if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
