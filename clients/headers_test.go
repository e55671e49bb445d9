package clients

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawHeaders draws headers of all types that AMQP 0-9-1 knows, nested, and of those that are made to fit.
func drawHeaders(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.StringN(0, 60, 255), drawField(depth), 0, 6)
}

func drawField(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(), rapid.String().AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Int8().AsAny(), rapid.Int16().AsAny(), rapid.Int32().AsAny(), rapid.Int64().AsAny(),
		rapid.Int().AsAny(),
		rapid.Uint8().AsAny(), rapid.Uint16().AsAny(), rapid.Uint32().AsAny(),
		rapid.Uint64Max(math.MaxInt64).AsAny(),
		rapid.Float32().AsAny(), rapid.Float64().AsAny(),
		rapid.Map(rapid.Int64Range(-1<<40, 1<<40), func(s int64) any { return time.Unix(s, 0) }),
		rapid.Custom(func(t *rapid.T) any {
			return amqp.Decimal{Scale: rapid.Uint8().Draw(t, "scale"), Value: rapid.Int32().Draw(t, "value")}
		}),
	}
	if depth > 0 {
		kinds = append(kinds,
			drawHeaders(depth-1).AsAny(),
			rapid.Map(drawHeaders(depth-1), func(m map[string]any) any { return amqp.Table(m) }),
			rapid.SliceOfN(drawField(depth-1), 0, 4).AsAny(),
		)
	}
	return rapid.OneOf(kinds...)
}

// received is a value as it is to arrive.
func arrives(value any) any {
	switch v := value.(type) {
	case int:
		return int64(v)
	case uint64:
		return int64(v)
	case []byte:
		return append([]byte{}, v...)
	case map[string]any:
		return arrivingTable(v)
	case amqp.Table:
		return arrivingTable(v)
	case []any:
		var values []any // the library reads an empty array as nil
		for _, e := range v {
			values = append(values, arrives(e))
		}
		return values
	default:
		return v
	}
}

func arrivingTable(m map[string]any) amqp.Table {
	table := amqp.Table{}
	for name, value := range m {
		table[name] = arrives(value)
	}
	return table
}

// What is received is what was sent: every property, and every type of header, nested.
func TestWhatIsReceivedIsWhatWasSent(t *testing.T) {
	b := startFakeBroker(t, nil)
	consumers := make(chan *fakeChannel, 1)
	b.onConsume = func(c *fakeChannel) { consumers <- c }
	received := make(chan Delivery, 1)
	_, stop := consumeFrom(t, b, func(_ context.Context, d Delivery) error {
		received <- d
		return nil
	}, WithProbe(0))
	consumer := <-consumers
	var tag uint64
	b.answer = func(c *fakeChannel, publishTag uint64, m published) {
		tag++
		consumer.relay(tag, c.header, m.body)
		c.ack(publishTag)
	}
	p := newClosedProducer(t, []string{b.uri()})
	setChecks(t, schedules(t, 300))
	rapid.Check(t, func(rt *rapid.T) {
		sent := drawMessage(drawHeaders(3)).Draw(rt, "message")
		require.NoError(rt, p.Publish(context.Background(), sent))
		checkArrived(rt, sent, (<-received).Message)
	})
	require.NoError(t, stop())
}

// drawMessage draws a message with an id and a time of its own.
func drawMessage(headers *rapid.Generator[map[string]any]) *rapid.Generator[Message] {
	return rapid.Custom(func(t *rapid.T) Message {
		short := func(what string) string { return rapid.StringN(0, 60, 255).Draw(t, what) }
		m := Message{
			Body:            rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
			ID:              "id" + rapid.StringN(0, 60, 253).Draw(t, "id"),
			ContentType:     "type" + rapid.StringN(0, 60, 251).Draw(t, "content type"),
			ContentEncoding: short("content encoding"),
			CorrelationID:   short("correlation id"),
			ReplyTo:         short("reply-to"),
			Type:            short("type"),
			AppID:           short("app id"),
			Priority:        rapid.Uint8().Draw(t, "priority"),
			Timestamp:       time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, "timestamp"), 0),
			Headers:         headers.Draw(t, "headers"),
			Transient:       rapid.Bool().Draw(t, "transient"),
		}
		if rapid.Bool().Draw(t, "expires") {
			m.Expiration = "86400000"
		}
		return m
	})
}

// checkArrived compares a message with what has arrived of it, but for where it was sent to.
func checkArrived(t require.TestingT, sent, got Message) {
	if sent.Headers == nil {
		sent.Headers = map[string]any{}
	}
	if got.Headers == nil {
		got.Headers = map[string]any{}
	}
	require.Equal(t, string(sent.Body), string(got.Body))
	require.Equal(t, map[string]any(arrivingTable(sent.Headers)), got.Headers)
	require.True(t, sent.Timestamp.Equal(got.Timestamp))
	sent.Body, sent.Headers, sent.Timestamp = nil, nil, time.Time{}
	sent.Exchange, sent.RoutingKey = "", ""
	got.Body, got.Headers, got.Timestamp = nil, nil, time.Time{}
	got.Exchange, got.RoutingKey = "", ""
	require.Equal(t, sent, got)
}

// Integers arrive whole whatever their type, and what does not fit is refused.
func TestIntegersArriveWhole(t *testing.T) {
	m := Message{Headers: map[string]any{"int": 5_000_000_000, "uint": uint(7), "uint64": uint64(math.MaxInt64)}}
	_, err := m.prepare()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"int": int64(5_000_000_000), "uint": int64(7),
		"uint64": int64(math.MaxInt64)},
		m.Headers)
	m = Message{Headers: map[string]any{"n": uint64(math.MaxInt64 + 1)}}
	_, err = m.prepare()
	require.ErrorIs(t, err, ErrInvalidMessage)
}

// A message that cannot be expressed is refused at once, and harms no other.
func TestInvalidMessages(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{b.uri()})
	long := strings.Repeat("x", 256)
	nested := any("x")
	for range 40 {
		nested = []any{nested}
	}
	header := func(value any) Message { return Message{Headers: map[string]any{"h": value}} }
	for name, m := range map[string]Message{
		"id": {ID: long}, "exchange": {Exchange: long}, "routing key": {RoutingKey: long},
		"content type": {ContentType: long}, "content encoding": {ContentEncoding: long},
		"correlation id": {CorrelationID: long}, "reply-to": {ReplyTo: long}, "type": {Type: long},
		"user id": {UserID: long}, "app id": {AppID: long},
		"expiration":              {Expiration: "soon"},
		"negative expiration":     {Expiration: "-1"},
		"expiration of centuries": {Expiration: "31536000000000"},
		"name of a header":        {Headers: map[string]any{long: 1}},
		"name in a table":         header(map[string]any{long: 1}),
		"name in an array":        header([]any{amqp.Table{long: 1}}),
		"function":                header(func() {}),
		"struct in an array":      header([]any{struct{}{}}),
		"typed slice":             header([]string{"a"}),
		"not a number":            header(math.NaN()),
		"infinite":                header(float32(math.Inf(1))),
		"too large an integer":    header(uint64(math.MaxUint64)),
		"too deep":                header(nested),
		"too many":                header(make([]any, 10_000)),
		"larger than a frame":     header(strings.Repeat("x", 131072)),
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, p.Publish(context.Background(), m), ErrInvalidMessage)
		})
	}
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}), "the connection is none the worse for it")
	require.Equal(t, 1, b.connections())
}

// One message whose header has a name of 256 bytes, among ten: it alone fails, and the others are sent once.
func TestInvalidMessageAmongOthers(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{b.uri()})
	var confirmations []*Confirmation
	for i := range 10 {
		m := Message{}
		if i == 5 {
			m.Headers = map[string]any{strings.Repeat("k", 256): "v"}
		}
		c, err := p.PublishAsync(context.Background(), m)
		if i == 5 {
			require.ErrorIs(t, err, ErrInvalidMessage)
			continue
		}
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
	require.Len(t, b.received(), 9)
}

// The application may go on using its map.
func TestHeadersAreCopied(t *testing.T) {
	release := make(chan struct{})
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		<-release
		c.ack(tag)
	})
	p := newClosedProducer(t, []string{b.uri()})
	inner := []byte("as it was")
	headers := map[string]any{"a": inner}
	var confirmations []*Confirmation
	for range 2 {
		c, err := p.PublishAsync(context.Background(), Message{Headers: headers})
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	headers["b"] = func() {}
	inner[0] = 'X'
	close(release)
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
}
