package render

import (
	"time"

	"warren/topology"
)

// This file sets how soon nodes and HAProxy notice a failure, with the reason for each number. Other numbers
// matter for an outage as well: HAProxy's retries, queue timeout and hard stop are in haproxy.cfg.tmpl, and
// the clients' timeouts are the options of package clients. docs/outages.md tells where the time of an outage
// goes.

// detection is how soon, and by what, each part of a cluster notices that another one failed.
type detection struct {
	// UserTimeout is how long data sent to another node may stay unacknowledged before the kernel closes the
	// connection (TCP_USER_TIMEOUT). It detects a cut network and nothing else: the peer's kernel
	// acknowledges even while its virtual machine is paused, collects garbage or waits for the CPU. 0 leaves
	// the kernel's own timeout, which is minutes.
	UserTimeout time.Duration
	// NetTickTime is Erlang's net_ticktime, in whole seconds: a node that sends nothing for 0.75 to 1.25 of
	// it counts as down. It detects what a socket can't, a virtual machine that hangs. Its lower bound must
	// be longer than a pause that is no failure. 0 leaves Erlang's 60 s.
	NetTickTime time.Duration
	// NetSetupTime is Erlang's net_setuptime: how long a node tries to connect to another one. A process that
	// calls a node that was cut off, such as the leader that the metadata still name, waits this long for the
	// error. 0 leaves Erlang's 7 s.
	NetSetupTime time.Duration
	// AtenPoll is how often aten, the failure detector that Raft uses, checks for heartbeats. It is also
	// Raft's minimum time before it repeats an election that nobody won. 0 leaves RabbitMQ's 5 s.
	AtenPoll time.Duration
	// AtenScaling is how long a node may be silent before aten calls it down, as a multiple of the usual time
	// between two heartbeats, which is 100 ms on a healthy network. 0 leaves aten's 1.5.
	AtenScaling int
	// PromptElection makes followers call elections in turn as soon as their leader's node is gone. Without
	// it each waits for a random time of 0.1 to 0.6 s, which no setting of RabbitMQ shortens.
	PromptElection bool

	// CheckInterval is the time between HAProxy's checks of a server that is settled, CheckTimeout the
	// longest that a check may take. A server goes down after Fall failures in a row and up after Rise
	// successes.
	CheckInterval, CheckTimeout time.Duration
	Fall, Rise                  int
	// FastInterval is the time between checks while a server is going up or down, and between two questions
	// for the verdict of its agent.
	FastInterval time.Duration
	// ConnectTimeout is how long HAProxy waits for a server to accept a connection before it tries another.
	ConnectTimeout time.Duration
}

var detections = map[topology.FailureDetection]detection{
	topology.DetectFast: {
		// Ten retransmissions on a LAN, where the retransmission timer starts at 200 ms and a round trip
		// takes less than one. Three round trips in a network that takes 200 ms and loses packets.
		UserTimeout: 2 * time.Second,
		// A hanging node is down after 3.75 to 6.25 s. The longest pause to expect from garbage collection or
		// a live migration is 2 s, which leaves 1.75 s to spare.
		NetTickTime: 5 * time.Second,
		// Connecting takes milliseconds on a LAN, and less than a second where a round trip takes 200 ms.
		NetSetupTime: time.Second,
		// UserTimeout and NetTickTime tell Raft sooner than aten does, but not every member at the same
		// moment. The first to know may call an election that it can't win because it lacks the last entries,
		// and then nobody calls another for this long and up to a second more. After a drain, when all
		// members know at once, two candidates may split the vote, and try again within this time.
		AtenPoll: 500 * time.Millisecond,
		// With so short an interval aten would take a pause of 2 s for a failure. It waits for 3 s of
		// silence.
		AtenScaling: 30,
		// A node counts as gone when its sockets have closed or one of the two timeouts above has passed,
		// which no hiccup causes. On a slower network the random wait gives the node time to come back.
		PromptElection: true,
		// A dead server refuses the next check and two more within half a second, so that it is down within
		// about a second. Each check is a connection to the node and a question to its agent, which answers
		// from memory.
		CheckInterval: 500 * time.Millisecond,
		FastInterval:  250 * time.Millisecond,
		Fall:          3,
		Rise:          2,
		// Checks wait for the agent as well as the kernel. A pause that is no failure must not fail three of
		// them.
		CheckTimeout: 2 * time.Second,
		// The kernel accepts connections at once even for a busy server, or after a round trip of 200 ms.
		// Until the checks find a dead server, HAProxy sends it every client that lost it, because it has the
		// fewest connections. Each waits this long before HAProxy tries another server.
		ConnectTimeout: 300 * time.Millisecond,
	},
	topology.DetectRelaxed: {
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
	topology.DetectStock: {
		// HAProxy's own defaults, and the tutorial's timeout for connections.
		CheckInterval:  2 * time.Second,
		FastInterval:   2 * time.Second,
		CheckTimeout:   2 * time.Second,
		Fall:           3,
		Rise:           2,
		ConnectTimeout: 5 * time.Second,
	},
}

func detectionOf(c *topology.Cluster) detection {
	d := detections[c.FailureDetection]
	if c.TLSInterNode && d.NetSetupTime > 0 {
		d.NetSetupTime = max(d.NetSetupTime, tlsSetupTime)
	}
	return d
}

// tlsSetupTime is how long nodes that talk over TLS try to connect at least. Both sides compute signatures
// and keys. With a second, on two cores with ten processes waiting for each, a node of a new stack did not
// reach another one that booted, and founded a cluster of its own.
const tlsSetupTime = 3 * time.Second
