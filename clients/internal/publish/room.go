package publish

import (
	"context"

	"warren/clients/internal/reason"
)

// room is the size of the window. It holds an element for every message without an outcome, and for every
// outcome whose hook has not run yet. It is safe for concurrent use.
type room chan struct{}

// acquire makes room for one message, waiting for it until ctx ends or closing is closed.
func (r room) acquire(ctx context.Context, closing <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r <- struct{}{}:
		return nil
	default:
	}
	select {
	case r <- struct{}{}:
		return nil
	case <-closing:
		return reason.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release gives back room that was acquired.
func (r room) release() { <-r }

// drain waits until the window is empty by taking all its room, for good; or until ctx ends.
func (r room) drain(ctx context.Context) error {
	for range cap(r) {
		if err := r.acquire(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}
