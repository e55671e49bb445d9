package verdict

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// healthy is what an agent has seen of a node that is well.
func healthy() Seen {
	return Seen{Pulse: &Pulse{TickSeconds: 4, Members: 3, Present: 3}, Silence: 100 * time.Millisecond}
}

// Each rule has the input at which it says no, and the nearest one at which it does not.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Seen)
		want   Standing
		reason string
	}{
		{"all is well", func(*Seen) {}, Serves, ""},
		{"nothing is known yet", func(s *Seen) { *s = Seen{} }, Serves, ""},
		{"it stops", func(s *Seen) { s.Stopping = true }, Drains, "told to stop"},
		{"it stops, and never had a pulse", func(s *Seen) { *s = Seen{Stopping: true} }, Drains, "told to stop"},

		{"silent for longer than its peers tolerate", func(s *Seen) {
			s.Silence, s.Mute = 5001*time.Millisecond, true
		},
			Fails, "not answered for 5s"},
		{"silent for as long as they tolerate", func(s *Seen) {
			s.Silence, s.Mute = 5*time.Second, true
		}, Serves, ""},
		{"silent, and answers clients", func(s *Seen) { s.Silence = time.Hour }, Serves, ""},

		{"two members of three are gone", func(s *Seen) {
			s.Pulse.Present, s.Minority = 1, time.Second
		}, Fails, "1 of 3 members"},
		{"for one pulse only", func(s *Seen) { s.Pulse.Present = 1 }, Serves, ""},
		{"the members are not known", func(s *Seen) { s.Pulse.Members, s.Pulse.Present = 0, 0 }, Serves, ""},

		{"its queues are gone", func(s *Seen) {
			s.Pulse.Lost, s.Lost = []string{"quorum_queues", "coordination"}, 3*time.Second
		},
			Fails, "coordination and quorum_queues stopped"},
		{"for a moment", func(s *Seen) {
			s.Pulse.Lost, s.Lost = []string{"coordination"}, 2999*time.Millisecond
		}, Serves, ""},

		{"drained by hand", func(s *Seen) { s.Pulse.Draining = true }, Drains, "maintenance"},
		{"drained and in a minority", func(s *Seen) {
			s.Pulse.Draining, s.Minority = true, time.Second
		}, Fails, "majority"},
	} {
		seen := healthy()
		c.change(&seen)
		verdict := Judge(seen)
		assert.Equal(t, c.want, verdict.Standing, c.name)
		assert.Contains(t, verdict.Reason, c.reason, c.name)
		assert.Equal(t, c.want == Serves, verdict.Reason == "",
			"%s: a reason is given if the node does not serve", c.name)
	}
}

func TestMinority(t *testing.T) {
	for _, c := range []struct {
		members, present int
		want             bool
	}{
		{0, 0, false}, {1, 1, false}, {2, 2, false}, {2, 1, true}, {3, 2, false}, {3, 1, true},
		{4, 3, false}, {4, 2, true}, {5, 3, false}, {5, 2, true},
	} {
		assert.Equal(t, c.want, Pulse{Members: c.members, Present: c.present}.minority(), "%d of %d",
			c.present, c.members)
	}
}

func TestMemoryKnowsHowLongThingsLast(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	well, alone := Pulse{TickSeconds: 4, Members: 3, Present: 3},
		Pulse{TickSeconds: 4, Members: 3, Present: 1, Lost: []string{"coordination"}}

	var m Memory
	assert.Equal(t, Seen{}, m.Seen(at(0)), "nothing is known")
	assert.False(t, m.Quiet(at(100_000)), "a node that never sent a pulse is not quiet")
	m.Add(well, at(0))
	m.Add(alone, at(200))
	assert.Zero(t, m.Seen(at(10_000)).Minority, "one pulse lasts no time, however long ago it came")
	m.Add(alone, at(400))
	seen := m.Seen(at(450))
	assert.Equal(t, 200*time.Millisecond, seen.Minority)
	assert.Equal(t, 200*time.Millisecond, seen.Lost)
	assert.Equal(t, 50*time.Millisecond, seen.Silence)
	m.Add(well, at(600))
	m.Add(alone, at(800))
	assert.Zero(t, m.Seen(at(800)).Minority, "it has been well in between")
}

func TestMemoryOfAQuietNode(t *testing.T) {
	start := time.Now()
	var m Memory
	m.Add(Pulse{TickSeconds: 4}, start)
	assert.False(t, m.Quiet(start.Add(2500*time.Millisecond)))
	assert.True(t, m.Quiet(start.Add(2501*time.Millisecond)))
	m.Answered(false, start.Add(3*time.Second))
	assert.True(t, m.Seen(start.Add(4*time.Second)).Mute)
	m.Answered(true, start.Add(4*time.Second))
	assert.False(t, m.Seen(start.Add(5*time.Second)).Mute)
	m.Answered(false, start.Add(5*time.Second))
	m.Add(Pulse{TickSeconds: 4}, start.Add(6*time.Second))
	assert.False(t, m.Seen(start.Add(6*time.Second)).Mute, "it has a pulse again")
	m.Answered(false, start.Add(5500*time.Millisecond))
	assert.False(t, m.Seen(start.Add(6*time.Second)).Mute, "the pulse has come since")
}

func TestAPulseAsTheNodeWritesIt(t *testing.T) {
	var p Pulse
	require.NoError(t, json.Unmarshal([]byte(
		`{"tickSeconds":5,"members":3,"present":2,"draining":false,"lost":["coordination","quorum_queues"]}`), &p))
	assert.Equal(t, Pulse{5, 3, 2, false, []string{"coordination", "quorum_queues"}}, p)
	assert.Equal(t, 6250*time.Millisecond, p.Patience())
}
