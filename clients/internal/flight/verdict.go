package flight

import "time"

// Verdict says what is to become of the current session.
type Verdict int

// The verdicts.
const (
	// GoOn: nothing is wrong.
	GoOn Verdict = iota
	// Renew: a first confirm is overdue; another channel over the same connection may bring it.
	Renew
	// Doubt: confirms are overdue.
	Doubt
)

// Judge says whether the broker owes the oldest confirm for too long, or one of the first, and how long it
// was waited for. What is owed counts whether or not somebody still waits for it.
func (b *Book) Judge(now time.Time) (v Verdict, waited time.Duration) {
	oldest := b.sent.front
	if !b.open || oldest == nil || b.blocked {
		return GoOn, 0
	}
	timeout := b.confirmTimeout()
	if b.trial != nil && b.overdueFirst(now, timeout) {
		if now.Sub(b.began) < max(renewFor, renewTimes*b.opening) {
			return Renew, 0
		}
		if !b.useful {
			waited := b.firstConfirmTimeout(timeout)
			if waited == timeout {
				b.stalls++
			}
			return Doubt, waited
		}
	}
	owing := now.Sub(b.progress)
	silent := owing > timeout
	overdue := now.Sub(oldest.sentAt) > 4*timeout && owing < timeout
	if silent || overdue {
		b.stalls++
		return Doubt, timeout
	}
	return GoOn, 0
}
