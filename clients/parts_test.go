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
