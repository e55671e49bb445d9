package helper

import (
	"context"
	"sync"
	"time"

	"warren/agent/peer"
	"warren/agent/rabbit"
	"warren/agent/watch"
)

// Formation makes the cluster consist of the stack's nodes, and then looks at it for those who watch it until
// ctx ends, which is when the formation is deleted: it says farewell to the nodes.
func (h *Helper) Formation(ctx context.Context) {
	defer h.farewell()
	result, reached := h.before()
	if !reached {
		decision, ok := h.bringAbout(ctx)
		if !ok {
			return
		}
		result = Result{Phase: peer.Done, Notices: decision.Notices}
		if len(decision.Refusals) > 0 {
			result = Result{Phase: peer.Refused, Refusals: decision.Refusals, Notices: decision.Notices}
		}
	}
	h.reached(result)
	h.log.Info("the formation is "+string(result.Phase), "nodes", len(h.desired.Nodes))
	var nodes []string
	for _, n := range h.desired.Nodes {
		nodes = append(nodes, string(n.Name))
	}
	watch.Watch(ctx, h.rabbit, nodes, h.board.SetGauges)
}

// farewell tells the nodes that the formation is told to end. When the stack is destroyed, they are told to
// stop next.
func (h *Helper) farewell() {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all sync.WaitGroup
	for _, n := range h.desired.Nodes {
		all.Go(func() {
			if err := h.peers.Farewell(ctx, rabbit.Host(string(n.Name))); err != nil {
				h.log.Warn("a node was not told", "node", n.Name, "error", err)
			}
		})
	}
	all.Wait()
}
