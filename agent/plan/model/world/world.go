// Package world is a cluster in memory: what there truly is, what can be seen of it, and what calls do to it.
//
// It is on purpose worse than RabbitMQ: a queue may elect any replica that Raft could elect, and followers
// lag as long as they may.
package world

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/topology"
)

// Chooser makes the choices of a schedule. Zero is the dullest one.
type Chooser interface {
	// Choose returns a number from 0 to n-1.
	Choose(what string, n int) int
}

// Node is a place for a RabbitMQ node: a name, and what there is of it.
type Node struct {
	Name      plan.NodeName
	Volume    *Volume
	Container *Container
	// isolated: cut off from all others.
	Isolated bool
}

// Volume is a node's disk.
type Volume struct {
	Owner  string
	Data   bool
	Series topology.Series
	// cluster is the one that the data are of.
	Cluster *Cluster
	// logs are those of the replicas of quorum queues.
	Logs map[*Queue][]Entry
	// aside is what was set aside.
	Aside []*Cluster
}

// Container is a node's container.
type Container struct {
	Series   topology.Series
	Cookie   string
	Revision int
	// up: its processes run. A container that is not up was stopped, or has died and waits for the engine.
	Up bool
	// ordered: it was stopped by order, so that the engine does not start it again.
	Ordered bool
	// vm: the Erlang VM runs; booting, app: RabbitMQ boots in it, runs in it.
	VM, Booting, App bool
	// discovers: it boots without data, and has not decided yet whether it joins or founds a cluster.
	discovers   *Wish
	Maintenance bool
	Stopping    bool
	// lives counts the VMs there were, so that a call that hangs ends with its own.
	Lives int
	Agent *Loop
	// mayFound: the stack had no data when it was created.
	MayFound bool
	// want is what it was created for.
	Want Wish
}

// Cluster is a cluster's metadata. It can be changed while most members are up.
type Cluster struct {
	ID      string
	Members map[*Node]topology.NodeType
	Queues  []*Queue
	Lost    map[plan.NodeName][]plan.QueueID
	// flags is the series whose feature flags are enabled.
	Flags  topology.Series
	Mnesia bool
	// leader leads the metadata store. It stays leader while it runs.
	leader *Node
}

// Entry is an entry of a Raft log.
type Entry struct{ Term, Message int }

// Replica is a member of a queue's group.
type Replica struct {
	Node  *Node
	Voter bool
}

// Queue is a queue. One that is not replicated has one replica, and its messages are on home.
type Queue struct {
	ID        plan.QueueID
	Type      plan.QueueType
	Exclusive bool
	Wanted    int
	Replicas  []*Replica
	Leader    *Node
	Term      int
	// half: its deletion was interrupted. What was in it is given up.
	Half bool
	// confirmed are the messages whose publishers were told so and that nobody has consumed.
	Confirmed []int
	// stored are the messages of a queue that is not replicated.
	Stored []int
}

// Wish is the configuration of the stack.
type Wish struct {
	Nodes    []*Node
	Types    map[*Node]topology.NodeType
	Series   topology.Series
	Cookie   string
	Owner    string
	Revision int
	// destroy: `pulumi destroy` instead of `pulumi up`.
	Destroy bool
}

// World is one run of the model.
type World struct {
	choose Chooser
	Story  []string

	Nodes    []*Node
	Clusters []*Cluster
	// promotable: new replicas do not vote before they have caught up, as from 3.12 on.
	promotable bool
	Mnesia     bool
	Wish       Wish
	// satisfied is the last wish that a deployment has fulfilled.
	Satisfied Wish
	// destroyed: a destroy has deleted some of the stack's volumes.
	Destroyed bool
	Messages  int
	Calm      bool // no faults any more
	Steps     int
	Broken    string
	// done counts the actions that were done.
	Done map[plan.Verb]int
	End  string
}

// The series between which a stack changes; with Mnesia, in which nodes have types and new replicas vote at
// once, there are others.
var (
	// Older is the series that a stack begins with.
	Older = topology.Series{Major: 4, Minor: 2}
	// Newer is the one after it.
	Newer = topology.Series{Major: 4, Minor: 3}
	// OlderMnesia is the series that a stack with Mnesia begins with.
	OlderMnesia = topology.Series{Major: 3, Minor: 10}
	// NewerMnesia is the one after it.
	NewerMnesia = topology.Series{Major: 3, Minor: 11}
)

const seeds = 3

// NewWorld is a world in which nothing is deployed yet.
func NewWorld(choose Chooser) *World {
	w := &World{choose: choose, Done: map[plan.Verb]int{}}
	for i := range 5 {
		w.Nodes = append(w.Nodes, &Node{Name: plan.NodeName(topology.NodeName(fmt.Sprintf("rabbit%d", i+1)))})
	}
	w.Mnesia = w.Pick("mnesia", 4) == 3
	w.promotable = !w.Mnesia
	series := Older
	if w.Mnesia {
		series = OlderMnesia
	}
	size := []int{3, 5, 2, 1}[w.Pick("size", 4)]
	w.Wish = Wish{Nodes: slices.Clone(w.Nodes[:size]), Types: map[*Node]topology.NodeType{}, Series: series,
		Cookie: "c1", Owner: "mine"}
	return w
}

// Pick makes a choice.
func (w *World) Pick(what string, n int) int { return w.choose.Choose(what, n) }

// Tell adds a line to the story.
func (w *World) Tell(format string, args ...any) {
	w.Story = append(w.Story, fmt.Sprintf("%4d ", w.Steps)+fmt.Sprintf(format, args...))
}

// Breach ends the run: a rule is broken.
func (w *World) Breach(rule plan.Rule, format string, args ...any) {
	if w.Broken == "" {
		w.Broken = fmt.Sprintf("rule %d: ", rule) + fmt.Sprintf(format, args...)
		w.Tell("BROKEN %s", w.Broken)
	}
}

// Up tells whether RabbitMQ runs on a node, as the rest of the cluster sees it.
func (n *Node) Up() bool { return n.Container != nil && n.Container.App && !n.Isolated }

// Serving tells whether it is also in service.
func (n *Node) Serving() bool { return n.Up() && !n.Container.Maintenance }

// agentUp tells whether the node's own agent answers.
func (n *Node) agentUp() bool { return n.Container != nil && n.Container.Up && !n.Isolated }

// IsStopping tells whether the node's agent was told to stop it and has not done so.
func (n *Node) IsStopping() bool { return n.Container != nil && n.Container.Up && n.Container.Stopping }

// HasData tells whether the node's disk has data of a cluster.
func (n *Node) HasData() bool { return n.Volume != nil && n.Volume.Data }

// Cluster is the one that a running node is in.
func (n *Node) Cluster() *Cluster {
	if n.Container == nil || !n.Container.App {
		return nil
	}
	return n.Volume.Cluster
}

// Has tells whether a node is a member.
func (c *Cluster) Has(n *Node) bool { _, is := c.Members[n]; return is }

// Majority tells whether most members run.
func (c *Cluster) Majority(without *Node) bool {
	up, members := 0, 0
	for n := range c.Members {
		if n == without {
			continue
		}
		members++
		if n.Up() && n.Volume.Cluster == c {
			up++
		}
	}
	return 2*up > members
}

// works tells whether the metadata can be changed.
func (c *Cluster) works() bool { return c.Majority(nil) && (c.Mnesia || c.leader != nil) }

// Readable tells whether the metadata can be read.
func (c *Cluster) Readable() bool { return c.Majority(nil) || c.leader != nil }

// ElectMetadata makes a member the leader of the metadata store.
func (w *World) ElectMetadata(c *Cluster) {
	if c.leader != nil && c.leader.Up() && c.leader.Volume.Cluster == c && c.Has(c.leader) {
		return
	}
	c.leader = nil
	if !c.Majority(nil) {
		return
	}
	for _, n := range w.Nodes {
		if c.Has(n) && n.Up() && n.Volume.Cluster == c && (c.leader == nil || c.leader.Container.Maintenance) {
			c.leader = n
		}
	}
}

// Home is the cluster that the planner takes for the stack's.
func (w *World) Home() *Cluster {
	var seen []plan.Node
	for _, n := range w.Nodes {
		if c := n.Cluster(); c != nil && !n.Isolated {
			seen = append(seen, plan.Node{
				State: n.state(), ClusterID: plan.Known(c.ID), Alone: plan.Known(len(c.Members) == 1),
				OwnQueues: plan.Known(len(c.Queues)),
			})
		}
	}
	id := plan.Home(seen)
	for _, c := range w.Clusters {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// Has tells whether a node is wished for.
func (x Wish) Has(n *Node) bool { return slices.Contains(x.Nodes, n) }

// Named finds a node; nil if there is none.
func (w *World) Named(name plan.NodeName) *Node {
	for _, n := range w.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Queue finds a queue; nil if there is none.
func (c *Cluster) Queue(id plan.QueueID) *Queue {
	for _, q := range c.Queues {
		if q.ID == id {
			return q
		}
	}
	return nil
}

// Matches tells whether a container is as wished, and runs.
func (n *Node) Matches(want Wish) bool {
	return n.Container != nil && n.Container.Up && !n.Container.Ordered && n.Container.Series == want.Series &&
		n.Container.Cookie == want.Cookie && n.Container.Revision == want.Revision &&
		slices.Equal(n.Container.Want.seeds(), want.seeds())
}

// seeds are named in a node's configuration: other ones replace its container.
func (x Wish) seeds() []*Node { return x.Nodes[:min(seeds, len(x.Nodes))] }

// String writes a wish in a line.
func (x Wish) String() string {
	var names []string
	for _, n := range x.Nodes {
		name := Short(n.Name)
		if x.Types[n] == "ram" {
			name += " (ram)"
		}
		names = append(names, name)
	}
	return fmt.Sprintf("%s; %s, cookie %s, configuration %d, by %s", strings.Join(names, " "), x.Series,
		x.Cookie, x.Revision, x.Owner)
}

// Short is a node's name as stories write it.
func Short(name plan.NodeName) string { return topology.HostOfNode(string(name)) }

// Valid is a wish that the configuration's own checks let pass: one node at least is a disc node.
func (x Wish) Valid() Wish {
	if !slices.ContainsFunc(x.Nodes, func(n *Node) bool { return x.Types[n] != topology.RAM }) {
		x.Types = nil
	}
	return x
}

// MajorityWithout tells whether most members run when one stops.
func (c *Cluster) MajorityWithout(stopped *Node) bool {
	up := 0
	for n := range c.Members {
		if n != stopped && n.Up() && n.Volume.Cluster == c {
			up++
		}
	}
	return IsMajority(up, len(c.Members))
}
