package node

import (
	"context"
	"sync"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/topology"
)

// wholeStackGoes tells whether nobody is left to take over from a node that stops, so that it need not wait
// for others and hand over to them. Only what somebody says counts, and never that somebody does not
// answer:
//   - the formation has said farewell. It does so when it is told to end, and Pulumi deletes it before any
//     node when it destroys the stack. A formation that answers takes a farewell back: it has been replaced.
//   - all other nodes have said, since this one was told to stop, that they were told so too, as when a
//     machine shuts down.
func (a *Agent) wholeStackGoes(ctx context.Context) bool {
	if a.board.Parted() {
		if _, err := a.peers.Status(ctx, topology.FormationHost); err != nil {
			a.passOn(ctx)
			return true
		}
	}
	return a.allStop(ctx)
}

// passOn says farewell to the other nodes: theirs may be too long ago when their turn comes.
func (a *Agent) passOn(ctx context.Context) {
	each(a.desired, func(node plan.NodeName) {
		_ = a.peers.Farewell(ctx, rabbit.Host(string(node))) // one that is gone needs none
	})
}

// allStop notes which other nodes say that they were told to stop, and tells whether all have.
func (a *Agent) allStop(ctx context.Context) bool {
	each(a.desired, func(node plan.NodeName) {
		status, err := a.peers.Status(ctx, rabbit.Host(string(node)))
		if err == nil && status.Phase == peer.Stopping {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.stopping[node] = true
		}
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.stopping) > 0 && len(a.stopping) == len(a.desired.Nodes)-1
}

// each calls a function for every other node, at the same time.
func each(desired plan.Desired, f func(plan.NodeName)) {
	var all sync.WaitGroup
	for _, n := range desired.Nodes {
		if n.Name != desired.Self {
			all.Go(func() { f(n.Name) })
		}
	}
	all.Wait()
}
