package effect

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFailedInjectionIsHealed(t *testing.T) {
	failed, healed := errors.New("no effect"), false
	injection, err := Inject(t.Context(), "broke it",
		func(context.Context) error { return failed },
		func(context.Context) error { healed = true; return nil })
	assert.ErrorIs(t, err, failed)
	assert.ErrorContains(t, err, "inject (broke it): no effect")
	assert.Nil(t, injection)
	assert.True(t, healed)
}

func TestFailedInjectionIsHealedAfterAnInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := Inject(ctx, "broke it",
		func(ctx context.Context) error { interrupt(); return ctx.Err() },
		func(ctx context.Context) error { return ctx.Err() })
	require.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), "heal")
}

func TestFailureToHealIsReported(t *testing.T) {
	stuck := errors.New("stuck")
	injection, err := Inject(t.Context(), "broke it",
		func(context.Context) error { return nil },
		func(context.Context) error { return stuck })
	require.NoError(t, err)
	assert.Equal(t, "broke it", injection.String())
	assert.ErrorIs(t, injection.Heal(t.Context()), stuck)
}

func TestAwaitTellsWhatIsNotSo(t *testing.T) {
	err := Await(t.Context(), 10*time.Millisecond, func(context.Context) error {
		return errors.New("the link is whole")
	})
	assert.EqualError(t, err, "wait for the effect: the link is whole (timed out after 10ms)")
}
