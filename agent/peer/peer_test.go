package peer

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve returns a client of a board's handler.
func serve(t *testing.T, b *Board, clientCookie string) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(b.Handler("COOKIE"))
	t.Cleanup(server.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return NewClient(clientCookie, dial), server.URL
}

func TestStatus(t *testing.T) {
	b := NewBoard(Preparing, func(context.Context) *Node { return &Node{Name: "rabbit@rabbit1", Data: true} })
	client, _ := serve(t, b, "COOKIE")
	b.Set(Stopping, "told to")
	status, err := client.Status(t.Context(), "rabbit1")
	require.NoError(t, err)
	assert.Equal(t, Stopping, status.Phase)
	assert.Equal(t, "told to", status.Reason)
	assert.Equal(t, &Node{Name: "rabbit@rabbit1", Data: true}, status.Node)
}

func TestMetricsTellThePhaseAndTheTime(t *testing.T) {
	b := NewBoard(Working, nil)
	b.Set(Lost, "the node left")
	b.SetGauges([]Gauge{{"warren_ends", "When it ends.", "host", "rabbit1", 1_700_000_000},
		{"warren_ends", "When it ends.", "host", "rabbit2", 0.5}})
	_, url := serve(t, b, "COOKIE")
	response, err := http.Get(url + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), "warren_agent_phase{phase=\"lost\"} 1\n")
	assert.Contains(t, string(body), "warren_agent_phase{phase=\"done\"} 0\n")
	assert.Regexp(t, `warren_agent_time_seconds 1\d{9}(\.\d{1,3})?\n`, string(body))
	assert.Contains(t, string(body), "# HELP warren_ends When it ends.\n# TYPE warren_ends gauge\n"+
		"warren_ends{host=\"rabbit1\"} 1700000000\nwarren_ends{host=\"rabbit2\"} 0.5\n")
	assert.NotContains(t, string(body), "the node left", "reasons may name queues, and would be a series each")
}

func TestAFarewellCountsIfItIsSigned(t *testing.T) {
	b := NewBoard(Running, nil)
	stranger, _ := serve(t, b, "ANOTHER")
	require.Error(t, stranger.Farewell(t.Context(), "rabbit1"))
	assert.False(t, b.Parted())

	client, _ := serve(t, b, "COOKIE")
	require.NoError(t, client.Farewell(t.Context(), "rabbit1"))
	assert.True(t, b.Parted())
	b.parted = time.Now().Add(-farewellLasts)
	assert.False(t, b.Parted(), "it is long ago")
}

func TestHealthLastsUntilSomethingChanges(t *testing.T) {
	b := NewBoard(Working, nil)
	_, url := serve(t, b, "COOKIE")
	check := func() <-chan int {
		status := make(chan int, 1)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/health", nil)
		require.NoError(t, err)
		go func() {
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				status <- 0
				return
			}
			response.Body.Close()
			status <- response.StatusCode
		}()
		return status
	}
	first := check()
	assert.Never(t, func() bool {
		return len(first) > 0
	}, 50*time.Millisecond, 10*time.Millisecond, "the work is not done")
	b.Set(Done, "")
	assert.Equal(t, http.StatusOK, <-first)

	second := check()
	assert.Never(t, func() bool {
		return len(second) > 0
	}, 50*time.Millisecond, 10*time.Millisecond, "nothing has changed")
	b.Set(Lost, "it left")
	assert.Equal(t, http.StatusServiceUnavailable, <-second)
	assert.Equal(t, http.StatusServiceUnavailable, <-check(), "lost stays lost")
}

func TestARefusalFailsTheFirstCheck(t *testing.T) {
	b := NewBoard(Working, nil)
	b.Set(Refused, "no")
	assert.Equal(t, Refused, b.health(t.Context()).Phase)
}
