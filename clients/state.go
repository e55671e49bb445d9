package clients

import (
	"log/slog"
	"sync"
	"time"
)

// State is the state of a producer's or a consumer's connection.
type State int

// The states of a connection. It starts out Disconnected and ends up Closed; a consumer that is run again
// leaves that.
const (
	// Disconnected: there is no connection; the next attempt follows by itself.
	Disconnected State = iota
	// Connecting: an endpoint is being tried.
	Connecting
	// Connected: messages flow.
	Connected
	// Blocked: the broker has stopped reading from the connection because it is short of memory or disk
	// space. Only publishing is affected. It is waited out, not reconnected: a new connection would be
	// blocked as well.
	Blocked
	// Closed: closed for good, by the application.
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

// StateChange is one change of state.
type StateChange struct {
	From, To State
	// Endpoint is the endpoint concerned, without credentials; empty for Closed.
	Endpoint string
	// Err says why, for Disconnected and Blocked.
	Err error
	At  time.Time
}

// mostWaiting is how many changes of state may wait for a callback that is slow.
const mostWaiting = 100

// tracker holds a state, and reports its changes in order, one at a time.
type tracker struct {
	log    *slog.Logger
	notify func(StateChange)
	calls  callbacks

	mu      sync.Mutex
	state   State
	trouble error // the last reason for not being Connected
}

// set changes the state; setting the same state again is no change.
func (t *tracker) set(to State, endpoint string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == to {
		return
	}
	change := StateChange{From: t.state, To: to, Endpoint: endpoint, Err: err, At: time.Now()}
	t.state = to
	switch {
	case to == Connected:
		t.trouble = nil
	case err != nil:
		t.trouble = err
	}
	t.calls.add(func() {
		t.report(change)
		if t.notify != nil {
			t.notify(change)
		}
	}, mostWaiting)
}

// reason is why messages do not flow right now; nil while they do.
func (t *tracker) reason() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

// report logs a change: what goes wrong as a warning, what is normal as information.
func (t *tracker) report(change StateChange) {
	switch change.To {
	case Disconnected:
		t.log.Warn("disconnected", "endpoint", change.Endpoint, "error", change.Err)
	case Blocked:
		t.log.Warn("blocked by the broker", "endpoint", change.Endpoint, "reason", change.Err)
	case Connecting:
		t.log.Debug("connecting", "endpoint", change.Endpoint)
	case Connected:
		t.log.Info("connected", "endpoint", change.Endpoint, "was", change.From.String())
	case Closed:
		t.log.Debug("closed")
	}
}
