package wait_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/wait"
)

var (
	errStop  = errors.New("stop")
	errSight = errors.New("two of three")
)

func TestSleepTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, wait.Sleep(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errStop) })
		start := time.Now()
		require.ErrorIs(t, wait.Sleep(ctx, time.Minute), errStop)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestSleepOfNoTimeReportsAnEndedContext(t *testing.T) {
	require.NoError(t, wait.Sleep(t.Context(), 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, wait.Sleep(ctx, 0), context.Canceled)
}

// looks returns a check that succeeds at its last call of n, and counts the calls.
func looks(n int) (check func(context.Context) error, calls *int) {
	calls = new(int)
	return func(context.Context) error {
		if *calls++; *calls < n {
			return fmt.Errorf("look %d", *calls)
		}
		return nil
	}, calls
}

func TestUntilLooksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check, calls := looks(1)
		start := time.Now()
		require.NoError(t, wait.Until(t.Context(), time.Second, "it", check))
		assert.Equal(t, 1, *calls)
		assert.Zero(t, time.Since(start))
	})
}

func TestUntilLooksAgainEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check, calls := looks(4)
		start := time.Now()
		require.NoError(t, wait.Until(t.Context(), time.Second, "it", check))
		assert.Equal(t, 4, *calls)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestUntilTellsWhatItSawLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := wait.Within(t.Context(), 5*time.Second, 2*time.Second, "every node to run",
			func(context.Context) error { return errSight })
		require.EqualError(t, err, "wait for every node to run: two of three (timed out after 5s)")
		require.ErrorIs(t, err, errSight)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestUntilIgnoresALookThatWasCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		err := wait.Within(t.Context(), 5*time.Second, time.Second, "it", func(ctx context.Context) error {
			if first {
				first = false
				return errSight
			}
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(t, err, errSight)
		require.NotContains(t, err.Error(), context.DeadlineExceeded.Error())
	})
}

func TestUntilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errStop) })
		err := wait.Within(ctx, time.Hour, time.Minute, "it", func(context.Context) error { return errSight })
		require.ErrorIs(t, err, errStop)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestUntilEndsWhenItsCheckAborts(t *testing.T) {
	calls := 0
	err := wait.Until(t.Context(), time.Hour, "it", func(context.Context) error {
		calls++
		return wait.Abort(errStop)
	})
	require.ErrorIs(t, err, errStop)
	assert.Equal(t, 1, calls)
}

func TestProgressGoesOnAsLongAsSomethingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		check, _ := looks(100)
		require.NoError(t, wait.Progress(t.Context(), 3*time.Second, 2*time.Second, "it", check))
		assert.Equal(t, 198*time.Second, time.Since(start))
	})
}

func TestProgressGivesUpWhenNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := wait.Progress(t.Context(), 10*time.Second, time.Second, "every node to run",
			func(context.Context) error { return errSight })
		require.EqualError(t, err, "wait for every node to run: two of three (nothing changed for 10s)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestAtMostEndsWhatTakesTooLong(t *testing.T) {
	err := wait.AtMost(t.Context(), time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	assert.EqualError(t, err, "timed out after 1ms")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NoError(t, wait.AtMost(t.Context(), time.Minute, context.Context.Err))
}
