package suite

import (
	"context"
	"sync"
	"time"

	"warren/operate/cluster"
)

const (
	// knockEvery is short: it limits how well the outage of a load balancer is told from that of its clients.
	knockEvery = 10 * time.Millisecond
	// knockTimeout is far longer than a load balancer that serves takes to answer.
	knockTimeout = 100 * time.Millisecond
)

// firstGreeting returns nil as soon as a broker answers at a TCP address. It does not wait for one greeting
// to end before the next: one that comes a moment too early may hang, and would hide that another gets
// through.
func firstGreeting(ctx context.Context, address string) error {
	var knocks sync.WaitGroup
	defer knocks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan struct{}, 1)
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-answered:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			knocks.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, knockTimeout)
				defer cancel()
				if cluster.Greet(ctx, address) == nil {
					select {
					case answered <- struct{}{}:
					default: // another one was first
					}
				}
			})
		}
	}
}
