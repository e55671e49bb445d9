// Package flight keeps account of the messages that a producer has accepted: which is to be sent next, what
// is on its way, and what became of each. It is a state machine: it waits for nothing, has no goroutine and
// no clock, and knows of the broker what it is told. Whoever owns a Book holds a lock around every call.
package flight

import (
	"iter"
	"time"

	"warren/clients/internal/backoff"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// Config is how long a book's owner has patience, and for how much.
type Config struct {
	Window         int           // how many messages may have no outcome; forgetting rarely asked destinations
	Unanswered     int           // how many may be on their way
	ConfirmTimeout time.Duration // how long the broker may owe confirms
	PublishTimeout time.Duration // how long a message is tried
	NackBackoff    backoff.Backoff
	// Patience stretches a timeout after failures in a row.
	Patience func(timeout time.Duration, failures int) time.Duration
}

// Owner is told what follows from what is entered in its book, while it holds its lock.
type Owner interface {
	// Wake says that there may be something to send.
	Wake()
	// Settle says that the outcome of a message is known: nil for a confirmed one, and otherwise one of the
	// errors that package reason begins with. The cause is what stood in the way, if that is known.
	Settle(e *Entry, outcome, cause error)
	// Delay asks for a timer that calls Book.Retry.
	Delay(*Entry, time.Duration) *time.Timer
	// Trouble is why messages do not flow right now; nil while they do.
	Trouble() error
}

// Book is the account of a producer's messages. It is not safe for concurrent use.
type Book struct {
	cfg   Config
	owner Owner
	stats Stats

	all      list // without an outcome, in the order in which they were accepted
	queue    list // what is to be sent, in that order
	sent     list // what is not answered on the current session, oldest first
	suspects int  // how many are suspected of having closed a channel

	// Of the current session.
	open    bool
	began   time.Time     // when its connection was taken into use
	opening time.Duration // how long it took to open its channel
	useful  bool          // whether a confirm has come
	lost    int           // how many were closed without an answer
	blocked bool          // by the broker, right now
	leaving bool          // nothing more is to be sent over it, because there is a better one
	trial   *trial        // nil for one that is trusted

	progress time.Time     // when the broker last answered, or began to owe, or was unblocked
	stalls   int           // sessions in a row that were given up because confirms were overdue
	usual    time.Duration // how long a confirm takes these days, smoothed; 0 before the first
	slowest  time.Duration // how long the slowest of the last confirms took, fading
	asked    map[Destination]int
}

// NewBook makes an empty book.
func NewBook(cfg Config, owner Owner) *Book {
	return &Book{
		cfg:   cfg,
		owner: owner,
		all:   list{kind: inWindow},
		queue: list{kind: inStage},
		sent:  list{kind: inStage},
		asked: make(map[Destination]int),
	}
}

// Stats are the counts so far.
func (b *Book) Stats() Stats {
	stats := b.stats
	stats.InFlight = b.all.length
	return stats
}

// Len is how many messages have no outcome.
func (b *Book) Len() int { return b.all.length }

// Owed is how many are on their way, those that were given up included.
func (b *Book) Owed() int { return b.sent.length }

// All yields the messages that have no outcome, in the order in which they were accepted.
func (b *Book) All() iter.Seq[*Entry] { return b.all.all() }

// Sent yields what is not answered, oldest first. The one yielded may be answered.
func (b *Book) Sent() iter.Seq[*Entry] { return b.sent.all() }

// Oldest is the first of those; nil if there is none.
func (b *Book) Oldest() *Entry { return b.sent.front }

// Accept enters a message.
func (b *Book) Accept(e *Entry) {
	b.all.push(e)
	b.enqueue(e)
	b.stats.Accepted++
}

// enqueue puts a message at the end of those to be sent.
func (b *Book) enqueue(e *Entry) {
	e.phase = queued
	b.queue.push(e)
	b.owner.Wake()
}

// Begin starts a session, over a connection that was taken into use at the given time, and on a channel that
// took so long to open. It is on trial unless it is the first, which Begin says.
func (b *Book) Begin(began time.Time, opening time.Duration, now time.Time) (onTrial bool) {
	b.open, b.began, b.opening, b.useful, b.lost, b.leaving = true, began, opening, false, 0, false
	if b.usual > 0 {
		b.trial = newTrial(now.Add(b.cfg.ConfirmTimeout))
	}
	return b.trial != nil
}

// Leave has nothing more sent over the current session.
func (b *Book) Leave() {
	b.leaving = true
	b.owner.Wake()
}

// MayLeave says whether the current session can be left: there is a better one, and nothing is owed.
func (b *Book) MayLeave() bool { return b.leaving && b.sent.length == 0 }

// Useful says whether the current session has brought a confirm.
func (b *Book) Useful() bool { return b.useful }

// IsLosing says whether the current session has lost answers, and so is about to end.
func (b *Book) IsLosing() bool { return b.lost > 0 }

// IsOnTrial says whether first confirms may be awaited.
func (b *Book) IsOnTrial() bool { return b.trial != nil }

// Block takes note of whether the broker has blocked the connection, and says whether that is new.
func (b *Book) Block(blocked bool, now time.Time) (changed bool) {
	if blocked == b.blocked {
		return false
	}
	b.blocked = blocked
	b.progress = now // the broker owes nothing for the time it was blocked
	b.endTrial()
	b.owner.Wake()
	return true
}

// Next takes the first of the messages to be sent, if it may be sent now; nil if not. Its properties must fit
// into limit bytes, unless that is not positive.
func (b *Book) Next(limit int, now time.Time) *Entry {
	// What was given up while it was on its way is still owed an answer, so that it counts.
	if b.blocked || b.leaving || b.sent.length >= b.cfg.Unanswered {
		return nil
	}
	// While there are suspects one message at a time is in flight, so that the culprit gives itself away.
	if b.suspects > 0 && b.sent.length > 0 {
		return nil
	}
	for e := b.queue.pop(); e != nil; e = b.queue.pop() {
		if e.Size > limit && limit > 0 {
			b.settle(e, reason.ErrInvalidMessage, TooLarge(e.Size, limit))
			continue
		}
		if !b.admit(e, now) {
			continue
		}
		if b.sent.length == 0 {
			b.progress = now
		}
		e.phase = sent
		e.sentAt, e.Answer = now, nil
		e.Attempts++
		b.sent.push(e)
		b.stats.Published++
		return e
	}
	return nil
}

// Lose takes note that a message will not be answered on this session, because the channel is closed. Recall
// sees to it.
func (b *Book) Lose(e *Entry) {
	b.sent.remove(e)
	b.lost++
}

// Answer takes the broker's answer to a message into account: an ack, or a nack. returned is what the broker
// said when it returned the message before; nil if it did not.
func (b *Book) Answer(e *Entry, acked bool, returned error, now time.Time) {
	b.sent.remove(e)
	b.useful = true
	b.stalls = 0
	b.progress = now
	b.learn(now.Sub(e.sentAt))
	b.prove(e.Destination)
	switch {
	case e.phase == settled:
	case acked && returned != nil:
		b.settle(e, reason.ErrUnroutable, returned)
	case acked:
		b.settle(e, nil, nil)
	default:
		b.stats.Nacks++
		e.phase = delayed
		e.timer = b.owner.Delay(e, b.cfg.NackBackoff.Wait(e.nacks))
		e.nacks++
	}
}

// Retry has a nacked message sent again.
func (b *Book) Retry(e *Entry) {
	if e.phase == delayed {
		b.enqueue(e)
	}
}

// Expire gives up the messages whose time is over.
func (b *Book) Expire(now time.Time) {
	if b.trial != nil && now.After(b.trial.until) {
		b.endTrial()
	}
	timeout := transport.Timeout(b.cfg.PublishTimeout)
	for e := range b.all.all() {
		if err := e.expired(now, timeout); err != nil {
			b.GiveUp(e, err)
		}
	}
}

// Recall ends the current session, for a cause, and takes back what was in flight, to be sent again before
// anything newer. A cause that blames one message makes all of them suspects.
func (b *Book) Recall(cause error) {
	b.open = false
	blame := reason.BlamesMessage(cause)
	alone := b.sent.length+b.lost == 1
	for e := range b.sent.all() {
		b.sent.remove(e)
	}
	for e := range b.all.all() {
		if e.phase == sent {
			if blame && alone {
				b.settle(e, reason.ErrChannelException, cause)
				continue
			}
			e.Unknown = true
			if blame && !e.suspect {
				e.suspect = true
				b.suspects++
			}
		}
		if e.phase != delayed {
			e.leaveStage()
			e.phase = queued
			b.queue.push(e)
		}
	}
	b.trial = nil
}

// FailAll gives up everything.
func (b *Book) FailAll(cause error) {
	for e := range b.all.all() {
		b.GiveUp(e, cause)
	}
}

// GiveUp settles a message that has run out of time: as nacked, if that is all that ever happened to it. One
// that is on its way stays there until it is answered.
func (b *Book) GiveUp(e *Entry, cause error) {
	if e.phase == settled {
		return
	}
	if e.nacks > 0 && e.phase != sent && !e.Unknown {
		b.settle(e, reason.ErrNacked, cause)
		return
	}
	if e.phase == sent {
		e.Unknown = true
		b.waive(e)
	}
	b.settle(e, reason.ErrUnconfirmed, reason.With(cause, b.owner.Trouble()))
}

// settle makes the outcome known; nil means confirmed.
func (b *Book) settle(e *Entry, outcome, cause error) {
	b.stats.count(outcome)
	if e.suspect {
		b.suspects--
		b.owner.Wake()
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.phase != sent {
		e.leaveStage()
	}
	e.phase = settled
	b.all.remove(e)
	// The caller may keep the message for long. What it takes to recognise an answer stays.
	e.Body, e.Headers, e.Context, e.timer = nil, nil, nil, nil
	b.owner.Settle(e, outcome, cause)
}
