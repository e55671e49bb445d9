// Package history is the record of a run against a cluster: every publish and how it ended, every delivery,
// and what was done to the cluster meanwhile. A Recorder collects it while traffic runs, a checker judges it,
// now or later: a History can be saved as JSON lines and loaded again.
//
// All times in a history are offsets from its start on the monotonic clock of the machine that recorded it,
// so that they can be compared with each other whatever the wall clock did. In JSON they are integers, in
// nanoseconds.
package history

import (
	"cmp"
	"slices"
	"time"
)

// Outcome is how a publish ended, as far as the producer can tell.
type Outcome string

// The outcomes of a publish, in the terms of the protocol.
const (
	// Confirmed: the broker took responsibility for the message (basic.ack).
	Confirmed Outcome = "confirmed"
	// Nacked: the broker refused the message (basic.nack).
	Nacked Outcome = "nacked"
	// Returned: no queue was bound to take the message (basic.return).
	Returned Outcome = "returned"
	// Unknown: the broker did not answer, or the connection broke first. The message may be in the queue or not.
	Unknown Outcome = "unknown"
	// Unsent: no connection took the message in time. It is certainly not in a queue.
	Unsent Outcome = "unsent"
)

// Publish is one attempt to publish one message.
type Publish struct {
	// ID is the message's, unique within the history.
	ID string `json:"id"`
	// Producer names the client. The publishes of one producer are in the order it attempted them.
	Producer string `json:"producer"`
	// Path is the way to the cluster: LoadBalancer, AnyNode, Stored, or a node's name.
	Path string `json:"path"`
	// At is when the publish was attempted, Done when its outcome was known. Done is 0 while it is not.
	At      time.Duration `json:"at"`
	Done    time.Duration `json:"done,omitempty"`
	Outcome Outcome       `json:"outcome"`
	// Error says why the message was not confirmed.
	Error string `json:"error,omitempty"`
}

// Delivery is one message that reached a consumer.
type Delivery struct {
	ID       string        `json:"id"`
	Consumer string        `json:"consumer"`
	Path     string        `json:"path"`
	At       time.Duration `json:"at"`
	// Redelivered is the broker's flag: the message may have been delivered before.
	Redelivered bool `json:"redelivered,omitempty"`
}

// Kind classifies an Event.
type Kind string

// The kinds of events.
const (
	// Phase: a new part of the run began, such as "warm-up" or "hold".
	Phase Kind = "phase"
	// Fault: something was injected or healed.
	Fault Kind = "fault"
	// Client: a producer or consumer changed its state.
	Client Kind = "client"
	// Note: anything else worth knowing when the history is read.
	Note Kind = "note"
)

// Event is something that happened, other than to messages.
type Event struct {
	At   time.Duration `json:"at"`
	Kind Kind          `json:"kind"`
	// Subject is what it happened to: a client, a fault, a node.
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
}

// FaultWindow is the time during which one fault was in the cluster. The fault was certainly in effect from
// Injected to Healing; between Begun and Injected, and between Healing and Healed, it was coming or going.
type FaultWindow struct {
	// Fault is the fault's name.
	Fault string `json:"fault"`
	// Begun is when injection began, Injected when the fault was verified to be in effect.
	Begun    time.Duration `json:"begun"`
	Injected time.Duration `json:"injected"`
	// Healing is when healing began, Healed when it was verified to be done. A window still open has zeros here.
	Healing time.Duration `json:"healing,omitempty"`
	Healed  time.Duration `json:"healed,omitempty"`
}

// Span is a stretch of time.
type Span struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Length is how long the span lasts.
func (s Span) Length() time.Duration { return s.To - s.From }

// Overlaps tells whether the two spans have a moment in common.
func (s Span) Overlaps(o Span) bool { return s.From < o.To && o.From < s.To }

// The paths that are not a node's own.
const (
	// LoadBalancer is the path through the load balancer.
	LoadBalancer = "load balancer"
	// VirtualAddress is the path through the virtual address, by a client that knows no other.
	VirtualAddress = "virtual address"
	// AnyNode is the path straight to the nodes, by a client that knows all of them and goes to the next when
	// one fails.
	AnyNode = "any node"
	// Stored is the path of messages that nobody consumes until the end of the run: what the cluster has to
	// lose. They are published as over AnyNode.
	Stored = "stored"
)

// History is what was recorded. Publishes, Deliveries and Events are in the order of At.
type History struct {
	// Scenario names what was played, such as "leader killed".
	Scenario string `json:"scenario"`
	// Started is the wall-clock time of offset 0, for comparison with the logs of the nodes.
	Started time.Time `json:"started"`
	// Paths are the ways to the cluster that traffic took, in the order a reader expects them; Stored is none
	// of them.
	Paths []string `json:"paths"`
	// Traffic is the time during which producers published; availability is judged over it.
	Traffic Span `json:"traffic"`
	// Drained tells that consumers ran on after the producers stopped, until nothing more arrived. Without it
	// a message that was not delivered may just not have been delivered yet.
	Drained bool `json:"drained"`

	Publishes  []Publish     `json:"-"`
	Deliveries []Delivery    `json:"-"`
	Events     []Event       `json:"-"`
	Faults     []FaultWindow `json:"-"`
}

// End is the offset of the last thing that the history knows of.
func (h History) End() time.Duration {
	end := h.Traffic.To
	for _, p := range h.Publishes {
		end = max(end, p.At, p.Done)
	}
	for _, d := range h.Deliveries {
		end = max(end, d.At)
	}
	for _, e := range h.Events {
		end = max(end, e.At)
	}
	for _, f := range h.Faults {
		end = max(end, f.Injected, f.Healed)
	}
	return end
}

// sort brings all records into the order of time; records of the same moment keep theirs.
func (h *History) sort() {
	slices.SortStableFunc(h.Publishes, func(a, b Publish) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(h.Deliveries, func(a, b Delivery) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(h.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(h.Faults, func(a, b FaultWindow) int { return cmp.Compare(a.Begun, b.Begun) })
}
