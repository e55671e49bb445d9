package helper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/internal/wait"
	"warren/topology"
)

const (
	// watchInterval is between two glances at a node that is a member.
	watchInterval = 5 * time.Second
	// greetInterval is between two tries to greet a node that serves.
	greetInterval = time.Second
)

// Membership makes a node a member of its cluster in good order, and then watches over that until ctx ends.
// It goes back to work if the node turns out to have founded a cluster of its own.
func (h *Helper) Membership(ctx context.Context) {
	result, reached := h.before()
	settled := reached
	for {
		if !reached {
			var ok bool
			if result, ok = h.makeMember(ctx); !ok {
				return
			}
		}
		h.reached(result)
		if result.Phase != peer.Done {
			break
		}
		h.log.Info("the node is a member of its cluster, with its replicas", "node", h.desired.Self)
		var strayed bool
		result.Reason, strayed = h.watch(ctx, settled)
		if ctx.Err() != nil {
			break
		}
		if !strayed {
			result.Phase = peer.Lost
			h.log.Warn("the membership is lost", "reason", result.Reason)
			h.reached(result)
			break
		}
		h.log.Warn("the node has founded a cluster of its own, and is moved", "node", h.desired.Self)
		reached = false
	}
	<-ctx.Done()
}

// makeMember makes the node a member, or returns why that was refused. It returns false if ctx ends before.
func (h *Helper) makeMember(ctx context.Context) (Result, bool) {
	decision, ok := h.bringAbout(ctx)
	if !ok {
		return Result{}, false
	}
	if len(decision.Refusals) > 0 {
		return Result{Phase: peer.Refused, Refusals: decision.Refusals, Notices: decision.Notices}, true
	}
	return Result{Phase: peer.Done, Notices: decision.Notices}, h.greets(ctx) && h.presents(ctx)
}

// greets waits until the node answers a client: one with settings that break every connection accepts them
// all the same. It returns false if ctx ends before.
func (h *Helper) greets(ctx context.Context) bool {
	for !h.rabbit.Greets(ctx, string(h.desired.Self), topology.AMQPPort) {
		h.board.Set(peer.Working, fmt.Sprintf("%s closes the connections of clients: its log says why",
			h.desired.Self))
		if wait.Sleep(ctx, greetInterval) != nil {
			return false
		}
	}
	return true
}

// presents waits until the node presents the certificate that this membership has handed over, if it has one.
// A node reads a certificate again when it no longer remembers it, which this brings about. Connections that
// are open go on. It returns false if ctx ends before.
func (h *Helper) presents(ctx context.Context) bool {
	for {
		shown, err := h.presentsAll(ctx)
		if shown {
			return true
		}
		reason := fmt.Sprintf("%s does not present its certificate: its log says why", h.desired.Self)
		if err == nil {
			h.log.Info("the node reads its certificate again", "node", h.desired.Self)
			err = h.rabbit.ForgetCertificates(ctx, string(h.desired.Self))
		}
		if err != nil {
			reason += fmt.Sprintf(" (%v)", err)
		}
		h.board.Set(peer.Working, reason)
		if wait.Sleep(ctx, greetInterval) != nil {
			return false
		}
	}
}

// presentsAll tells whether the node presents the certificates that it has been handed: to clients and, if
// there is one for that, to other nodes.
func (h *Helper) presentsAll(ctx context.Context) (bool, error) {
	for _, at := range []struct {
		port int
		file string
	}{
		{topology.AMQPTLSPort, topology.CertificatePath},
		{topology.DistributionPort, topology.InterNodePath},
	} {
		shown, err := h.rabbit.Presents(ctx, string(h.desired.Self), at.port, at.file)
		if !shown && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, nil
}

// watch returns why the node is certainly no member in good order any more; empty when ctx ends. A node
// that is stopped, or can't be reached, is still a member. It strayed if the membership was not settled until
// the node was found in another cluster than the others.
func (h *Helper) watch(ctx context.Context, settled bool) (reason string, strayed bool) {
	away := false
	for wait.Sleep(ctx, watchInterval) == nil {
		view := h.observer.Glance(ctx)
		self, _ := view.Node(h.desired.Self)
		id, known := self.ClusterID.Get()
		switch {
		case ctx.Err() != nil:
			return "", false
		case self.Running() && known && view.ClusterID != "" && id != view.ClusterID:
			return fmt.Sprintf("%s is in another cluster than the others", self.Name), !settled
		case self.Member.Is(false) && mostRun(view, len(h.desired.Nodes)):
			return fmt.Sprintf("%s was removed from its cluster", self.Name), false
		case self.State != plan.Serving:
			away = true
		case away:
			if lacks, settled := h.lacks(ctx); settled {
				away = false
				if lacks {
					return fmt.Sprintf("%s came back without its replicas", self.Name), false
				}
			}
		}
		settled = settled || self.State == plan.Serving && plan.Settles(self, h.desired)
	}
	return "", false
}

// lacks tells whether a node that was away lacks something that only a new membership gives it; settled is
// false while that is not known yet.
func (h *Helper) lacks(ctx context.Context) (lacks, settled bool) {
	decision := plan.Plan(h.observer.Look(ctx), h.desired)
	return len(decision.Actions) > 0, len(decision.Actions) > 0 || len(decision.Waiting) == 0
}

// mostRun tells whether most of the stack's nodes run, so that their word about members counts.
func mostRun(view plan.View, nodes int) bool {
	running := 0
	for _, n := range view.Nodes {
		if n.Running() && n.ClusterID.Is(view.ClusterID) {
			running++
		}
	}
	return 2*running > nodes
}
