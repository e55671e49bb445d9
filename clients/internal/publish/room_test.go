package publish

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"warren/clients/internal/reason"
)

func TestRoomIsBounded(t *testing.T) {
	r := make(room, 2)
	for range 2 {
		require.NoError(t, r.acquire(t.Context(), nil))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.acquire(ended, nil), context.Canceled)
	require.ErrorIs(t, r.drain(ended), context.Canceled)
	closing := make(chan struct{})
	close(closing)
	require.ErrorIs(t, r.acquire(t.Context(), closing), reason.ErrClosed)
	r.release()
	require.NoError(t, r.acquire(t.Context(), nil))
	r.release()
	r.release()
	require.NoError(t, r.drain(t.Context()))
}
