package clients

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/clients/internal/flight"
)

// Random schedules of what a broker may do, against a producer, in virtual time. A schedule is a value that
// is drawn first and then run, so that what fails can be shrunk and run again.

// schedulesVariable names the environment variable with how many schedules TestSchedules runs.
const schedulesVariable = "WARREN_SCHEDULES"

// step is what the fake broker does with one message that it receives.
type step int

const (
	stepAck          step = iota
	stepNack              // as a full queue does
	stepLate              // ack it after a while
	stepMultiple          // ack it, and all before it that are not answered, with the next ack
	stepReturn            // return and ack it: no queue is bound
	stepCutBefore         // the connection is lost before the message is stored
	stepCutAfter          // the connection is lost after the message is stored
	stepCloseChannel      // the channel is closed over this message
	stepClose             // the connection is closed because the node shuts down
	stepBlock             // the connection is blocked for a while, and the message acked
	stepSwallow           // the message gets no answer, and neither does any other on this channel
	stepNackMultiple      // nack it, and all before it that are not answered
	stepReturnLate        // return it at once and ack it after a while
	stepRefuse            // the connection is lost, and for a while there is no other
	kindsOfSteps
)

// schedule is one run.
type schedule struct {
	Window   int
	Brokers  int
	Messages []plannedMessage
	Steps    []plannedStep // for the messages received, in this order; from then on all are acked
}

type plannedMessage struct {
	Pause   time.Duration // before it is published
	Timeout time.Duration // of its context; 0 for none
	Wait    bool          // for the outcome, before the next is published
	Queue   int
}

type plannedStep struct {
	Step step
	Time time.Duration // how long a while is
}

var drawDuration = rapid.Map(rapid.IntRange(0, 400), func(n int) time.Duration {
	return time.Duration(n*n/16) * time.Millisecond // up to 10 s, often short
})

func drawSchedule(t *rapid.T) schedule {
	return schedule{
		Window:  rapid.IntRange(1, 6).Draw(t, "window"),
		Brokers: rapid.IntRange(1, 3).Draw(t, "brokers"),
		Messages: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plannedMessage {
			m := plannedMessage{Queue: rapid.IntRange(0, 2).Draw(t, "queue")}
			if rapid.Bool().Draw(t, "paused") {
				m.Pause = drawDuration.Draw(t, "pause")
			}
			if rapid.IntRange(0, 3).Draw(t, "has timeout") == 0 {
				m.Timeout = max(time.Millisecond, drawDuration.Draw(t, "timeout"))
			}
			m.Wait = rapid.IntRange(0, 3).Draw(t, "wait") == 0
			return m
		}), 1, 12).Draw(t, "messages"),
		Steps: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plannedStep {
			return plannedStep{step(rapid.IntRange(0, int(kindsOfSteps)-1).Draw(t, "step")), drawDuration.Draw(t,
				"time")}
		}), 0, 12).Draw(t, "steps"),
	}
}

// ledger is what the brokers know of each message, by id.
type ledger struct {
	mu       sync.Mutex
	next     int // step
	received map[string]int
	stored   map[string]int
	acked    map[string]bool // confirmed, and not returned
	nacked   map[string]bool
	returned map[string]bool
	blamed   map[string]bool
	problems []string
}

func (l *ledger) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// modelChannel is what a broker has to answer on a channel.
type modelChannel struct {
	open    map[uint64]string // unanswered
	deaf    bool
	waiting map[uint64]bool // to be acked with the next one
}

// modelBroker is a fake broker that follows a schedule.
type modelBroker struct {
	schedule schedule
	ledger   *ledger
	network  *memoryNetwork

	mu       sync.Mutex
	channels map[*fakeChannel]*modelChannel
}

func (b *modelBroker) step() plannedStep {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	i := b.ledger.next
	b.ledger.next++
	if i >= len(b.schedule.Steps) {
		return plannedStep{}
	}
	return b.schedule.Steps[i]
}

// receive does what the schedule says about a message.
func (b *modelBroker) receive(c *fakeChannel, tag uint64, m published) {
	b.mu.Lock()
	ch := b.channels[c]
	if ch == nil {
		ch = &modelChannel{open: make(map[uint64]string), waiting: make(map[uint64]bool)}
		b.channels[c] = ch
	}
	ch.open[tag] = m.id
	unanswered, deaf := len(ch.open), ch.deaf
	b.mu.Unlock()
	b.ledger.mu.Lock()
	b.ledger.received[m.id]++
	b.ledger.mu.Unlock()
	if unanswered > b.schedule.Window {
		b.ledger.problem("%d messages were on their way over one channel, with a window of %d", unanswered,
			b.schedule.Window)
	}
	if deaf {
		return
	}
	s := b.step()
	switch s.Step {
	case stepAck:
		b.store(m.id)
		b.answer(c, tag, basicAck, false)
	case stepNack:
		b.answer(c, tag, basicNack, false)
	case stepNackMultiple:
		b.answer(c, tag, basicNack, true)
	case stepLate:
		b.store(m.id)
		time.AfterFunc(s.Time, func() { b.answer(c, tag, basicAck, false) })
	case stepMultiple:
		b.store(m.id)
		time.AfterFunc(s.Time, func() { b.answer(c, tag, basicAck, true) })
	case stepReturn:
		b.giveBack(c, m)
		b.answer(c, tag, basicAck, false)
	case stepReturnLate:
		b.giveBack(c, m)
		time.AfterFunc(s.Time, func() { b.answer(c, tag, basicAck, false) })
	case stepCutBefore:
		_ = c.Close()
	case stepCutAfter:
		b.store(m.id)
		_ = c.Close()
	case stepRefuse:
		_ = c.Close()
		b.network.refuse(true)
		time.AfterFunc(s.Time, func() { b.network.refuse(false) })
	case stepCloseChannel:
		b.ledger.mu.Lock()
		b.ledger.blamed[m.id] = true
		b.ledger.mu.Unlock()
		b.forget(c)
		c.closeChannel(404, "NOT_FOUND - no exchange")
	case stepClose:
		b.forget(c)
		c.closeConnection(320, "CONNECTION_FORCED - shutdown")
	case stepBlock:
		b.store(m.id)
		c.block()
		b.answer(c, tag, basicAck, false)
		time.AfterFunc(s.Time, c.unblock)
	case stepSwallow:
		b.mu.Lock()
		ch.deaf = true
		b.mu.Unlock()
	}
}

// forget drops what is not answered on a channel.
func (b *modelBroker) forget(c *fakeChannel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.channels, c)
}

func (b *modelBroker) store(id string) {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	b.ledger.stored[id]++
}

func (b *modelBroker) giveBack(c *fakeChannel, m published) {
	b.ledger.mu.Lock()
	b.ledger.returned[m.id] = true
	b.ledger.mu.Unlock()
	c.returnUnroutable(m)
}

// answer sends an ack or a nack, unless the message has been answered with another. A broker acks and nacks
// with multiple only what has the same outcome.
func (b *modelBroker) answer(c *fakeChannel, tag uint64, method uint32, multiple bool) {
	b.mu.Lock()
	ch := b.channels[c]
	if ch == nil || ch.deaf {
		b.mu.Unlock()
		return
	}
	if method == basicNack && multiple {
		multiple = b.allUnstoredLocked(ch, tag)
	}
	var answered []string
	for t, id := range ch.open {
		if t == tag || multiple && t < tag {
			answered = append(answered, id)
		}
	}
	if ch.open[tag] == "" {
		b.mu.Unlock()
		return
	}
	for t := range ch.open {
		if t == tag || multiple && t < tag {
			delete(ch.open, t)
		}
	}
	b.mu.Unlock()
	b.ledger.mu.Lock()
	for _, id := range answered {
		if method == basicNack {
			b.ledger.nacked[id] = true
			continue
		}
		b.ledger.acked[id] = true
		if b.ledger.stored[id] == 0 && !b.ledger.returned[id] {
			b.ledger.stored[id]++ // the outcome of what is acked with another is the same
		}
	}
	b.ledger.mu.Unlock()
	c.confirm(method, tag, multiple)
}

// allUnstoredLocked says whether nothing up to a tag is in a queue.
func (b *modelBroker) allUnstoredLocked(ch *modelChannel, tag uint64) bool {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	for t, id := range ch.open {
		if t <= tag && b.ledger.stored[id] > 0 {
			return false
		}
	}
	return true
}

// run runs a schedule and returns what was wrong.
func (s schedule) run(t *testing.T, opts ...ProducerOption) (problems []string) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{
			received: map[string]int{}, stored: map[string]int{}, acked: map[string]bool{},
			nacked: map[string]bool{}, returned: map[string]bool{}, blamed: map[string]bool{},
		}
		network := newMemoryNetwork()
		var endpoints []string
		for i := range s.Brokers {
			address := fmt.Sprintf("broker%d:5672", i)
			b := &modelBroker{schedule: s, ledger: l, network: network, channels: map[*fakeChannel]*modelChannel{}}
			serveFakeBroker(t, network.listen(address), b.receive)
			endpoints = append(endpoints, "amqp://user:password@"+address+"/")
		}
		opts := append([]ProducerOption{withNetwork(network), WithWindow(s.Window)}, opts...)
		p, err := NewProducer(endpoints, opts...)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := s.publish(p, l)
		synctest.Wait() // for whoever has just made the last outcome known
		if room := p.engine.Holdings().Places; room != 0 {
			l.problem("%d places of the window are taken when nothing is in it", room)
		}
		checkStats(p.Stats(), len(outcomes), l)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			l.problem("Close: %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			l.problem("Close took %v", took)
		}
		for id, err := range outcomes {
			l.check(id, err)
		}
		problems = l.problems
	})
	return problems
}

// publish publishes the messages and waits for their outcomes.
func (s schedule) publish(p *Producer, l *ledger) map[string]error {
	const bound = 31 * time.Second // the publish timeout, and the reaper's interval
	outcomes := make(map[string]error)
	confirmations := make(map[string]*Confirmation)
	for i, m := range s.Messages {
		time.Sleep(m.Pause)
		id := strconv.Itoa(i)
		timeout := 2 * bound // only a producer that has lost places of its window waits for so long
		if m.Timeout > 0 {
			timeout = m.Timeout
		}
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		message := Message{ID: id, RoutingKey: fmt.Sprint("q", m.Queue)}
		began := time.Now()
		if m.Wait {
			outcomes[id] = p.Publish(ctx, message)
			if took := time.Since(began); took > timeout || took >= 2*bound {
				l.problem("Publish of %s with a context of %v took %v", id, timeout, took)
			}
			continue
		}
		c, err := p.PublishAsync(ctx, message)
		if took := time.Since(began); took >= 2*bound {
			l.problem("there was no place in the window for %s for %v", id, took)
		}
		if err != nil {
			outcomes[id] = err
			continue
		}
		confirmations[id] = c
	}
	began := time.Now()
	for id, c := range confirmations {
		select {
		case <-c.Done():
			outcomes[id] = c.Err()
		case <-time.After(bound):
			l.problem("%s has no outcome after %v", id, time.Since(began))
			outcomes[id] = errors.New("no outcome")
		}
	}
	return outcomes
}

func checkStats(s ProducerStats, messages int, l *ledger) {
	sum := s.Confirmed + s.Returned + s.Nacked + s.Rejected + s.Unconfirmed + int64(s.InFlight)
	if s.Accepted != sum || s.Accepted > int64(messages) || s.InFlight != 0 {
		l.problem("%d messages, but %+v", messages, s)
	}
}

// check holds an outcome against what the brokers know.
func (l *ledger) check(id string, err error) {
	received, stored, acked := l.received[id], l.stored[id] > 0, l.acked[id]
	var failed *PublishError
	switch {
	case err == nil:
		if !acked || !stored {
			l.problem("%s is confirmed, and no broker has acked it", id)
		}
		return
	case !errors.As(err, &failed):
		l.problem("%s: %v is no PublishError", id, err)
		return
	}
	outcomes := 0
	for _, outcome := range []error{ErrUnconfirmed, ErrNacked, ErrUnroutable, ErrChannelException} {
		if errors.Is(failed.Err, outcome) {
			outcomes++
		}
	}
	unknown := errors.Is(err, ErrUnconfirmed)
	switch {
	case outcomes != 1:
		l.problem("%s has %d outcomes: %v", id, outcomes, err)
	case failed.Attempts < received:
		l.problem("%s was received %d times: %v", id, received, err)
	case !unknown && stored:
		l.problem("%s is said to be in no queue, and is in one: %v", id, err)
	case errors.Is(failed.Err, ErrNacked) && !l.nacked[id]:
		l.problem("%s was never nacked: %v", id, err)
	case errors.Is(failed.Err, ErrUnroutable) && !l.returned[id]:
		l.problem("%s was never returned: %v", id, err)
	case errors.Is(failed.Err, ErrChannelException) && !l.blamed[id]:
		l.problem("%s never closed a channel: %v", id, err)
	}
}

// schedules is how many to run: few by default.
func schedules(t *testing.T, few int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(schedulesVariable))
	if os.Getenv(schedulesVariable) == "" {
		return few
	}
	if err != nil {
		t.Fatalf("%s: %v", schedulesVariable, err)
	}
	return n
}

// setChecks tells rapid how many to run.
func setChecks(t *testing.T, n int) {
	t.Helper()
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", before) })
}

// Never confirmed without an ack; every message has one outcome, which is true, by its deadline; the window's
// places add up; no more than a window is on its way; closing takes no longer than its context.
func TestSchedules(t *testing.T) {
	setChecks(t, schedules(t, 500))
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSchedule(rt)
		if problems := s.run(t); problems != nil {
			rt.Fatalf("%+v\n%q", s, problems)
		}
	})
}

// mostCopies is the documented bound on how often a message is sent after a lost connection to a broker that
// takes so long to confirm: the wait for the first confirm grows until it is longer than that.
func mostCopies(latency time.Duration) int {
	copies := 1 // over the connection that was lost
	stalls, asked := 0, 0
	for {
		copies++
		most := DefaultConfirmTimeout << min(stalls/3, 2) // of one to three endpoints
		grown := float64(flight.LeastConfirmTimeout) * math.Pow(flight.ConfirmTimeoutGrowth, float64(asked))
		wait := time.Duration(min(grown, float64(most)))
		if wait >= latency {
			return copies
		}
		if wait == most {
			stalls++
		}
		asked++
	}
}

// A broker that is slow after a failure, but whole, gets a message a bounded number of times, and the message
// is confirmed.
func TestSlowBroker(t *testing.T) {
	require.LessOrEqual(t, mostCopies(2*time.Second), 13, "as the documentation of WithConfirmTimeout says")
	require.LessOrEqual(t, mostCopies(11*time.Second), 20, "as the documentation of WithConfirmTimeout says")
	setChecks(t, schedules(t, 100))
	rapid.Check(t, func(rt *rapid.T) {
		latency := time.Duration(rapid.IntRange(0, 10_000).Draw(rt, "latency")) * time.Millisecond
		messages := rapid.IntRange(1, 6).Draw(rt, "messages")
		queues := rapid.IntRange(1, 3).Draw(rt, "queues")
		received, err := slowAfterALoss(t, latency, messages, queues)
		if err != nil {
			rt.Fatalf("confirms after %v: %v", latency, err)
		}
		for id, times := range received {
			if most := mostCopies(latency); times > most {
				rt.Fatalf("confirms after %v: %s was received %d times, more than %d", latency, id, times, most)
			}
		}
	})
}

// slowAfterALoss publishes to a broker that loses the first connection and is slow over all others. It
// returns how often it received each message.
func slowAfterALoss(t *testing.T, latency time.Duration, messages, queues int) (received map[string]int,
	err error) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		b := serveFakeBroker(t, network.listen("broker:5672"), func(c *fakeChannel, tag uint64, m published) {
			switch {
			case m.id == "before":
				c.ack(tag)
			case c.number == 1:
				_ = c.Close()
			default:
				time.AfterFunc(latency, func() { c.ack(tag) })
			}
		})
		p, newErr := NewProducer([]string{"amqp://user:password@broker:5672/"}, withNetwork(network),
			WithPublishTimeout(5*time.Minute))
		require.NoError(t, newErr)
		require.NoError(t, p.Publish(t.Context(), Message{ID: "before"}))
		var confirmations []*Confirmation
		for i := range messages {
			c, publishErr := p.PublishAsync(t.Context(), Message{ID: fmt.Sprint(i), RoutingKey: fmt.Sprint("q",
				i%queues)})
			require.NoError(t, publishErr)
			confirmations = append(confirmations, c)
		}
		for _, c := range confirmations {
			err = errors.Join(err, c.Wait(t.Context()))
		}
		require.NoError(t, p.Close(t.Context()))
		received = make(map[string]int)
		for _, m := range b.received() {
			received[m.id]++
		}
	})
	return received, err
}
