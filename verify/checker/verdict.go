// Package checker judges the history of a run. It is pure: the same history always gets the same verdict, and
// a saved history can be judged again.
//
// The vocabulary is Jepsen's: a message is attempted when it is published, acknowledged when the broker
// confirms it, lost when it was acknowledged and never delivered, unexpected when it was delivered and never
// attempted, duplicated when it was delivered more than once, recovered when it was delivered although it was
// not acknowledged.
package checker

import (
	"time"

	"warren/verify/history"
)

// maxNamed is how many message ids a verdict names; it counts all of them.
const maxNamed = 20

// Messages is a set of messages that deserve a mention.
type Messages struct {
	Count int `json:"count"`
	// IDs names the first of them, in the order in which they came about.
	IDs []string `json:"ids,omitempty"`
}

func (m *Messages) add(id string) {
	m.Count++
	if len(m.IDs) < maxNamed {
		m.IDs = append(m.IDs, id)
	}
}

// Violation is a broken promise.
type Violation struct {
	// Kind is one of the Kind constants.
	Kind Kind `json:"kind"`
	// Text says what was promised and what happened instead.
	Text string `json:"text"`
	// Messages are those that prove it, if any.
	Messages Messages `json:"messages,omitzero"`
}

// Kind classifies a Violation.
type Kind string

// The kinds of violations.
const (
	// Lost: a confirmed message was never delivered.
	Lost Kind = "lost"
	// Unexpected: a message was delivered that nobody published, or that its producer reported as never sent.
	Unexpected Kind = "unexpected"
	// ConfirmedWithoutQuorum: a message was confirmed while no majority could keep it.
	ConfirmedWithoutQuorum Kind = "confirmed without quorum"
	// OutageTooLong: confirms paused for longer than promised.
	OutageTooLong Kind = "outage too long"
	// NotHealed: a fault was still in the cluster at the end.
	NotHealed Kind = "not healed"
	// AlertMissing: an alert did not fire under a fault, or not in time.
	AlertMissing Kind = "alert missing"
	// FalseAlarm: an alert fired that nothing was there for.
	FalseAlarm Kind = "false alarm"
	// ProvesNothing: the run was such that it could not have shown a broken promise.
	ProvesNothing Kind = "proves nothing"
)

// Verdict is what a history amounts to.
type Verdict struct {
	Scenario string `json:"scenario"`

	Attempted    int `json:"attempted"`
	Acknowledged int `json:"acknowledged"`
	Nacked       int `json:"nacked"`
	Returned     int `json:"returned"`
	Unknown      int `json:"unknown"`
	Unsent       int `json:"unsent"`
	// Delivered counts messages, Deliveries also the further deliveries of the same message.
	Delivered  int `json:"delivered"`
	Deliveries int `json:"deliveries"`

	Lost       Messages `json:"lost"`
	Unexpected Messages `json:"unexpected"`
	Duplicated Messages `json:"duplicated"`
	Recovered  Messages `json:"recovered"`
	// Reordered messages reached a consumer after a later message of the same producer, although the broker
	// did not mark them as redelivered.
	Reordered Messages `json:"reordered"`

	// Overall is the service as a whole: a moment is served when any path was.
	Overall PathVerdict `json:"overall"`
	// Paths are in the order of the history.
	Paths  []PathVerdict  `json:"paths"`
	Faults []FaultVerdict `json:"faults"`

	Violations []Violation `json:"violations"`
}

// Passed tells whether every promise was kept.
func (v Verdict) Passed() bool { return len(v.Violations) == 0 }

// PathVerdict is how one path served its clients.
type PathVerdict struct {
	// Path is as in the history; empty for all paths together.
	Path         string       `json:"path"`
	Attempted    int          `json:"attempted"`
	Acknowledged int          `json:"acknowledged"`
	Confirms     Availability `json:"confirms"`
	Deliveries   Availability `json:"deliveries"`
	// ConfirmLatency is from publish to confirm.
	ConfirmLatency Latency `json:"confirmLatency"`
}

// FaultVerdict is what one fault did to the service, from its beginning until the next fault began or traffic
// stopped.
type FaultVerdict struct {
	history.FaultWindow
	// Confirms and Deliveries are the longest outages that the fault had a part in, by path; "" is all paths
	// together.
	Confirms   map[string]time.Duration `json:"confirms"`
	Deliveries map[string]time.Duration `json:"deliveries"`
}
