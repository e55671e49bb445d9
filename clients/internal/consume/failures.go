package consume

import (
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/field"
)

// mostFailures is how many messages whose handling has failed are remembered.
const mostFailures = 4096

// DeliveryCount is how often delivering a message has failed before, as quorum queues count it.
func DeliveryCount(d *amqp.Delivery) int64 { return field.Integer(d.Headers["x-delivery-count"]) }

// failures counts how often handling messages has failed, by id, for queues that do not count it themselves.
type failures struct {
	mu     sync.Mutex
	counts map[string]int
}

func newFailures() *failures { return &failures{counts: make(map[string]int)} }

// add counts one more failure of a message, and returns how many there were.
func (f *failures) add(d *amqp.Delivery) int {
	if count := DeliveryCount(d); count > 0 {
		return int(count) + 1 // the queue counts
	}
	if d.MessageId == "" {
		if d.Redelivered {
			return 5 // there is no telling: a second and a half or so
		}
		return 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.counts[d.MessageId]; !known && len(f.counts) >= mostFailures {
		for id := range f.counts { // any
			delete(f.counts, id)
			break
		}
	}
	f.counts[d.MessageId]++
	return f.counts[d.MessageId]
}

// forget drops a message that has been dealt with.
func (f *failures) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.counts, id)
}

// delaysRetries says whether quorum queues of a RabbitMQ version, such as "4.3.1", can make failed messages
// wait. One that does not tell its version is taken at the application's word.
func delaysRetries(version string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n < 2 {
		return true
	}
	return major > 4 || major == 4 && minor >= 3
}

// offsets knows from where on a stream has to be read again.
type offsets struct {
	mu       sync.Mutex
	begun    map[int64]struct{} // being handled
	behind   int64              // the highest offset seen, plus 1
	received bool
}

func newOffsets() *offsets { return &offsets{begun: make(map[int64]struct{})} }

// begin notes that a message is about to be handled.
func (o *offsets) begin(offset int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun[offset] = struct{}{}
	o.received = true
	o.behind = max(o.behind, offset+1)
}

// end notes that it was dealt with.
func (o *offsets) end(offset int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.begun, offset)
}

// next is where to go on: behind the last message before which all were dealt with; nil if none was received.
// What is being handled is then going to be delivered again.
func (o *offsets) next() any {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.received {
		return nil
	}
	from := o.behind
	for offset := range o.begun {
		from = min(from, offset)
	}
	clear(o.begun)
	o.behind = from
	return from
}
