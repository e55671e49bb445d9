package flight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/clients/internal/backoff"
	"warren/clients/internal/reason"
)

// notebook is an owner that takes notes.
type notebook struct {
	settled map[string][]error
	delayed []*Entry
}

func (n *notebook) Wake()          {}
func (n *notebook) Trouble() error { return nil }
func (n *notebook) Settle(e *Entry, outcome, _ error) {
	n.settled[e.MessageId] = append(n.settled[e.MessageId], outcome)
}

func (n *notebook) Delay(e *Entry, _ time.Duration) *time.Timer {
	n.delayed = append(n.delayed, e)
	return time.NewTimer(time.Hour)
}

const confirmTimeout = 3 * time.Second

func newTestBook(unanswered int) (*Book, *notebook) {
	n := &notebook{settled: make(map[string][]error)}
	return NewBook(Config{
		Window: 100, Unanswered: unanswered, ConfirmTimeout: confirmTimeout, PublishTimeout: time.Hour,
		NackBackoff: backoff.Backoff{Base: time.Second, Ceiling: time.Second},
		Patience:    func(timeout time.Duration, failures int) time.Duration { return timeout << min(failures, 2) },
	}, n), n
}

var start = time.Now()

func entry(id, key string) *Entry {
	return &Entry{
		Letter:   Letter{Destination: Destination{RoutingKey: key}, Publishing: amqp.Publishing{MessageId: id}},
		Accepted: start, Deadline: start.Add(time.Hour), Context: context.Background(),
	}
}

func accept(b *Book, ids ...string) {
	for _, id := range ids {
		b.Accept(entry(id, "q"))
	}
}

// sendAll sends what may be sent, and returns it.
func sendAll(b *Book, now time.Time) (sent []*Entry) {
	for e := b.Next(0, now); e != nil; e = b.Next(0, now) {
		sent = append(sent, e)
	}
	return sent
}

func ids(entries []*Entry) (ids []string) {
	for _, e := range entries {
		ids = append(ids, e.MessageId)
	}
	return ids
}

func TestListKeepsOrder(t *testing.T) {
	l := list{kind: inWindow}
	made := make(map[string]*Entry)
	all := func() (all string) {
		for e := range l.all() {
			all += e.MessageId
		}
		return all
	}
	for _, id := range []string{"a", "b", "c", "d"} {
		made[id] = entry(id, "")
		l.push(made[id])
	}
	require.Equal(t, "abcd", all())
	for _, step := range []struct{ remove, left string }{{"b", "acd"}, {"d", "ac"}, {"a", "c"}, {"c", ""}} {
		l.remove(made[step.remove])
		require.Equal(t, step.left, all())
	}
	l.push(made["a"])
	l.push(made["b"])
	for e := range l.all() { // while iterating
		l.remove(e)
	}
	require.Zero(t, l.length)
}

// What was lost with its session is sent again before anything newer, in its order, and is of unknown outcome
// when it is given up.
func TestRecalledInOrder(t *testing.T) {
	b, n := newTestBook(3)
	accept(b, "0", "1", "2", "3")
	b.Begin(start, 0, start)
	first := sendAll(b, start)
	require.Equal(t, []string{"0", "1", "2"}, ids(first), "no more than may be unanswered")
	b.Answer(first[1], true, nil, start)
	accept(b, "4")
	b.Recall(errors.New("lost"))
	b.Begin(start, 0, start)
	require.Equal(t, []string{"0"}, ids(sendAll(b, start)), "one message asks for the leader")
	b.Answer(b.Oldest(), true, nil, start)
	require.Equal(t, []string{"2", "3", "4"}, ids(sendAll(b, start)))
	b.Recall(errors.New("lost"))
	for e := range b.All() {
		require.True(t, e.Unknown, e.MessageId)
	}
	b.FailAll(reason.ErrClosed)
	require.Equal(t, map[string][]error{
		"0": {nil}, "1": {nil},
		"2": {reason.ErrUnconfirmed}, "3": {reason.ErrUnconfirmed}, "4": {reason.ErrUnconfirmed},
	}, n.settled)
}

// A broker that owes confirms is doubted after the confirm timeout, which grows, and not while it blocks.
func TestOverdueConfirmsAreJudged(t *testing.T) {
	b, _ := newTestBook(10)
	accept(b, "0")
	now := start
	for _, timeout := range []time.Duration{1, 2, 4, 4} {
		timeout *= confirmTimeout
		b.Begin(now, 0, now)
		require.Len(t, sendAll(b, now), 1)
		verdict, _ := b.Judge(now.Add(timeout))
		require.Equal(t, GoOn, verdict)
		now = now.Add(timeout + 1)
		verdict, waited := b.Judge(now)
		require.Equal(t, Doubt, verdict)
		require.Equal(t, timeout, waited)
		b.Recall(errors.New("overdue"))
	}
	b.Begin(now, 0, now)
	sendAll(b, now)
	require.True(t, b.Block(true, now))
	verdict, _ := b.Judge(now.Add(time.Hour))
	require.Equal(t, GoOn, verdict)
}

// After a loss another channel is asked for soon, and another connection when that has not helped.
func TestFirstConfirmsAreJudged(t *testing.T) {
	b, _ := newTestBook(10)
	accept(b, "0")
	b.Begin(start, 0, start)
	b.Answer(sendAll(b, start)[0], true, nil, start.Add(time.Millisecond))
	accept(b, "1")
	sendAll(b, start)
	b.Recall(errors.New("lost"))
	began, now, renewed := start, start, 0
	for {
		b.Begin(began, 0, now)
		sendAll(b, now)
		verdict := GoOn
		for ; verdict == GoOn; now = now.Add(time.Millisecond) {
			verdict, _ = b.Judge(now)
		}
		b.Recall(errors.New("no confirm"))
		if verdict == Doubt {
			break
		}
		renewed++
	}
	require.Equal(t, 6, renewed, "25 ms, and half as long again each time")
	require.InDelta(t, renewFor.Seconds(), now.Sub(start).Seconds(), 0.5)
}

// Random events: every message has one outcome, no more than may be are on their way, nothing is lost.
func TestBookAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 4).Draw(t, "most")
		b, n := newTestBook(most)
		now, accepted, open := start, 0, false
		inFlight := func() (entries []*Entry) { return slices.Collect(b.Sent()) }
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				b.Accept(entry(fmt.Sprint(accepted), fmt.Sprint(accepted%2)))
				accepted++
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
				b.Expire(now)
				if open {
					b.Judge(now)
				}
			},
			"begin": func(t *rapid.T) {
				if !open {
					b.Begin(now, 0, now)
					open = true
				}
			},
			"send": func(t *rapid.T) {
				if open {
					b.Next(0, now)
				}
			},
			"answer": func(t *rapid.T) {
				if flying := inFlight(); len(flying) > 0 {
					var returned error
					if rapid.IntRange(0, 3).Draw(t, "returned") == 0 {
						returned = errors.New("no route")
					}
					e := flying[rapid.IntRange(0, len(flying)-1).Draw(t, "which")]
					b.Answer(e, rapid.Bool().Draw(t, "acked"), returned, now)
				}
			},
			"lose": func(t *rapid.T) {
				if flying := inFlight(); len(flying) > 0 {
					b.Lose(flying[0])
				}
			},
			"end": func(t *rapid.T) {
				if open {
					causes := []error{errors.New("lost"), &amqp.Error{Code: amqp.NotFound, Server: true}}
					b.Recall(rapid.SampledFrom(causes).Draw(t, "cause"))
					open = false
				}
			},
			"retry": func(t *rapid.T) {
				for _, e := range n.delayed {
					b.Retry(e)
				}
				n.delayed = nil
			},
			"give up": func(t *rapid.T) {
				for e := range b.All() {
					b.GiveUp(e, context.Canceled)
					break
				}
			},
			"block": func(t *rapid.T) { b.Block(rapid.Bool().Draw(t, "blocked"), now) },
			"": func(t *rapid.T) {
				require.LessOrEqual(t, b.Owed(), most)
				require.Equal(t, accepted, b.Len()+len(n.settled))
				for id, outcomes := range n.settled {
					require.Len(t, outcomes, 1, id)
				}
				s := b.Stats()
				sum := s.Confirmed + s.Returned + s.Nacked + s.Rejected + s.Unconfirmed + int64(s.InFlight)
				require.Equal(t, s.Accepted, sum)
			},
		})
		b.FailAll(reason.ErrClosed)
		require.Len(t, n.settled, accepted)
	})
}
