// Package verdict says whether a node takes clients, to the load balancers that ask its agent. The agent
// works the verdict out beforehand from what it has seen of the node, so that an answer costs the same
// whatever the node holds, and however busy it is.
package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Standing is what a verdict says about a node.
type Standing string

// What a node can do for clients.
const (
	// Serves: it takes clients, if it accepts connections at all. That the load balancer sees for itself.
	Serves Standing = "serves"
	// Drains: it keeps the clients that it has, and gets no new ones.
	Drains Standing = "drains"
	// Fails: it can't serve those that it has either. Their connections are closed.
	Fails Standing = "fails"
)

// Verdict is what the agent of a node says about it.
type Verdict struct {
	Standing Standing
	// Reason says why the node does not serve.
	Reason string
}

// Pulse is what a node says of itself, several times a second (node_pulse.erl).
type Pulse struct {
	// TickSeconds is the node's net_ticktime.
	TickSeconds int `json:"tickSeconds"`
	// Members is how many members the node knows in its cluster, 0 if it knows none, and Present how many
	// of them it is connected to, itself included.
	Members int `json:"members"`
	Present int `json:"present"`
	// Draining tells whether the node is in maintenance mode.
	Draining bool `json:"draining"`
	// Lost are the Raft systems that RabbitMQ had started and that are gone.
	Lost []string `json:"lost"`
}

// minority tells whether a node is connected to half of the members or fewer.
func (p Pulse) minority() bool { return p.Members > 0 && 2*p.Present <= p.Members }

// Seen is what an agent has seen of its node.
type Seen struct {
	// Stopping tells whether the node was told to stop.
	Stopping bool
	// Pulse is the last one, Silence how long ago it came. There is none until RabbitMQ has started.
	Pulse   *Pulse
	Silence time.Duration
	// Mute tells that the node did not answer a client during the silence.
	Mute bool
	// Minority and Lost are how long pulses without an exception have said so, from the first to the last.
	Minority, Lost time.Duration
}

const (
	// minorityLasts is how long a node must be in a minority: two pulses. What is told once may be a
	// connection that was replaced.
	minorityLasts = 150 * time.Millisecond
	// lostLasts is how long a Raft system must be gone. A supervisor that starts it again takes
	// milliseconds, and some seconds if the journal is long.
	lostLasts = 3 * time.Second
)

// Patience is how long a node may be silent. By then its peers have lost patience as well: a node that sends
// nothing is down for them after 0.75 to 1.25 of net_ticktime.
func (p Pulse) Patience() time.Duration { return time.Duration(p.TickSeconds) * time.Second * 5 / 4 }

// Judge is the verdict about what was seen. Only what is known counts against a node, because a load balancer
// that takes out a good node does more harm than one that leaves a bad one in.
func Judge(s Seen) Verdict {
	switch {
	case s.Stopping:
		return Verdict{Drains, "it was told to stop"}
	case s.Pulse == nil:
		return Verdict{Standing: Serves}
	case s.Silence > s.Pulse.Patience() && s.Mute:
		return Verdict{Fails, fmt.Sprintf("it has not answered for %s", s.Silence.Round(time.Second))}
	case s.Lost >= lostLasts:
		return Verdict{Fails, "it runs without its queues: " +
			strings.Join(slices.Sorted(slices.Values(s.Pulse.Lost)), " and ") +
			" stopped, and only a restart of the node brings them back"}
	case s.Minority >= minorityLasts:
		return Verdict{Fails, fmt.Sprintf("it is connected to %d of %d members, itself included, which is "+
			"no majority",
			s.Pulse.Present, s.Pulse.Members)}
	case s.Pulse.Draining:
		return Verdict{Drains, "it is drained for maintenance"}
	default:
		return Verdict{Standing: Serves}
	}
}
