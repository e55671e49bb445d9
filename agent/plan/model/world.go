// Package model is a cluster in memory, on which a planner is run through schedules of operator wishes, faults and
// interruptions. After each step the rules are judged by what the cluster truly is, which the planner sees only in parts;
// at the end the cluster is as wished, or the refusal is right.
//
// The model is on purpose worse than RabbitMQ: a queue may elect any replica that Raft could elect, followers lag as long as
// they may, and every call may fail, hang, or be cut off after it took effect.
package model

import (
	"fmt"
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// Chooser makes the choices of a schedule. Zero is the dullest one.
type Chooser interface {
	// Choose returns a number from 0 to n-1.
	Choose(what string, n int) int
}

// Planner is what is proved.
type Planner func(plan.View, plan.Desired) plan.Decision

// node is a place for a RabbitMQ node: a name, and what there is of it.
type node struct {
	name plan.NodeName
	vol  *volume
	c    *container
	// isolated: cut off from all others.
	isolated bool
}

// volume is a node's disk.
type volume struct {
	owner  string
	data   bool
	series topology.Series
	// cluster is the one that the data are of.
	cluster *cluster
	// logs are those of the replicas of quorum queues.
	logs map[*queue][]entry
	// aside is what was set aside.
	aside []*cluster
}

// container is a node's container.
type container struct {
	series topology.Series
	cookie string
	rev    int
	// up: its processes run. A container that is not up was stopped, or has died and waits for the engine.
	up bool
	// ordered: it was stopped by order, so that the engine does not start it again.
	ordered bool
	// vm: the Erlang VM runs; booting, app: RabbitMQ boots in it, runs in it.
	vm, booting, app bool
	maintenance      bool
	stopping         bool
	// lives counts the VMs there were, so that a call that hangs ends with its own.
	lives int
	agent *loop
	// mayFound: the stack had no data when it was created.
	mayFound bool
	// want is what it was created for.
	want wish
}

// cluster is a cluster's metadata. It can be changed while most members are up.
type cluster struct {
	id      string
	members map[*node]topology.NodeType
	queues  []*queue
	lost    map[plan.NodeName][]plan.QueueID
	// flags is the series whose feature flags are enabled.
	flags  topology.Series
	mnesia bool
	// leader leads the metadata store. It stays leader while it runs.
	leader *node
}

// entry is an entry of a Raft log.
type entry struct{ term, message int }

// replica is a member of a queue's group.
type replica struct {
	n     *node
	voter bool
}

// queue is a queue. One that is not replicated has one replica, and its messages are on home.
type queue struct {
	id        plan.QueueID
	typ       plan.QueueType
	exclusive bool
	wanted    int
	replicas  []*replica
	leader    *node
	term      int
	// half: its deletion was interrupted. What was in it is given up.
	half bool
	// confirmed are the messages whose publishers were told so and that nobody has consumed.
	confirmed []int
	// stored are the messages of a queue that is not replicated.
	stored []int
}

// wish is the configuration of the stack.
type wish struct {
	nodes  []*node
	types  map[*node]topology.NodeType
	series topology.Series
	cookie string
	owner  string
	rev    int
	// destroy: `pulumi destroy` instead of `pulumi up`.
	destroy bool
}

// World is one run of the model.
type World struct {
	choose Chooser
	plan   Planner
	story  []string

	nodes    []*node
	clusters []*cluster
	// promotable: new replicas do not vote before they have caught up, as from 3.12 on.
	promotable bool
	mnesia     bool
	wish       wish
	// satisfied is the last wish that a deployment has fulfilled.
	satisfied wish
	// destroyed: a destroy has deleted some of the stack's volumes.
	destroyed bool
	loops     []*loop
	deploying *deployment
	hanging   []hanging
	messages  int
	calm      bool // no faults any more
	steps     int
	broken    string
	// done counts the actions that were done.
	done map[plan.Verb]int
	end  string
}

// hanging is a call whose effect is still to come.
type hanging struct {
	what string
	// alive tells whether it may still take effect.
	alive func() bool
	do    func() error
}

var (
	older = topology.Series{Major: 4, Minor: 2}
	newer = topology.Series{Major: 4, Minor: 3}
	// The series of a world with Mnesia, where nodes have types and new replicas vote at once.
	olderMnesia = topology.Series{Major: 3, Minor: 10}
	newerMnesia = topology.Series{Major: 3, Minor: 11}
)

const seeds = 3

func newWorld(choose Chooser, planner Planner) *World {
	w := &World{choose: choose, plan: planner, done: map[plan.Verb]int{}}
	for i := range 5 {
		w.nodes = append(w.nodes, &node{name: plan.NodeName(fmt.Sprintf("rabbit@rabbit%d", i+1))})
	}
	w.mnesia = w.pick("mnesia", 4) == 3
	w.promotable = !w.mnesia
	series := older
	if w.mnesia {
		series = olderMnesia
	}
	size := []int{3, 5, 2, 1}[w.pick("size", 4)]
	w.wish = wish{nodes: slices.Clone(w.nodes[:size]), types: map[*node]topology.NodeType{}, series: series, cookie: "c1", owner: "mine"}
	return w
}

func (w *World) pick(what string, n int) int { return w.choose.Choose(what, n) }

// tell adds a line to the story.
func (w *World) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf("%4d ", w.steps)+fmt.Sprintf(format, args...))
}

// breach ends the run: a rule is broken.
func (w *World) breach(rule plan.Rule, format string, args ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf("rule %d: ", rule) + fmt.Sprintf(format, args...)
		w.tell("BROKEN %s", w.broken)
	}
}

// up tells whether RabbitMQ runs on a node, as the rest of the cluster sees it.
func (n *node) up() bool { return n.c != nil && n.c.app && !n.isolated }

// serving tells whether it is also in service.
func (n *node) serving() bool { return n.up() && !n.c.maintenance }

// agentUp tells whether the node's own agent answers.
func (n *node) agentUp() bool { return n.c != nil && n.c.up && !n.isolated }

// isStopping tells whether the node's agent was told to stop it and has not done so.
func (n *node) isStopping() bool { return n.c != nil && n.c.up && n.c.stopping }

func (n *node) hasData() bool { return n.vol != nil && n.vol.data }

// cluster is the one that a running node is in.
func (n *node) cluster() *cluster {
	if n.c == nil || !n.c.app {
		return nil
	}
	return n.vol.cluster
}

func (c *cluster) has(n *node) bool { _, is := c.members[n]; return is }

// majority tells whether most members run.
func (c *cluster) majority(without *node) bool {
	up, members := 0, 0
	for n := range c.members {
		if n == without {
			continue
		}
		members++
		if n.up() && n.vol.cluster == c {
			up++
		}
	}
	return 2*up > members
}

// works tells whether the metadata can be changed.
func (c *cluster) works() bool { return c.majority(nil) && (c.mnesia || c.leader != nil) }

// readable tells whether the metadata can be read.
func (c *cluster) readable() bool { return c.majority(nil) || c.leader != nil }

// elect makes a member the leader of the metadata store.
func (w *World) electMetadata(c *cluster) {
	if c.leader != nil && c.leader.up() && c.leader.vol.cluster == c && c.has(c.leader) {
		return
	}
	c.leader = nil
	if !c.majority(nil) {
		return
	}
	for _, n := range w.nodes {
		if c.has(n) && n.up() && n.vol.cluster == c && (c.leader == nil || c.leader.c.maintenance) {
			c.leader = n
		}
	}
}

// home is the cluster that the planner takes for the stack's.
func (w *World) home() *cluster {
	var seen []plan.Node
	for _, n := range w.nodes {
		if c := n.cluster(); c != nil && !n.isolated {
			seen = append(seen, plan.Node{
				State: n.state(), ClusterID: plan.Known(c.id), Alone: plan.Known(len(c.members) == 1), OwnQueues: plan.Known(len(c.queues)),
			})
		}
	}
	id := plan.Home(seen)
	for _, c := range w.clusters {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (x wish) has(n *node) bool { return slices.Contains(x.nodes, n) }

func (w *World) named(name plan.NodeName) *node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

func (c *cluster) queue(id plan.QueueID) *queue {
	for _, q := range c.queues {
		if q.id == id {
			return q
		}
	}
	return nil
}
