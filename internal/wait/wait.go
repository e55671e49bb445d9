// Package wait is how this project lets time pass: for a while, or until a condition holds.
// Both end with their context.
package wait

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sleep waits for d. If ctx ends first, Sleep returns the reason at once. An ended ctx is reported for any d.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := context.Cause(ctx); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Until calls check at once, and then again every interval, until it returns nil or ctx ends. What check
// returns says what is still missing, such as "rabbit2 sees 2 of 3 nodes running"; an error of Abort ends the
// wait.
//
// The error of Until names what was awaited, for example "every node to run", what check saw last, and why
// the wait ended. It matches the last error of check and the cause of ctx.
func Until(
	ctx context.Context, interval time.Duration, what string, check func(context.Context) error,
) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last error
	for {
		err := check(ctx)
		var final abort
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return fmt.Errorf("wait for %s: %w", what, final.error)
		case ctx.Err() == nil || last == nil:
			last = err // a check that ctx cut short saw nothing
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w (%w)", what, last, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// AtMost does something with a context that ends after a time. What is given up on then says after how long.
func AtMost(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, timeout(limit))
	defer cancel()
	return do(ctx)
}

// Within is Until with a limit of time.
func Within(
	ctx context.Context, limit, interval time.Duration, what string, check func(context.Context) error,
) error {
	return AtMost(ctx, limit, func(ctx context.Context) error { return Until(ctx, interval, what, check) })
}

// Progress is Until without a limit of time: it goes on as long as check's error changes, and gives up when
// that has been the same for stall. So it suits a slow machine as well as a fast one.
func Progress(
	ctx context.Context, stall, interval time.Duration, what string, check func(context.Context) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var last string
	giveUp := time.AfterFunc(stall, func() { cancel(stalled(stall)) })
	defer giveUp.Stop()
	return Until(ctx, interval, what, func(ctx context.Context) error {
		err := check(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			giveUp.Reset(stall)
		}
		return err
	})
}

// stalled matches context.DeadlineExceeded and tells for how long nothing changed.
type stalled time.Duration

func (s stalled) Error() string { return "nothing changed for " + time.Duration(s).String() }

func (stalled) Is(target error) bool { return target == context.DeadlineExceeded }

// Abort marks an error of a check after which there is nothing left to wait for.
func Abort(err error) error { return abort{err} }

type abort struct{ error }

func (a abort) Unwrap() error { return a.error }

// timeout matches context.DeadlineExceeded and tells the limit.
type timeout time.Duration

func (t timeout) Error() string { return "timed out after " + time.Duration(t).String() }

func (timeout) Is(target error) bool { return target == context.DeadlineExceeded }
