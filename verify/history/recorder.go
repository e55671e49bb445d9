package history

import (
	"slices"
	"sync"
	"time"
)

// Recorder collects a History while clients run. All methods may be called from any goroutine.
type Recorder struct {
	start time.Time

	mu        sync.Mutex
	history   History
	publishes []*Publish
	counts    Counts
	fates     map[string]fate // by message
	served    map[string]fate // by path
	missing   int             // messages whose fate is confirmed and not delivered
}

// fate is what is known of a message, or happened on a path.
type fate struct{ confirmed, delivered bool }

// Counts are running totals, cheap enough to be read many times a second for a progress line.
type Counts struct {
	Attempted, Confirmed, Delivered int
	// Pending publishes were attempted and have no outcome yet.
	Pending int
}

// NewRecorder starts a history: offset 0 is now. Paths are the ways to the cluster in the order a reader
// expects.
func NewRecorder(scenario string, paths ...string) *Recorder {
	now := time.Now()
	return &Recorder{
		start:   now,
		history: History{Scenario: scenario, Started: now, Paths: paths},
		fates:   map[string]fate{},
		served:  map[string]fate{},
	}
}

// Now is the offset of the present moment.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Attempt is a publish that was begun. Its outcome is unknown until Done says otherwise.
type Attempt struct {
	recorder *Recorder
	publish  *Publish
}

// Attempt records that a producer is about to publish a message.
func (r *Recorder) Attempt(producer, path, id string) Attempt {
	p := &Publish{ID: id, Producer: producer, Path: path, Outcome: Unknown}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.At = r.Now() // within the lock, so that the order of records is the order of time
	r.publishes = append(r.publishes, p)
	r.counts.Attempted++
	r.counts.Pending++
	return Attempt{r, p}
}

// Done records how the publish ended. It is called once per attempt.
func (a Attempt) Done(o Outcome, err error) {
	r := a.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	a.publish.Done, a.publish.Outcome = r.Now(), o
	if err != nil {
		a.publish.Error = err.Error()
	}
	r.counts.Pending--
	if o == Confirmed {
		r.counts.Confirmed++
		r.learn(a.publish.ID, a.publish.Path, fate{confirmed: true})
	}
}

// learn adds to what is known. The lock must be held.
func (r *Recorder) learn(id, path string, news fate) {
	before := r.fates[id]
	after := fate{before.confirmed || news.confirmed, before.delivered || news.delivered}
	r.fates[id] = after
	switch {
	case after == fate{confirmed: true} && before != after:
		r.missing++
	case before == fate{confirmed: true} && after.delivered:
		r.missing--
	}
	on := r.served[path]
	r.served[path] = fate{on.confirmed || news.confirmed, on.delivered || news.delivered}
}

// Delivered records that a message reached a consumer.
func (r *Recorder) Delivered(consumer, path, id string, redelivered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Deliveries = append(r.history.Deliveries,
		Delivery{ID: id, Consumer: consumer, Path: path, At: r.Now(), Redelivered: redelivered})
	r.counts.Delivered++
	r.learn(id, path, fate{delivered: true})
}

// Event records something that happened, other than to messages.
func (r *Recorder) Event(kind Kind, subject, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Events = append(r.history.Events, Event{At: r.Now(), Kind: kind, Subject: subject, Text: text})
}

// TrafficStarts and TrafficStops bound the time over which availability is judged.
func (r *Recorder) TrafficStarts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Traffic.From = r.Now()
}

// TrafficStops marks the moment at which producers were told to stop. Only the first call counts.
func (r *Recorder) TrafficStops() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.history.Traffic.To == 0 {
		r.history.Traffic.To = r.Now()
	}
}

// Drained records that consumers were given the time to receive everything.
func (r *Recorder) Drained() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Drained = true
}

// Window records the life of one fault, step by step.
type Window struct {
	recorder *Recorder
	index    int
}

// FaultBegins opens the window of a fault: its injection begins.
func (r *Recorder) FaultBegins(fault string) Window {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Faults = append(r.history.Faults, FaultWindow{Fault: fault, Begun: r.Now()})
	return Window{r, len(r.history.Faults) - 1}
}

// Injected records that the fault is verified to be in effect.
func (w Window) Injected() {
	w.set(func(f *FaultWindow, now time.Duration) { f.Injected = now })
}

// Healing records that the fault is about to be healed.
func (w Window) Healing() {
	w.set(func(f *FaultWindow, now time.Duration) { f.Healing = now })
}

// Healed records that the fault is verified to be gone.
func (w Window) Healed() {
	w.set(func(f *FaultWindow, now time.Duration) { f.Healed = now })
}

func (w Window) set(change func(f *FaultWindow, now time.Duration)) {
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	change(&w.recorder.history.Faults[w.index], w.recorder.Now())
}

// Counts are the totals so far.
func (r *Recorder) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Missing counts the confirmed messages that were not delivered so far: what a drain waits for.
func (r *Recorder) Missing() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing
}

// Silent are the paths over which no message was confirmed, or none delivered, so far.
func (r *Recorder) Silent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var silent []string
	for _, path := range r.history.Paths {
		if on := r.served[path]; !on.confirmed || !on.delivered {
			silent = append(silent, path)
		}
	}
	return silent
}

// History is a copy of what was recorded so far.
func (r *Recorder) History() History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.history
	h.Publishes = make([]Publish, len(r.publishes))
	for i, p := range r.publishes {
		h.Publishes[i] = *p
	}
	h.Paths = slices.Clone(h.Paths)
	h.Deliveries = slices.Clone(h.Deliveries)
	h.Events = slices.Clone(h.Events)
	h.Faults = slices.Clone(h.Faults)
	return h
}
