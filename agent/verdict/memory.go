package verdict

import "time"

// Memory gathers what is seen of a node. Its zero value has seen nothing.
type Memory struct {
	seen                   Seen
	last                   time.Time
	minorityFrom, lostFrom time.Time
}

// Add takes a pulse that came at a time.
func (m *Memory) Add(p Pulse, at time.Time) {
	m.last = at
	m.seen.Pulse = &p
	m.seen.Mute = false
	m.seen.Minority = lasting(&m.minorityFrom, p.minority(), at)
	m.seen.Lost = lasting(&m.lostFrom, len(p.Lost) > 0, at)
}

// lasting is for how long something has been so.
func lasting(from *time.Time, so bool, at time.Time) time.Duration {
	switch {
	case !so:
		*from = time.Time{}
		return 0
	case from.IsZero():
		*from = at
	}
	return at.Sub(*from)
}

// Quiet tells whether the node has been silent for so long that it should be asked whether it answers a
// client: more than half of what is tolerated.
func (m *Memory) Quiet(now time.Time) bool {
	return m.seen.Pulse != nil && now.Sub(m.last) > m.seen.Pulse.Patience()/2
}

// Answered takes whether a quiet node answered a client that began to ask at a time. A pulse that has come
// since says more.
func (m *Memory) Answered(answered bool, asked time.Time) {
	if m.last.Before(asked) {
		m.seen.Mute = !answered
	}
}

// Seen is what was seen until now.
func (m *Memory) Seen(now time.Time) Seen {
	seen := m.seen
	if seen.Pulse != nil {
		seen.Silence = now.Sub(m.last)
	}
	return seen
}
