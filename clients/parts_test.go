package clients

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptionsAreValidatedTogether(t *testing.T) {
	_, err := NewProducer([]string{"amqp://h"}, WithWindow(0), WithHeartbeat(time.Millisecond),
		WithConfirmTimeout(0))
	for _, what := range []string{"window is 0, must be at least 1", "heartbeat is 1ms",
		"confirm timeout is 0s"} {
		require.ErrorContains(t, err, what)
	}
	_, err = NewConsumer([]string{"amqp://h"}, "q", func(context.Context, Delivery) error { return nil },
		WithPrefetch(70000), WithConcurrency(0))
	for _, what := range []string{"prefetch is 70000, must be at most 65535", "concurrency is 0"} {
		require.ErrorContains(t, err, what)
	}
	_, err = NewConsumer([]string{"amqp://h"}, "", nil)
	require.ErrorContains(t, err, "a queue and a handler are needed")
}

func TestPublishErrorMatches(t *testing.T) {
	cause := errors.New("cause")
	err := error(&PublishError{MessageID: "m", Attempts: 2, Err: ErrNacked, Cause: cause, Unknown: true})
	for _, target := range []error{ErrNacked, ErrUnconfirmed, cause} {
		require.ErrorIs(t, err, target)
	}
	require.EqualError(t, err, "publish m: nacked by the broker: cause (sent 2 times)")
}

// What the broker would refuse with every subscription is refused before.
func TestStreamOffsets(t *testing.T) {
	consumerWith := func(opt ConsumerOption) (*Consumer, error) {
		return NewConsumer([]string{"amqp://h"}, "q", succeed, opt)
	}
	for _, from := range []any{
		"first", "last", "next", "90m", "1D", 0, uint8(3), int64(5_000_000_000), time.Now(),
	} {
		c, err := consumerWith(WithStreamOffset(from))
		require.NoError(t, err, "%v", from)
		require.True(t, c.cfg.stream)
		c, err = consumerWith(WithConsumerArgument("x-stream-offset", from))
		require.NoError(t, err, "%v", from)
		require.True(t, c.cfg.stream, "given as an argument it is the same")
	}
	for _, from := range []any{"soon", "", "1h30m", "-1h", -4, 1.5, true, nil, time.Hour, []byte("first")} {
		_, err := consumerWith(WithStreamOffset(from))
		require.Error(t, err, "%v", from)
	}
}

// An endpoint that no broker can be reached at is refused, and its password is not told.
func TestEndpointsThatCannotBe(t *testing.T) {
	for uri, want := range map[string]string{
		"amqp://u:hunter2@h:99999/":                           "port",
		"amqp://u:hunter2@h:0/":                               "port",
		"amqp://u:hunter2@h:-1/":                              "not a URI",
		"amqp://u:hunter2@h/?auth_mechanism=digest":           "auth_mechanism",
		"amqp://u:hunter2@h/?auth_mechanism=plain,external":   "auth_mechanism",
		"amqp://u:hunter2@h1:5672/,amqp://u:hunter2@h2:5672/": "several URIs",
		"amqp://u:hunter2%zz@h/":                              "not a URI",
		"http://u:hunter2@h/":                                 "scheme",
	} {
		_, err := NewClient([]string{uri})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, err := NewClient([]string{"amqps://h/?auth_mechanism=EXTERNAL&auth_mechanism=plain", "amqp://h/a%2Fb"})
	require.NoError(t, err)
}

// No logger is the same as none given, and no heartbeat is cut off.
func TestOddOptions(t *testing.T) {
	p := newClosedProducer(t, []string{"amqp://u:p@127.0.0.1:1/"}, WithLogger(nil), WithStateChange(nil),
		WithPublishHook(nil), WithAffinity(nil), WithTLSConfig(nil))
	require.ErrorIs(t, p.Publish(within(t, 50*time.Millisecond), Message{}), ErrUnconfirmed)
	_, err := NewClient([]string{"amqp://h"}, WithHeartbeat(100_000*time.Second))
	require.ErrorContains(t, err, "heartbeat")
}
