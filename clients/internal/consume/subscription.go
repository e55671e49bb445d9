package consume

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// subscription is a channel that consumes the queue.
type subscription struct {
	*transport.Channel
	tag        string
	deliveries <-chan amqp.Delivery // closed when the channel is over or the broker cancels the consumer
	run        context.Context      // of Consumer.Run
	served     atomic.Bool          // whether it has brought a message or another sign of life
	prober     sync.WaitGroup
	probing    *transport.Channel // the prober's; nil while it has none

	unsettled atomic.Int64 // deliveries that were taken and not settled yet
	touched   atomic.Int64 // when the last one was taken or settled, in Unix nanoseconds

	mu      sync.Mutex
	retries map[*time.Timer]func() // messages that wait before they go back
	hurried bool                   // nothing waits any more
}

// touch notes that the subscription is alive.
func (sub *subscription) touch() { sub.touched.Store(time.Now().UnixNano()) }

// take notes that a delivery is being worked on.
func (sub *subscription) take() {
	sub.unsettled.Add(1)
	sub.touch()
}

// settle notes that a delivery needs no more work.
func (sub *subscription) settle() {
	sub.unsettled.Add(-1)
	sub.touch()
}

// idleIn is how long it takes at least until there has been nothing to do for the given time; 0 or less if
// that is so now.
func (sub *subscription) idleIn(idle time.Duration) time.Duration {
	if sub.unsettled.Load() > 0 {
		return idle
	}
	return idle - time.Since(time.Unix(0, sub.touched.Load()))
}

// later calls f after a pause, or at once when the subscription is in a hurry.
func (sub *subscription) later(pause time.Duration, f func()) {
	sub.mu.Lock()
	if sub.hurried || pause <= 0 {
		sub.mu.Unlock()
		f()
		return
	}
	defer sub.mu.Unlock()
	if sub.retries == nil {
		sub.retries = make(map[*time.Timer]func())
	}
	var timer *time.Timer
	timer = time.AfterFunc(pause, func() {
		sub.mu.Lock()
		_, waiting := sub.retries[timer]
		delete(sub.retries, timer)
		sub.mu.Unlock()
		if waiting {
			f()
		}
	})
	sub.retries[timer] = f
}

// hurry ends all pauses, now and later.
func (sub *subscription) hurry() {
	sub.mu.Lock()
	retries := sub.retries
	sub.retries, sub.hurried = nil, true
	sub.mu.Unlock()
	for timer, f := range retries {
		timer.Stop()
		f()
	}
}
