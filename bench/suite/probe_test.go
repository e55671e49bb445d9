package suite

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A greeting that hangs, as one does that reaches a load balancer while it starts, does not hold up those
// after it.
func TestFirstGreeting(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	var conns atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if conns.Add(1) == 3 {
				_, _ = conn.Write([]byte{1, 0, 0}) // the beginning of a method frame
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.NoError(t, firstGreeting(ctx, listener.Addr().String()))
	require.GreaterOrEqual(t, conns.Load(), int64(3))
}

// Without an answer, it waits until it is told to stop.
func TestNoGreeting(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 5*knockEvery)
	defer cancel()
	require.Error(t, firstGreeting(ctx, listener.Addr().String()))
}
