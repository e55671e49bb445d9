package clients

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reluctant accepts connections, as what Docker publishes does, and lets the first so many of them wait for ever. The others reach a broker.
type reluctant struct {
	listener       net.Listener
	accepted, left atomic.Int32 // of those that wait, left are those the client has closed
}

func startReluctant(t *testing.T, broker string, waiting int32) *reluctant {
	t.Helper()
	r := &reluctant{listener: listen(t)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := r.listener.Accept()
			if err != nil {
				return
			}
			if r.accepted.Add(1) <= waiting {
				serving.Go(func() {
					defer client.Close()
					_, _ = io.Copy(io.Discard, client)
					r.left.Add(1)
				})
				continue
			}
			server, err := new(net.Dialer).DialContext(context.Background(), "tcp", broker)
			if err != nil {
				_ = client.Close()
				continue
			}
			for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
				serving.Go(func() {
					_, _ = io.Copy(to, from)
					_ = to.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = r.listener.Close()
		serving.Wait()
	})
	return r
}

// connect connects, with another attempt after slow.
func (r *reluctant) connect(ctx context.Context, t *testing.T, slow time.Duration) (*link, error) {
	t.Helper()
	endpoints, err := parseEndpoints([]string{"amqp://user:password@" + r.listener.Addr().String() + "/"})
	require.NoError(t, err)
	cfg := defaultConnectionConfig("test")
	cfg.slowConnect = slow
	return connectLink(ctx, endpoints[0], cfg)
}

func TestSlowConnectGetsCompany(t *testing.T) {
	broker := startFakeBroker(t, nil)
	front := startReluctant(t, broker.listener.Addr().String(), mostConnects-1)
	l, err := front.connect(t.Context(), t, time.Millisecond)
	require.NoError(t, err)
	require.EqualValues(t, mostConnects, front.accepted.Load())
	require.Eventually(t, func() bool { return front.left.Load() == mostConnects-1 }, time.Minute, time.Millisecond, "the others are closed")
	require.False(t, l.conn.IsClosed(), "the one that was established is not")
	l.drop()
}

func TestConnectsAtOnceAreFew(t *testing.T) {
	front := startReluctant(t, "", 1000)
	const timeout = timeoutError(time.Second)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(timeout), timeout)
	defer cancel()
	_, err := front.connect(ctx, t, time.Millisecond)
	require.ErrorIs(t, err, timeout, "the cause of the deadline")
	require.EqualValues(t, mostConnects, front.accepted.Load())
}

// A connection that was refused is the connector's to repeat, with its backoff.
func TestRefusedConnectIsNotRepeated(t *testing.T) {
	front := startReluctant(t, "127.0.0.1:1", 0) // nobody listens there, so that every connection is closed at once
	_, err := front.connect(t.Context(), t, time.Hour)
	require.Error(t, err)
	require.EqualValues(t, 1, front.accepted.Load())
}
