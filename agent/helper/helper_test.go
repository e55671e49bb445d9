package helper

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/peer"
	"warren/agent/plan"
)

const (
	waitLimit = 10 * time.Second
	tick      = time.Millisecond
)

func newHelper(t *testing.T) *Helper {
	t.Helper()
	h := New(plan.Desired{Scope: plan.ScopeFormation}, "COOKIE", slog.New(slog.DiscardHandler))
	h.state = filepath.Join(t.TempDir(), "state.json")
	return h
}

func TestWhatWasReachedOutlivesARestart(t *testing.T) {
	h := newHelper(t)
	_, reached := h.before()
	assert.False(t, reached)

	refused := Result{Phase: peer.Refused,
		Refusals: []plan.Refusal{{Kind: plan.DurableQueues, Nodes: []plan.NodeName{"rabbit@rabbit5"}}}}
	h.reached(refused)
	again := newHelper(t)
	again.state = h.state
	result, reached := again.before()
	require.True(t, reached)
	assert.Equal(t, refused, result)
	assert.Equal(t, peer.Refused, h.board.Status().Phase)
}

func TestAFormationThatIsDoneDoesNothingAfterARestart(t *testing.T) {
	h := newHelper(t)
	h.reached(Result{Phase: peer.Done})
	again := newHelper(t) // its cluster can't be reached: were it to act, it would never be done
	again.state = h.state
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { again.Formation(ctx); close(ended) }()
	require.Eventually(t, func() bool { return again.board.Status().Phase == peer.Done }, waitLimit, tick)
	cancel()
	<-ended
}

func TestAMembershipThatWasLostStaysLost(t *testing.T) {
	h := newHelper(t)
	h.reached(Result{Phase: peer.Lost, Reason: "it left"})
	again := newHelper(t)
	again.state = h.state
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { again.Membership(ctx); close(ended) }()
	require.Eventually(t, func() bool { return again.board.Status().Phase == peer.Lost }, waitLimit, tick)
	cancel()
	<-ended
}
