package topology

import "time"

// How the cluster notices failures. The numbers by which it does are in this file, each with its reason; those of the
// clients are in the options of package clients.
// docs/outages.md tells where the time of an outage goes.

// FailureDetection says how soon a cluster notices that a node or a network failed.
type FailureDetection string

// The settings of failure detection.
const (
	// DetectFast finds a failed node within about three seconds. For nodes in one data centre.
	DetectFast FailureDetection = "fast"
	// DetectRelaxed gives a slow or lossy network four times as long.
	DetectRelaxed FailureDetection = "relaxed"
	// DetectStock leaves Erlang, RabbitMQ and HAProxy at their defaults.
	DetectStock FailureDetection = "stock"
)

// detection is how soon, and by what, each part of a cluster notices that another one failed.
type detection struct {
	// UserTimeout is how long data sent to another node may stay unacknowledged before the kernel gives up on the
	// connection (TCP_USER_TIMEOUT). It sees a cut network, and only that: the peer's kernel acknowledges even while
	// its virtual machine is paused, collects garbage or waits for the CPU. 0 leaves the kernel's own, which is minutes.
	UserTimeout time.Duration
	// NetTickTime is Erlang's net_ticktime, in whole seconds: a node from which nothing came for 0.75 to 1.25 of it
	// counts as down. It sees what a socket can't, a virtual machine that hangs, so its lower bound must be longer than
	// a pause that is no failure. 0 leaves Erlang's 60 s.
	NetTickTime time.Duration
	// NetSetupTime is Erlang's net_setuptime: how long a node tries to connect to another one. Whoever asks a node that was
	// cut off, such as the leader that the metadata still name, waits this long for the answer that there is none. 0
	// leaves Erlang's 7 s.
	NetSetupTime time.Duration
	// AtenPoll is how often aten, the failure detector below Raft, looks for heartbeats. Raft also takes it as the least time
	// after which it repeats an election that nobody won. 0 leaves RabbitMQ's 5 s.
	AtenPoll time.Duration
	// AtenScaling is how many times the usual distance between two heartbeats, 100 ms on a network without trouble, a node
	// may be silent before aten calls it down. 0 leaves aten's 1.5.
	AtenScaling int
	// PromptElection has followers stand for election in turn, as soon as the node of their leader is gone, instead of after a time drawn
	// by lot, 0.1 to 0.6 s, which no setting of RabbitMQ's shortens.
	PromptElection bool

	// CheckInterval is the time between HAProxy's checks of a server that is settled, CheckTimeout the longest a check
	// may take. Fall failures in a row take a server out, Rise successes take it back.
	CheckInterval, CheckTimeout time.Duration
	Fall, Rise                  int
	// FastInterval is the time between checks while a server changes its state.
	FastInterval time.Duration
	// ConnectTimeout is how long HAProxy waits for a server to accept a connection before it tries another.
	ConnectTimeout time.Duration
}

var detections = map[FailureDetection]detection{
	DetectFast: {
		// Ten retransmissions on a LAN, where the retransmission timer starts at 200 ms and the round trip takes less than
		// one; still three round trips where one takes 200 ms and loses packets.
		UserTimeout: 2 * time.Second,
		// A hanging node is down after 3.75 to 6.25 s. A pause of 2 s, the longest garbage collection or live migration
		// worth expecting, leaves 1.75 s to spare.
		NetTickTime: 5 * time.Second,
		// On a LAN a connection takes milliseconds, and less than a second where a round trip takes 200 ms.
		NetSetupTime: time.Second,
		// The two above tell Raft sooner than aten does, but not every member at the same moment: the one that knows first may
		// call an election that it can't win, for want of the last entries, and then nobody calls another for this long and up to a
		// second more. After a drain, when all know at once, two may stand against each other, and try again within this time.
		AtenPoll: 500 * time.Millisecond,
		// Looking so often, aten would take a pause of 2 s for a failure; 3 s of silence are none.
		AtenScaling: 30,
		// A node is gone when its sockets have closed or one of the two timeouts above has passed, of which none is a hiccup. A
		// slower network gets the lot's time to bring it back.
		PromptElection: true,
		// A dead server refuses the next check, and two more within half a second tell it from a hiccup: down within about a
		// second. Each check costs a node 5 ms of CPU time, so these are 1 % of a core.
		CheckInterval: 500 * time.Millisecond,
		FastInterval:  250 * time.Millisecond,
		Fall:          3,
		Rise:          2,
		// Checks wait for the virtual machine, not just the kernel; a pause that is no failure must not fail three of them.
		CheckTimeout: 2 * time.Second,
		// The kernel accepts connections at once, even for a busy server, or after a round trip of 200 ms. Until the checks have
		// found a dead server, every client that lost it is sent there first, as to the one with the fewest connections, and
		// waits this long before it is sent to another.
		ConnectTimeout: 300 * time.Millisecond,
	},
	DetectRelaxed: {
		UserTimeout:    8 * time.Second,
		NetTickTime:    20 * time.Second,
		NetSetupTime:   4 * time.Second,
		AtenPoll:       2 * time.Second,
		AtenScaling:    120,
		CheckInterval:  2 * time.Second,
		FastInterval:   time.Second,
		CheckTimeout:   5 * time.Second,
		Fall:           3,
		Rise:           2,
		ConnectTimeout: 5 * time.Second,
	},
	DetectStock: {
		// HAProxy's own defaults, and the tutorial's timeout for connections.
		CheckInterval:  2 * time.Second,
		FastInterval:   2 * time.Second,
		CheckTimeout:   2 * time.Second,
		Fall:           3,
		Rise:           2,
		ConnectTimeout: 5 * time.Second,
	},
}

func (c *Cluster) detection() detection { return detections[c.FailureDetection] }
