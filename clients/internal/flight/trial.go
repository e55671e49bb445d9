package flight

import (
	"math"
	"time"
)

// After a failure a queue elects a new leader, which takes some tenths of a second. What RabbitMQ sends to
// the old one meanwhile is lost, and sent again only by channels that the queue knows, which the new leader
// tells of itself. A channel that was opened in between is none of them: it waits forever (seen on RabbitMQ
// 4.3). So on a connection that replaces a lost one the first confirm is not waited for as long as others. If
// it does not come, another channel asks again for the queue's leader; that costs much less than another
// connection, which a load balancer might take to the very node that failed.
//
// A broker that is merely slow gets the same message again each time, so each wait is half as long again as
// the one before, also on the next connection, until a confirm has come.

const (
	// LeastConfirmTimeout is the least time to wait for a first confirm. A new leader goes unnoticed for so
	// long.
	LeastConfirmTimeout = 25 * time.Millisecond
	// ConfirmTimeoutGrowth is by how much the wait grows each time.
	ConfirmTimeoutGrowth = 1.5
	// renewFor is how long a connection gets other channels before it is given up: its node may have no
	// majority. That is longer than nearly all elections.
	renewFor = 800 * time.Millisecond
	// renewTimes is how many times as long as it took to open a channel a connection gets others at least: a
	// busy broker is not left for another, which will be as busy when all have come.
	renewTimes = 8
)

// trial is the first time of a session that replaces a lost one. Each queue elects its leader by itself, so
// that every destination has to bring a confirm: until it has, one message at a time is on its way there, and
// little has to be repeated, while other destinations are served.
type trial struct {
	until  time.Time              // others notice longer elections, and keep their channels
	proven map[Destination]bool   // that have brought a confirm
	first  map[Destination]*Entry // the message whose confirm is awaited
	held   list                   // those that wait for it, in the order in which to send them
}

func newTrial(until time.Time) *trial {
	return &trial{
		until:  until,
		proven: make(map[Destination]bool),
		first:  make(map[Destination]*Entry),
		held:   list{kind: inStage},
	}
}

// admit tells whether a message may be sent now, and keeps one that may not.
func (b *Book) admit(e *Entry, now time.Time) bool {
	t := b.trial
	if t == nil || now.After(t.until) {
		return true
	}
	d := e.Destination
	switch {
	case t.proven[d]:
		return true
	case t.first[d] != nil:
		e.phase = held
		t.held.push(e)
		return false
	default:
		t.first[d] = e
		if len(b.asked) > b.cfg.Window {
			b.forgetAsked()
		}
		b.asked[d]++
		return true
	}
}

// forgetAsked forgets destinations that nothing is on its way to: there may be any number of them.
func (b *Book) forgetAsked() {
	for d := range b.asked {
		if b.trial.first[d] == nil {
			delete(b.asked, d)
		}
	}
}

// prove takes note that a destination has brought an answer: what was held may be sent.
func (b *Book) prove(d Destination) {
	delete(b.asked, d)
	if b.trial == nil || b.trial.proven[d] {
		return
	}
	b.trial.proven[d] = true
	delete(b.trial.first, d)
	b.releaseHeld()
}

// waive lets another message be the first to its destination if the one that is, is given up.
func (b *Book) waive(e *Entry) {
	if b.trial == nil || b.trial.first[e.Destination] != e {
		return
	}
	delete(b.trial.first, e.Destination)
	b.releaseHeld()
}

// releaseHeld queues what was held, before anything newer. What still has to wait will be held again.
func (b *Book) releaseHeld() {
	for e := range b.trial.held.all() {
		e.phase = queued
	}
	b.queue.prepend(&b.trial.held)
	b.owner.Wake()
}

// endTrial trusts the session from now on.
func (b *Book) endTrial() {
	if b.trial != nil {
		b.releaseHeld()
		b.trial = nil
	}
}

// overdueFirst says whether the first confirm of some destination is overdue.
func (b *Book) overdueFirst(now time.Time, most time.Duration) bool {
	timeout := b.firstConfirmTimeout(most)
	for _, e := range b.trial.first {
		if now.Sub(e.sentAt) > timeout {
			return true
		}
	}
	return false
}

// firstConfirmTimeout is how long a first confirm is waited for: several times what confirms usually take, at
// least twice what opening the channel took, and longer each time that the destination which has been asked
// most often was asked in vain.
func (b *Book) firstConfirmTimeout(most time.Duration) time.Duration {
	asked := 1
	for d := range b.trial.first {
		asked = max(asked, b.asked[d])
	}
	base := float64(max(LeastConfirmTimeout, 4*b.usual, 2*b.opening))
	return time.Duration(min(base*math.Pow(ConfirmTimeoutGrowth, float64(asked-1)), float64(most)))
}

// learn takes note of how long a confirm took.
func (b *Book) learn(took time.Duration) {
	if b.usual == 0 {
		b.usual = max(took, 1)
	}
	b.usual += (took - b.usual) / 8
	b.slowest = max(took, b.slowest-b.slowest/8)
}

// confirmTimeout is how long the broker may owe confirms without sending any: longer after sessions
// that were given up for that, and for a broker whose confirms have been slow lately.
func (b *Book) confirmTimeout() time.Duration {
	timeout := b.cfg.Patience(b.cfg.ConfirmTimeout, b.stalls)
	return max(timeout, min(2*b.slowest, 4*b.cfg.ConfirmTimeout))
}
