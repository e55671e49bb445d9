package clients

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is an exponential backoff with full jitter: every wait is drawn evenly from zero to a bound that
// doubles with each attempt until it reaches the ceiling. Full jitter spreads the clients of a cluster that
// lost the same node at the same moment better than a fixed wait with some jitter added.
type backoff struct {
	base    time.Duration
	ceiling time.Duration
}

// bound is the longest wait before the given attempt, counted from 0.
func (b backoff) bound(attempt int) time.Duration {
	bound := b.base
	for range attempt {
		if bound >= b.ceiling {
			break
		}
		bound *= 2
	}
	return min(bound, b.ceiling)
}

// wait draws the wait before the given attempt, counted from 0.
func (b backoff) wait(attempt int) time.Duration {
	return rand.N(b.bound(attempt) + 1)
}

// grownWait draws the wait before the given attempt, counted from 0, from the upper half: for what is to
// wait.
func (b backoff) grownWait(attempt int) time.Duration {
	bound := b.bound(attempt)
	return bound/2 + rand.N(bound/2+1)
}

// sleep waits for d, or returns the context's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
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
