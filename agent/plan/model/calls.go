package model

import (
	"errors"
	"fmt"
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// call is what an action does to the world, at once and completely.
func (w *World) call(a plan.Action, want wish) error {
	n := w.named(a.Node)
	home := w.home()
	if n != nil && n.c == nil && onContainer[a.Verb] {
		return errUnavailable
	}
	switch a.Verb {
	case plan.StartNode, plan.FoundCluster:
		return w.launch(n, a.Verb == plan.FoundCluster, want)
	case plan.SetDataAside:
		n.vol.aside = append(n.vol.aside, n.vol.cluster)
		n.wipe()
	case plan.StopNode:
		n.c.halt()
	case plan.RestartNode:
		n.c.halt()
	case plan.DrainNode:
		return n.ifApp(func() { w.drain(n) })
	case plan.ReviveNode:
		return n.ifApp(func() { n.c.maintenance = false })
	case plan.StartApp:
		if !n.c.vm || n.c.app {
			return errUnavailable
		}
		return w.launch(n, false, want)
	case plan.StopApp:
		return n.ifApp(func() { n.c.app, n.c.maintenance = false, false })
	case plan.ResetNode:
		return w.reset(n)
	case plan.ChangeType:
		if !n.up() {
			return errUnavailable
		}
		home.members[n] = a.Type
	default:
		return w.callCluster(a, n, home)
	}
	return nil
}

// onContainer are the calls that a node's own container answers.
var onContainer = map[plan.Verb]bool{
	plan.StartNode: true, plan.FoundCluster: true, plan.SetDataAside: true, plan.StopNode: true, plan.RestartNode: true,
	plan.DrainNode: true, plan.ReviveNode: true, plan.StartApp: true, plan.StopApp: true, plan.ResetNode: true, plan.ChangeType: true,
}

// callCluster does what a running cluster does.
func (w *World) callCluster(a plan.Action, n *node, home *cluster) error {
	if home == nil || !home.works() && a.Verb != plan.ForgetNode {
		return errUnavailable
	}
	q := home.queue(a.Queue)
	switch a.Verb {
	case plan.RememberReplicas:
		home.lost[a.Node] = slices.Clone(a.Queues)
		if len(a.Queues) == 0 {
			delete(home.lost, a.Node)
		}
		return nil
	case plan.ForgetNode:
		return w.forget(home, n)
	case plan.EnableFlags:
		for m := range home.members {
			if !m.up() {
				return errUnavailable
			}
		}
		home.flags = w.oldestRunning(home)
		return nil
	}
	if q == nil {
		return errNotFound
	}
	switch a.Verb {
	case plan.AddReplica:
		if !home.has(n) || n.cluster() != home {
			return errUnavailable
		}
		return q.add(n, !w.promotable)
	case plan.RemoveReplica:
		return w.remove(q, n)
	case plan.TransferLeadership:
		to := q.on(w.named(a.Target))
		if to == nil || !q.caughtUp(to) {
			return errUnavailable
		}
		q.leader = to.n
		q.term++
		return nil
	}
	return fmt.Errorf("no such call: %s", a.Verb)
}

func (n *node) ifApp(do func()) error {
	if n.c == nil || !n.c.app {
		return errUnavailable
	}
	do()
	return nil
}

// drain closes a node's listeners and hands over what it leads.
func (w *World) drain(n *node) {
	n.c.maintenance = true
	cl := n.vol.cluster
	if cl.leader == n && cl.majorityWithout(nil) {
		cl.leader = nil
		w.electMetadata(cl)
	}
	for _, q := range cl.queues {
		if q.leader != n || !q.works() {
			continue
		}
		for _, r := range q.available() {
			if r.n != n {
				q.leader = r.n
				q.term++
				break
			}
		}
	}
}

// halt ends a container's processes.
func (c *container) halt() {
	c.up, c.vm, c.booting, c.app, c.maintenance = false, false, false, false, false
	c.lives++
	c.agent = nil
}

func (n *node) wipe() {
	n.vol.data, n.vol.cluster, n.vol.logs = false, nil, map[*queue][]entry{}
}

// launch starts RabbitMQ; boot decides when it is up. What can't start ends, and its container with it, unless the Erlang VM
// ran before.
func (w *World) launch(n *node, founds bool, want wish) error {
	c := n.c
	if !n.hasData() {
		if err := w.joinOrFound(n, founds, want); err != nil {
			return c.fail(err)
		}
	}
	if !n.vol.series.SupportsUpgradeTo(c.series) {
		w.breach(plan.RuleOwner, "%s starts %s on data of %s", n.name, c.series, n.vol.series)
	}
	if !n.vol.cluster.has(n) {
		return c.fail(errors.New("inconsistent cluster")) // it let the node go
	}
	c.vm, c.booting = true, true
	w.boot(n)
	return nil
}

func (c *container) fail(err error) error {
	if !c.vm {
		c.halt()
	}
	return err
}

// joinOrFound is peer discovery.
func (w *World) joinOrFound(n *node, founds bool, want wish) error {
	home := w.home()
	if home == nil && founds {
		for _, peer := range want.nodes {
			if peer != n && peer.c != nil && peer.c.booting && peer.vol.cluster != nil && len(peer.vol.cluster.members) == 1 {
				home = peer.vol.cluster // another seed is about to found it
			}
		}
	}
	switch {
	case home != nil && !home.flags.SupportsUpgradeTo(n.c.series):
		return errors.New("incompatible feature flags")
	case home != nil && (home.majority(nil) || len(home.members) == 1):
		if _, was := home.members[n]; was {
			w.breach(plan.RuleMajority, "%s starts empty as the member that the cluster takes it for", n.name)
		}
	case founds:
		home = &cluster{
			id: fmt.Sprintf("cluster%d", len(w.clusters)+1), members: map[*node]topology.NodeType{}, lost: map[plan.NodeName][]plan.QueueID{},
			flags: n.c.series, mnesia: w.mnesia,
		}
		w.clusters = append(w.clusters, home)
		w.tell("%s founds %s", n.name, home.id)
	default:
		return errUnavailable
	}
	n.vol.data, n.vol.cluster, n.vol.series = true, home, n.c.series
	home.members[n] = "disc"
	for _, q := range home.queues {
		if r := q.on(n); q.replicated() && r != nil && !q.half {
			w.breach(plan.RuleMajority, "%s starts empty, and votes in %s", n.name, q.id.Name)
		}
	}
	return nil
}

// boot completes the start of a node whose cluster has a majority with it.
func (w *World) boot(n *node) {
	cl := n.vol.cluster
	launched := 0
	for m := range cl.members {
		if m.c != nil && (m.c.app || m.c.booting) && !m.isolated && m.vol.cluster == cl {
			launched++
		}
	}
	if n.isolated || !isMajority(launched, len(cl.members)) {
		return
	}
	n.c.booting, n.c.app, n.c.maintenance = false, true, false
	n.vol.series = n.c.series
}

// reset wipes a node whose RabbitMQ is stopped for it, and takes it out of its cluster.
func (w *World) reset(n *node) error {
	if !n.c.vm {
		return errUnavailable
	}
	cl := n.vol.cluster
	if cl != nil && len(cl.members) > 1 && !cl.majority(n) {
		return errUnavailable
	}
	n.c.app, n.c.booting, n.c.maintenance = false, false, false
	if cl != nil {
		delete(cl.members, n)
	}
	n.wipe()
	return nil
}

// forget removes a node from the cluster, with its replicas, except those that can't be removed at that moment, and with
// what lives on it alone.
func (w *World) forget(cl *cluster, n *node) error {
	if n.c != nil && (n.c.app || n.c.booting) && !n.isolated && n.vol.cluster == cl || !cl.has(n) {
		return errUnavailable
	}
	if !cl.majority(n) || !cl.works() && cl.leader == nil {
		return errUnavailable
	}
	delete(cl.members, n)
	for _, q := range slices.Clone(cl.queues) {
		switch {
		case q.replicated():
			_ = w.remove(q, n)
		case q.replicas[0].n == n:
			if len(q.confirmed) > 0 {
				w.breach(plan.RuleDurable, "%s was on %s alone, and %d messages with it", q.id.Name, n.name, len(q.confirmed))
			}
			cl.queues = slices.DeleteFunc(cl.queues, func(other *queue) bool { return other == q })
		}
	}
	return nil
}
