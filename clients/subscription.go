package clients

import (
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// subscription is a session that consumes the queue.
type subscription struct {
	session    *session
	tag        string
	deliveries <-chan amqp.Delivery // closed when the session is over or the broker cancels the consumer
	prober     sync.WaitGroup

	unsettled atomic.Int64 // deliveries that were taken and not settled yet
	touched   atomic.Int64 // when the last one was taken or settled, in Unix nanoseconds
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

// idleIn is how long it takes at least until there has been nothing to do for the given time; 0 or less if that is so now.
func (sub *subscription) idleIn(idle time.Duration) time.Duration {
	if sub.unsettled.Load() > 0 {
		return idle
	}
	return idle - time.Since(time.Unix(0, sub.touched.Load()))
}
