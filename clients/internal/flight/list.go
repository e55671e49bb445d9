package flight

import "iter"

// A message without an outcome is on the list of all of them, and on one of the lists of a stage on its way
// unless it is between two of them. Each kind has links of its own.
const (
	inWindow = iota
	inStage
	kindsOfLists
)

// list holds messages in order. It is not safe for concurrent use.
type list struct {
	kind        int
	front, back *Entry
	length      int
}

// links are a message's place on a list.
type links struct {
	in         *list // nil while it is on none
	prev, next *Entry
}

// push adds a message, which must not be on another list of this kind, at the end.
func (l *list) push(e *Entry) {
	at := &e.links[l.kind]
	at.in, at.prev = l, l.back
	if l.back == nil {
		l.front = e
	} else {
		l.back.links[l.kind].next = e
	}
	l.back = e
	l.length++
}

// pop takes the first message out; nil if there is none.
func (l *list) pop() *Entry {
	e := l.front
	if e != nil {
		l.remove(e)
	}
	return e
}

// remove takes a message out that is on the list.
func (l *list) remove(e *Entry) {
	at := &e.links[l.kind]
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
	for e := l.pop(); e != nil; e = l.pop() {
		other.push(e)
	}
	for e := other.pop(); e != nil; e = other.pop() {
		l.push(e)
	}
}

// all yields the messages in order. The one yielded may be removed.
func (l *list) all() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for e := l.front; e != nil; {
			next := e.links[l.kind].next
			if !yield(e) {
				return
			}
			e = next
		}
	}
}

// leaveStage takes a message off the list of the stage that it is in, if it is on one.
func (e *Entry) leaveStage() {
	if in := e.links[inStage].in; in != nil {
		in.remove(e)
	}
}
