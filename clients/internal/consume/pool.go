package consume

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// job is one message to handle, and the subscription it came from, which its acknowledgement must go back to.
type job struct {
	sub      *subscription
	delivery amqp.Delivery
}

// pool runs a fixed number of handlers. It outlives sessions, so that a handler that takes long neither
// delays the next subscription nor adds to the number of handlers.
type pool struct {
	jobs    chan job
	kill    context.CancelFunc
	workers sync.WaitGroup
}

// startPool starts the workers. Their context holds the values of ctx, but goes on after ctx is done.
func startPool(ctx context.Context, size int, process func(context.Context, job)) *pool {
	p := &pool{jobs: make(chan job)}
	ctx, p.kill = context.WithCancel(context.WithoutCancel(ctx))
	for range size {
		p.workers.Go(func() {
			for j := range p.jobs {
				process(ctx, j)
			}
		})
	}
	return p
}

// stop takes no more jobs and waits for those under way; after the timeout it cancels their context and waits
// no longer.
func (p *pool) stop(timeout time.Duration) error {
	close(p.jobs)
	defer p.kill()
	idle := make(chan struct{})
	go func() {
		p.workers.Wait()
		close(idle)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-idle:
		return nil
	case <-timer.C:
		return fmt.Errorf("handlers did not finish within %v", timeout)
	}
}
