package connection

import (
	"log/slog"
	"sync"
	"time"

	"warren/clients/internal/callbacks"
)

// State is the state of a user's connection. What each means is documented where package clients exports it.
type State int

// The states, in the order of clients.State.
const (
	Disconnected State = iota
	Connecting
	Connected
	Blocked
	Closed
)

// String is the state's name in lower case.
func (s State) String() string {
	switch s {
	case Disconnected:
		return "disconnected"
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Blocked:
		return "blocked"
	case Closed:
		return "closed"
	default:
		return "unknown"
	}
}

// Change is one change of state.
type Change struct {
	From, To State
	Endpoint string // without credentials; empty for Closed
	Err      error  // why, for Disconnected and Blocked
	At       time.Time
}

// mostWaiting is how many changes of state may wait for a callback that is slow.
const mostWaiting = 100

// States holds a user's state, and reports its changes in order, one at a time.
type States struct {
	Log    *slog.Logger
	Notify func(Change) // nil for nobody

	calls   callbacks.Queue
	mu      sync.Mutex
	state   State
	trouble error // the last reason for not being Connected
}

// Set changes the state; setting the same state again is no change.
func (s *States) Set(to State, endpoint string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == to {
		return
	}
	change := Change{From: s.state, To: to, Endpoint: endpoint, Err: err, At: time.Now()}
	s.state = to
	switch {
	case to == Connected:
		s.trouble = nil
	case err != nil:
		s.trouble = err
	}
	s.calls.Add(func() {
		s.report(change)
		if s.Notify != nil {
			s.Notify(change)
		}
	}, mostWaiting)
}

// Reason is why messages do not flow right now; nil while they do.
func (s *States) Reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// report logs a change: what goes wrong as a warning, what is normal as information.
func (s *States) report(change Change) {
	switch change.To {
	case Disconnected:
		s.Log.Warn("disconnected", "endpoint", change.Endpoint, "error", change.Err)
	case Blocked:
		s.Log.Warn("blocked by the broker", "endpoint", change.Endpoint, "reason", change.Err)
	case Connecting:
		s.Log.Debug("connecting", "endpoint", change.Endpoint)
	case Connected:
		s.Log.Info("connected", "endpoint", change.Endpoint, "was", change.From.String())
	case Closed:
		s.Log.Debug("closed")
	}
}
