package clients

import (
	"time"

	"warren/clients/internal/connection"
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
func (s State) String() string { return connection.State(s).String() }

// StateChange is one change of state.
type StateChange struct {
	From, To State
	// Endpoint is the endpoint concerned, without credentials; empty for Closed.
	Endpoint string
	// Err says why, for Disconnected and Blocked.
	Err error
	At  time.Time
}
