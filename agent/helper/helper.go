// Package helper holds the agents that look after a cluster from containers of their own: one for the
// membership of each node, and one for the formation of the whole. Each brings about one thing, once; after
// that it only watches, so that what an operator does by hand is not undone behind their back. What it has
// reached outlives a restart of its container.
package helper

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"warren/agent/act"
	"warren/agent/loop"
	"warren/agent/observe"
	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/topology"
)

// Helper is the agent for one scope.
type Helper struct {
	desired  plan.Desired
	rabbit   *rabbit.Client
	peers    *peer.Client
	observer *observe.Observer
	board    *peer.Board
	state    string
	log      *slog.Logger
}

// New returns the helper for what is desired.
func New(desired plan.Desired, cookie string, log *slog.Logger) *Helper {
	h := &Helper{
		desired: desired, log: log, board: peer.NewBoard(peer.Working, nil),
		rabbit: rabbit.New(cookie, rabbit.LocalTools{}, nil), peers: peer.NewClient(cookie, nil),
		state: filepath.Join(topology.DataPath, "warren-helper.json"),
	}
	h.observer = observe.New(h.rabbit, h.peers, Names(desired))
	return h
}

// Names are the names of the desired nodes.
func Names(desired plan.Desired) []plan.NodeName {
	names := make([]plan.NodeName, len(desired.Nodes))
	for i, n := range desired.Nodes {
		names[i] = n.Name
	}
	return names
}

// Observer looks at the cluster.
func (h *Helper) Observer() *observe.Observer { return h.observer }

// Serve answers other agents until ctx ends.
func (h *Helper) Serve(ctx context.Context, cookie string) error {
	return h.board.Serve(ctx, Port(h.desired.Scope), cookie)
}

// Port is where the agent with a scope answers.
func Port(scope plan.Scope) int {
	if scope == plan.ScopeFormation {
		return topology.FormationPort
	}
	return topology.AgentPort
}

// Result is what a helper has come to. The engine asks for it when a health check fails.
type Result struct {
	Phase    peer.Phase     `json:"phase"`
	Reason   string         `json:"reason,omitempty"`
	Refusals []plan.Refusal `json:"refusals,omitempty"`
	Notices  []plan.Refusal `json:"notices,omitempty"`
}

// reached puts up a phase that lasts, and keeps it for the time after a restart of the container.
func (h *Helper) reached(result Result) {
	text, err := json.Marshal(result)
	if err == nil {
		err = os.WriteFile(h.state, text, 0o600)
	}
	if err != nil {
		h.log.Warn("can't keep what was reached", "error", err)
	}
	h.board.SetResult(result)
	h.board.Set(result.Phase, result.Reason)
}

// before returns what was reached before the container was restarted.
func (h *Helper) before() (Result, bool) {
	var result Result
	text, err := os.ReadFile(h.state)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			h.log.Warn("can't read what was reached before", "error", err)
		}
		return result, false
	}
	return result, json.Unmarshal(text, &result) == nil && result.Phase != peer.Working
}

// bringAbout looks, decides and acts until all is as desired, or something is refused. It returns false if
// ctx ends before.
func (h *Helper) bringAbout(ctx context.Context) (decision plan.Decision, ok bool) {
	l := &loop.Loop{
		Observer: h.observer,
		Actor:    &act.Actor{RabbitMQ: h.rabbit, Tools: rabbit.LocalTools{}},
		Desired:  func() plan.Desired { return h.desired },
		Decided: func(d plan.Decision) {
			reason := ""
			if len(d.Waiting) > 0 {
				reason = loop.Waits(d.Waiting)
			}
			h.board.SetResult(Result{Phase: peer.Working, Reason: reason, Refusals: d.Refusals, Notices: d.Notices})
			h.board.Set(peer.Working, reason)
		},
		Log: h.log,
	}
	decision, err := l.Run(ctx)
	return decision, err == nil
}
