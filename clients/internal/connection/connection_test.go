package connection

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/clients/internal/backoff"
)

func TestEveryEndpointIsTriedBeforeAWait(t *testing.T) {
	o, err := New([]string{"amqp://a", "amqp://b", "amqp://c"}, Config{
		Reconnect: backoff.Backoff{Base: 20 * time.Millisecond, Ceiling: 250 * time.Millisecond},
	}, false)
	require.NoError(t, err)
	for o.failures = range 3 {
		require.Zero(t, o.delayLocked())
	}
	o.failures = 8
	var longest time.Duration
	for range 1000 {
		longest = max(longest, o.delayLocked())
	}
	require.Greater(t, longest, o.cfg.Reconnect.Ceiling*9/10)
	require.LessOrEqual(t, longest, o.cfg.Reconnect.Ceiling)
}

func TestStates(t *testing.T) {
	reported := make(chan Change, 10)
	s := States{Log: slog.New(slog.DiscardHandler), Notify: func(c Change) { reported <- c }}
	lost := errors.New("lost")
	s.Set(Disconnected, "e", nil) // where it starts: no change
	s.Set(Connecting, "e", nil)
	s.Set(Connected, "e", nil)
	require.NoError(t, s.Reason())
	s.Set(Disconnected, "e", lost)
	s.Set(Connecting, "e", nil)
	require.ErrorIs(t, s.Reason(), lost, "still the reason")
	s.Set(Closed, "", nil)
	var to []State
	for from := Disconnected; from != Closed; {
		change := <-reported
		require.Equal(t, from, change.From)
		from = change.To
		to = append(to, from)
	}
	require.Equal(t, []State{Connecting, Connected, Disconnected, Connecting, Closed}, to)
	require.Equal(t, "blocked", Blocked.String())
}
