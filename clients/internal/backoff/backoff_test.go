package backoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	b := Backoff{Base: 20 * time.Millisecond, Ceiling: time.Second}
	for attempt, bound := range []time.Duration{20, 40, 80, 160, 320, 640, 1000, 1000} {
		require.Equal(t, bound*time.Millisecond, b.Bound(attempt))
	}
	require.Equal(t, time.Second, b.Bound(1_000_000), "no overflow")
	var shortest, longest time.Duration = time.Hour, 0
	for range 1000 {
		wait := b.Wait(2)
		shortest, longest = min(shortest, wait), max(longest, wait)
	}
	require.LessOrEqual(t, longest, 80*time.Millisecond)
	require.Less(t, shortest, 8*time.Millisecond, "full jitter reaches down to zero")
	require.Greater(t, longest, 72*time.Millisecond)
}
