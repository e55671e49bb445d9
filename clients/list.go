package clients

import (
	"context"
	"iter"
)

// A message in the window is on the window's list, and on one of the lists of a stage on its way unless it is
// between two of them. Each kind has links of its own.
const (
	inWindow = iota
	inStage
	kindsOfLists
)

// list holds messages in order. It is not safe for concurrent use.
type list struct {
	kind        int
	front, back *Confirmation
	length      int
}

// links are a message's place on a list.
type links struct {
	in         *list // nil while it is on none
	prev, next *Confirmation
}

// push adds a message, which must not be on another list of this kind, at the end.
func (l *list) push(c *Confirmation) {
	at := &c.links[l.kind]
	at.in, at.prev = l, l.back
	if l.back == nil {
		l.front = c
	} else {
		l.back.links[l.kind].next = c
	}
	l.back = c
	l.length++
}

// pop takes the first message out; nil if there is none.
func (l *list) pop() *Confirmation {
	c := l.front
	if c != nil {
		l.remove(c)
	}
	return c
}

// remove takes a message out that is on the list.
func (l *list) remove(c *Confirmation) {
	at := &c.links[l.kind]
	if at.prev == nil {
		l.front = at.next
	} else {
		at.prev.links[l.kind].next = at.next
	}
	if at.next == nil {
		l.back = at.prev
	} else {
		at.next.links[l.kind].prev = at.prev
	}
	*at = links{}
	l.length--
}

// prepend moves all messages of another list to the front, in their order.
func (l *list) prepend(other *list) {
	for c := l.pop(); c != nil; c = l.pop() {
		other.push(c)
	}
	for c := other.pop(); c != nil; c = other.pop() {
		l.push(c)
	}
}

// all yields the messages in order. The one yielded may be removed.
func (l *list) all() iter.Seq[*Confirmation] {
	return func(yield func(*Confirmation) bool) {
		for c := l.front; c != nil; {
			next := c.links[l.kind].next
			if !yield(c) {
				return
			}
			c = next
		}
	}
}

// leaveStage takes a message off the list of the stage that it is in, if it is on one.
func (c *Confirmation) leaveStage() {
	if in := c.links[inStage].in; in != nil {
		in.remove(c)
	}
}

// window holds the messages whose outcome is not known yet, in the order in which they were accepted, and
// never more than its size. Acquiring and releasing room is safe for concurrent use; everything else is not.
type window struct {
	list
	room chan struct{} // holds an element for every message, and for every outcome whose hook has not run yet
}

func newWindow(size int) *window { return &window{room: make(chan struct{}, size)} }

func (w *window) size() int { return cap(w.room) }

// acquire makes room for one message, waiting for it until ctx ends or closing is closed.
func (w *window) acquire(ctx context.Context, closing <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.room <- struct{}{}:
		return nil
	default:
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
