package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reluctant accepts connections, as what Docker publishes does, and lets the first so many of them wait for
// ever. The others reach a broker.
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

// dial connects, and hedges after so long.
func (r *reluctant) dial(ctx context.Context, t *testing.T, hedgeDelay time.Duration) (
	c *Conn, hedged, hedgeWon bool, err error,
) {
	t.Helper()
	endpoints, err := ParseEndpoints([]string{"amqp://user:password@" + r.listener.Addr().String() + "/"})
	require.NoError(t, err)
	return Dial(ctx, endpoints[0], Config{
		Name: "test", Heartbeat: time.Minute, Timeout: time.Second, HedgeDelay: hedgeDelay,
	})
}

// listen listens on a free port.
func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

// An endpoint from which nothing is heard gets one more connection, and no more than that.
func TestSilentEndpointIsHedgedOnce(t *testing.T) {
	front := startReluctant(t, "", 1000)
	const timeout = Timeout(time.Second)
	_, hedged, hedgeWon, err := front.dial(t.Context(), t, time.Millisecond)
	require.ErrorIs(t, err, timeout, "the cause of the deadline")
	require.True(t, hedged)
	require.False(t, hedgeWon)
	require.EqualValues(t, 2, front.accepted.Load())
}

// A connection that was refused is the caller's to repeat, with its backoff.
func TestRefusedConnectIsNotRepeated(t *testing.T) {
	front := startReluctant(t, "127.0.0.1:1",
		0) // nobody listens there, so that every connection is closed at once
	_, hedged, _, err := front.dial(t.Context(), t, time.Hour)
	require.Error(t, err)
	require.False(t, hedged)
	require.EqualValues(t, 1, front.accepted.Load())
}

// A broker that has said something is slow, and gets no second connection.
func TestSlowBrokerIsNotHedged(t *testing.T) {
	listener := listen(t)
	defer listener.Close()
	var accepted atomic.Int32
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_, _ = conn.Write([]byte{1, 0, 0, 0}) // the beginning of a frame
			serving.Go(func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() })
		}
	})
	front := &reluctant{listener: listener}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, hedged, _, err := front.dial(ctx, t, 50*time.Millisecond)
	require.Error(t, err)
	require.False(t, hedged)
	require.EqualValues(t, 1, accepted.Load())
	_ = listener.Close()
}

// The timeout is a limit of silence: a broker that goes on answering is not left.
func TestSlowStepsAreWaitedFor(t *testing.T) {
	listener := listen(t)
	defer listener.Close()
	const pause, steps, timeout = 150 * time.Millisecond, 3, Timeout(250 * time.Millisecond)
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		for _, part := range [steps][]byte{{1, 0, 0, 0, 0, 0, 100}, {0, 10}, {0, 10}} { // of a frame
			time.Sleep(pause) // a busy broker
			_, _ = conn.Write(part)
		}
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
	endpoints, err := ParseEndpoints([]string{"amqp://user:password@" + listener.Addr().String() + "/"})
	require.NoError(t, err)
	began := time.Now()
	_, _, _, err = Dial(t.Context(), endpoints[0], Config{
		Name: "test", Heartbeat: time.Minute, Timeout: time.Duration(timeout),
	})
	require.ErrorIs(t, err, timeout)
	require.Greater(t, time.Since(began), steps*pause+time.Duration(timeout)-pause/2)
	_ = listener.Close()
}

func TestEndpointsHideTheirPasswords(t *testing.T) {
	endpoints, err := ParseEndpoints([]string{"amqp://user:s3cret@host:5673/shop", "amqps://user:s3cret@host"})
	require.NoError(t, err)
	require.Equal(t, "amqp://host:5673/shop", endpoints[0].String())
	require.Equal(t, "amqps://host:5671/", endpoints[1].String())
	printed := fmt.Sprintf("%v %+v %#v %s", endpoints[0], endpoints[0], endpoints[0], endpoints)
	require.NotContains(t, printed, "s3cret")

	_, err = ParseEndpoints([]string{
		"amqp://user:s3cret/x@host", "amqp://user:s3cret@host", "http://user:s3cret@host", "amqp://u:s3%zzcret@h",
	})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "s3")
	for _, which := range []string{"endpoint 1 of 4", "endpoint 3 of 4", "endpoint 4 of 4"} {
		require.ErrorContains(t, err, which)
	}
	_, err = ParseEndpoints(nil)
	require.Error(t, err)
}
