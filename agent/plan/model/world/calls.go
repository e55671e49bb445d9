package world

import (
	"errors"
	"fmt"
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// Call is what an action does to the world, at once and completely.
func (w *World) Call(a plan.Action, want Wish) error {
	n := w.Named(a.Node)
	home := w.Home()
	if n != nil && n.Container == nil && onContainer[a.Verb] {
		return errUnavailable
	}
	switch a.Verb {
	case plan.StartNode, plan.FoundCluster:
		return w.Launch(n, a.Verb == plan.FoundCluster, want)
	case plan.SetDataAside:
		n.Volume.Aside = append(n.Volume.Aside, n.Volume.Cluster)
		n.Wipe()
	case plan.StopNode:
		n.Container.Halt()
	case plan.RestartNode:
		n.Container.Halt()
	case plan.DrainNode:
		return n.ifApp(func() { w.drain(n) })
	case plan.ReviveNode:
		return n.ifApp(func() { n.Container.Maintenance = false })
	case plan.StartApp:
		if !n.Container.VM || n.Container.App {
			return errUnavailable
		}
		return w.Launch(n, false, want)
	case plan.StopApp:
		return n.ifApp(func() { n.Container.App, n.Container.Maintenance = false, false })
	case plan.ResetNode:
		return w.reset(n)
	case plan.ChangeType:
		if !n.Up() {
			return errUnavailable
		}
		home.Members[n] = a.Type
	default:
		return w.callCluster(a, n, home)
	}
	return nil
}

// onContainer are the calls that a node's own container answers.
var onContainer = map[plan.Verb]bool{
	plan.StartNode: true, plan.FoundCluster: true, plan.SetDataAside: true, plan.StopNode: true,
	plan.RestartNode: true,
	plan.DrainNode:   true, plan.ReviveNode: true, plan.StartApp: true, plan.StopApp: true, plan.ResetNode: true,
	plan.ChangeType: true,
}

// callCluster does what a running cluster does.
func (w *World) callCluster(a plan.Action, n *Node, home *Cluster) error {
	if home == nil || !home.works() && a.Verb != plan.ForgetNode {
		return errUnavailable
	}
	q := home.Queue(a.Queue)
	switch a.Verb {
	case plan.RememberReplicas:
		home.Lost[a.Node] = slices.Clone(a.Queues)
		if len(a.Queues) == 0 {
			delete(home.Lost, a.Node)
		}
		return nil
	case plan.ForgetNode:
		return w.forget(home, n)
	case plan.EnableFlags:
		for m := range home.Members {
			if !m.Up() {
				return errUnavailable
			}
		}
		home.Flags = w.OldestRunning(home)
		return nil
	}
	if q == nil {
		return errNotFound
	}
	switch a.Verb {
	case plan.AddReplica:
		if !home.Has(n) || n.Cluster() != home {
			return errUnavailable
		}
		return q.add(n, !w.promotable)
	case plan.RemoveReplica:
		return w.remove(q, n)
	case plan.TransferLeadership:
		to := q.On(w.Named(a.Target))
		if to == nil || !q.CaughtUp(to) {
			return errUnavailable
		}
		q.Leader = to.Node
		q.Term++
		return nil
	}
	return fmt.Errorf("no such call: %s", a.Verb)
}

func (n *Node) ifApp(do func()) error {
	if n.Container == nil || !n.Container.App {
		return errUnavailable
	}
	do()
	return nil
}

// drain closes a node's listeners and hands over what it leads.
func (w *World) drain(n *Node) {
	n.Container.Maintenance = true
	cl := n.Volume.Cluster
	if cl.leader == n && cl.MajorityWithout(nil) {
		cl.leader = nil
		w.ElectMetadata(cl)
	}
	for _, q := range cl.Queues {
		if q.Leader != n || !q.Works() {
			continue
		}
		for _, r := range q.Available() {
			if r.Node != n {
				q.Leader = r.Node
				q.Term++
				break
			}
		}
	}
}

// Halt ends a container's processes.
func (c *Container) Halt() {
	c.Up, c.VM, c.Booting, c.App, c.Maintenance, c.discovers = false, false, false, false, false, nil
	c.Lives++
	c.Agent = nil
}

// Wipe takes all that is on a node's disk.
func (n *Node) Wipe() {
	n.Volume.Data, n.Volume.Cluster, n.Volume.Logs = false, nil, map[*Queue][]Entry{}
}

// Launch starts RabbitMQ; boot decides when it is up. What can't start ends, and its container with it,
// unless the Erlang VM ran before.
func (w *World) Launch(n *Node, founds bool, want Wish) error {
	c := n.Container
	if !n.HasData() {
		if founds && !w.Calm {
			c.VM, c.Booting, c.discovers = true, true, &want
			return nil
		}
		if err := w.joinOrFound(n, founds, want); err != nil {
			return c.fail(err)
		}
	}
	if !n.Volume.Series.SupportsUpgradeTo(c.Series) {
		w.Breach(plan.RuleOwner, "%s starts %s on data of %s", n.Name, c.Series, n.Volume.Series)
	}
	if !n.Volume.Cluster.Has(n) {
		return c.fail(errors.New("inconsistent cluster")) // it let the node go
	}
	c.VM, c.Booting = true, true
	w.Boot(n)
	return nil
}

func (c *Container) fail(err error) error {
	if !c.VM {
		c.Halt()
	}
	return err
}

// joinOrFound is peer discovery. A seed that does not reach the others in time founds a cluster of its own.
func (w *World) joinOrFound(n *Node, founds bool, want Wish) error {
	home := w.Home()
	if home != nil && founds && !w.Calm && w.Pick("missed", 12) == 11 {
		home = nil
	} else if home == nil && founds {
		for _, peer := range want.Nodes {
			if peer != n && peer.Container != nil && peer.Container.Booting && peer.Volume.Cluster != nil &&
				len(peer.Volume.Cluster.Members) == 1 {
				home = peer.Volume.Cluster // another seed is about to found it
			}
		}
	}
	switch {
	case home != nil && !home.Flags.SupportsUpgradeTo(n.Container.Series):
		return errors.New("incompatible feature flags")
	case home != nil && (home.Majority(nil) || len(home.Members) == 1):
		if _, was := home.Members[n]; was {
			w.Breach(plan.RuleMajority, "%s starts empty as the member that the cluster takes it for", n.Name)
		}
	case founds:
		home = &Cluster{
			ID: fmt.Sprintf("cluster%d", len(w.Clusters)+1), Members: map[*Node]topology.NodeType{},
			Lost:  map[plan.NodeName][]plan.QueueID{},
			Flags: n.Container.Series, Mnesia: w.Mnesia,
		}
		w.Clusters = append(w.Clusters, home)
		w.Tell("%s founds %s", n.Name, home.ID)
	default:
		return errUnavailable
	}
	n.Volume.Data, n.Volume.Cluster, n.Volume.Series = true, home, n.Container.Series
	home.Members[n] = "disc"
	for _, q := range home.Queues {
		if r := q.On(n); q.Replicated() && r != nil && !q.Half {
			w.Breach(plan.RuleMajority, "%s starts empty, and votes in %s", n.Name, q.ID.Name)
		}
	}
	return nil
}

// Boot completes the start of a node whose cluster has a majority with it.
func (w *World) Boot(n *Node) {
	if c := n.Container; c.discovers != nil {
		if !w.Calm && w.Pick("discovers", 8) > 5 {
			return
		}
		want := *c.discovers
		c.discovers = nil
		if err := w.joinOrFound(n, true, want); err != nil {
			c.Halt()
			return
		}
	}
	cl := n.Volume.Cluster
	launched := 0
	for m := range cl.Members {
		if m.Container != nil && (m.Container.App || m.Container.Booting) && !m.Isolated && m.Volume.Cluster == cl {
			launched++
		}
	}
	if n.Isolated || !IsMajority(launched, len(cl.Members)) {
		return
	}
	n.Container.Booting, n.Container.App, n.Container.Maintenance = false, true, false
	n.Volume.Series = n.Container.Series
}

// reset wipes a node whose RabbitMQ is stopped for it, and takes it out of its cluster.
func (w *World) reset(n *Node) error {
	if !n.Container.VM {
		return errUnavailable
	}
	cl := n.Volume.Cluster
	if cl != nil && len(cl.Members) > 1 && !cl.Majority(n) {
		return errUnavailable
	}
	n.Container.App, n.Container.Booting, n.Container.Maintenance = false, false, false
	if cl != nil {
		delete(cl.Members, n)
	}
	n.Wipe()
	return nil
}

// forget removes a node from the cluster, with its replicas, except those that can't be removed at that
// moment, and with what lives on it alone.
func (w *World) forget(cl *Cluster, n *Node) error {
	if n.Container != nil && (n.Container.App || n.Container.Booting) && !n.Isolated && n.Volume.Cluster == cl ||
		!cl.Has(n) {
		return errUnavailable
	}
	if !cl.Majority(n) || !cl.works() && cl.leader == nil {
		return errUnavailable
	}
	delete(cl.Members, n)
	for _, q := range slices.Clone(cl.Queues) {
		switch {
		case q.Replicated():
			_ = w.remove(q, n)
		case q.Replicas[0].Node == n:
			if len(q.Confirmed) > 0 {
				w.Breach(plan.RuleDurable, "%s was on %s alone, and %d messages with it", q.ID.Name, n.Name,
					len(q.Confirmed))
			}
			cl.Queues = slices.DeleteFunc(cl.Queues, func(other *Queue) bool { return other == q })
		}
	}
	return nil
}
