package node

import (
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/verdict"
	"warren/topology"
)

// pulse sends a pulse as a node does.
func pulse(t *testing.T, text string) {
	t.Helper()
	conn, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", topology.AgentPort))
	require.NoError(t, err)
	defer conn.Close()
	_, _ = conn.Write([]byte(text)) // refused as long as nobody listens
}

func TestTheVerdictFollowsThePulses(t *testing.T) {
	a := New(plan.Desired{Self: "rabbit@rabbit1"}, "COOKIE", slog.New(slog.DiscardHandler))
	go a.listen(t.Context())
	assert.Equal(t, verdict.Serves, a.verdict().Standing, "nothing is known yet")

	becomes := func(want verdict.Standing, text string) {
		t.Helper()
		assert.Eventually(t, func() bool {
			pulse(t, text)
			return a.verdict().Standing == want
		}, 20*time.Second, 200*time.Millisecond)
	}
	becomes(verdict.Fails, `{"tickSeconds":60,"members":3,"present":1,"draining":false,"lost":[]}`)
	becomes(verdict.Serves, `{"tickSeconds":60,"members":3,"present":2,"draining":false,"lost":[]}`)
	becomes(verdict.Drains, `{"tickSeconds":60,"members":3,"present":2,"draining":true,"lost":[]}`)
	pulse(t, "no pulse") // the agent listens again after that
	becomes(verdict.Serves, `{"tickSeconds":60,"members":3,"present":2,"draining":false,"lost":[]}`)
}

func TestANodeThatStopsWaitsForTheLoadBalancersToKnow(t *testing.T) {
	a := New(plan.Desired{Self: "rabbit@rabbit1"}, "COOKIE", slog.New(slog.DiscardHandler))
	server := httptest.NewServer(a.board.Handler("COOKIE"))
	defer server.Close()
	ask := func() {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", topology.VerdictPath)
		require.NoError(t, err)
		_, _ = conn.Read(make([]byte, 64))
	}
	ask()
	a.board.Set(peer.Stopping, "")
	known := make(chan struct{})
	go func() { a.tellLoadBalancers(t.Context()); close(known) }()
	select {
	case <-known:
		t.Fatal("nobody has asked since")
	case <-time.After(200 * time.Millisecond):
	}
	ask()
	<-known
	assert.Zero(t, a.desk.Unaware(verdict.Drains, time.Now()))
}
