package clients

import (
	"context"
	"iter"
)

// window holds the messages whose outcome is not known yet, in the order in which they were accepted, and never more
// than its size. Acquiring and releasing room is safe for concurrent use; everything else is not.
type window struct {
	room        chan struct{} // holds an element for every message
	front, back *Confirmation
	length      int
}

func newWindow(size int) *window { return &window{room: make(chan struct{}, size)} }

// acquire makes room for one message, waiting for it until ctx ends or closing is closed.
func (w *window) acquire(ctx context.Context, closing <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.room <- struct{}{}:
		return nil
	case <-closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release gives back room that was acquired.
func (w *window) release() { <-w.room }

// drain waits until the window is empty by taking all its room, for good; or until ctx ends.
func (w *window) drain(ctx context.Context) error {
	for range cap(w.room) {
		if err := w.acquire(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// push adds a message for which room was acquired.
func (w *window) push(c *Confirmation) {
	c.prev = w.back
	if w.back == nil {
		w.front = c
	} else {
		w.back.next = c
	}
	w.back = c
	w.length++
}

// remove takes a message out. Its room is released separately.
func (w *window) remove(c *Confirmation) {
	if c.prev == nil {
		w.front = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		w.back = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	w.length--
}

// all yields the messages in order. The one yielded may be removed.
func (w *window) all() iter.Seq[*Confirmation] {
	return func(yield func(*Confirmation) bool) {
		for c := w.front; c != nil; {
			next := c.next
			if !yield(c) {
				return
			}
			c = next
		}
	}
}
