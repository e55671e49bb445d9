package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPollReturnsAtOnceWhatHoldsAlready(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, Poll(ctx, time.Hour, func(context.Context) error { return nil }))
}

func TestPollTellsWhatWasWrongLastBeforeTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	wrong, timeUp := errors.New("still wrong"), errors.New("time is up")
	calls := 0
	err := Poll(ctx, time.Millisecond, func(context.Context) error {
		if calls++; calls < 3 {
			return wrong
		}
		cancel(timeUp)
		return errors.New("cut short")
	})
	assert.EqualError(t, err, "still wrong (time is up)")
	assert.ErrorIs(t, err, wrong)
	assert.ErrorIs(t, err, timeUp)
}
