package clients

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// startQuickBroker confirms every message, and makes as little garbage as it can, so that what is measured is
// the client's.
func startQuickBroker(t testing.TB) string {
	t.Helper()
	l := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go quickServe(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "amqp://user:password@" + l.Addr().String() + "/"
}

func quickServe(conn net.Conn) {
	defer conn.Close()
	c := &fakeConn{Conn: conn}
	r := bufio.NewReaderSize(conn, 1<<16)
	if _, err := r.Discard(8); err != nil {
		return
	}
	c.send(0, connectionStart, appendLong(appendLong(appendLong([]byte{0, 9}, ""), "PLAIN"), "en_US"))
	b := &fakeBroker{}
	var header [7]byte
	buffer := make([]byte, 1<<18)
	ack := binary.BigEndian.AppendUint32(append([]byte{1, 0, 1, 0, 0, 0, 13}, 0, 60, 0, 80), 0)
	ack = append(ack, 0, 0, 0, 0, 1, 0xCE)
	var tag, acked, size, got uint64
	for {
		if r.Buffered() == 0 && tag > acked {
			binary.BigEndian.PutUint64(ack[11:], tag)
			if _, err := conn.Write(ack); err != nil {
				return
			}
			acked = tag
		}
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return
		}
		payload := buffer[:binary.BigEndian.Uint32(header[3:])+1]
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		switch header[0] {
		case 1:
			if m := binary.BigEndian.Uint32(payload); m != basicPublish {
				ch := &fakeChannel{fakeConn: c, id: binary.BigEndian.Uint16(header[1:])}
				_ = b.method(ch, m, payload[4:len(payload)-1])
			}
		case 2:
			size, got = binary.BigEndian.Uint64(payload[4:]), 0
		case 3:
			got += uint64(len(payload) - 1)
		}
		if header[0] > 1 && header[0] != 8 && got == size {
			tag++
		}
	}
}

// publishBare publishes with amqp091-go alone, as well as it can be done, with a window of confirms.
func publishBare(t testing.TB, uri string, messages, window int, body []byte) {
	conn, err := amqp.Dial(uri)
	require.NoError(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	require.NoError(t, err)
	require.NoError(t, ch.Confirm(false))
	inFlight := make([]*amqp.DeferredConfirmation, window)
	for i := range messages + window {
		if c := inFlight[i%window]; c != nil {
			require.True(t, c.Wait())
		}
		inFlight[i%window] = nil
		if i < messages {
			c, err := ch.PublishWithDeferredConfirm("", "q", true, false, amqp.Publishing{
				MessageId: "00000000-0000-0000-0000-000000000000", ContentType: "application/octet-stream",
				Timestamp: time.Now(), DeliveryMode: amqp.Persistent, Body: body,
			})
			require.NoError(t, err)
			inFlight[i%window] = c
		}
	}
}

func publishWithProducer(t testing.TB, uri string, messages, window int, body []byte) {
	p, err := NewProducer([]string{uri}, WithWindow(window))
	require.NoError(t, err)
	ctx := context.Background()
	inFlight := make([]*Confirmation, window)
	for i := range messages + window {
		if c := inFlight[i%window]; c != nil {
			require.NoError(t, c.Wait(ctx))
		}
		inFlight[i%window] = nil
		if i < messages {
			c, err := p.PublishAsync(ctx, Message{RoutingKey: "q", Body: body})
			require.NoError(t, err)
			inFlight[i%window] = c
		}
	}
	require.NoError(t, p.Close(ctx))
}

func BenchmarkPublish(b *testing.B) {
	uri := startQuickBroker(b)
	body := make([]byte, 1024)
	for name, publish := range map[string]func(testing.TB, string, int, int, []byte){
		"bare": publishBare, "producer": publishWithProducer,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			publish(b, uri, b.N, 256, body)
		})
	}
}

// A message costs at most twice as many allocations as with amqp091-go alone.
func TestAllocationsPerMessage(t *testing.T) {
	const messages = 20_000
	uri := startQuickBroker(t)
	body := make([]byte, 1024)
	perMessage := func(publish func(testing.TB, string, int, int, []byte)) float64 {
		publish(t, uri, 1000, 256, body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		publish(t, uri, messages, 256, body)
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / messages
	}
	bare, producer := perMessage(publishBare), perMessage(publishWithProducer)
	t.Logf("allocations per message: bare %.1f, producer %.1f", bare, producer)
	require.LessOrEqual(t, producer, 2*bare)
}
