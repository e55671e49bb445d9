package clients

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ackAll(c *fakeChannel, tag uint64, _ published) { c.ack(tag) }

// newClosedProducer makes a producer that the test's end closes, whatever is left in it.
func newClosedProducer(t *testing.T, endpoints []string, opts ...ProducerOption) *Producer {
	t.Helper()
	p, err := NewProducer(endpoints, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p
}

func within(t testing.TB, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func TestPublishConfirms(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{b.uri()})
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "one", Exchange: "x", RoutingKey: "k",
		Body: []byte("hello")}))
	require.Equal(t, []published{{exchange: "x", routingKey: "k", id: "one", body: "hello", conn: 1}},
		b.received())
	require.NoError(t, p.Close(within(t, 5*time.Second)))
	require.ErrorIs(t, p.Publish(context.Background(), Message{}), ErrClosed)
	require.NoError(t, p.Close(context.Background()), "closing twice does no harm")
}

func TestNackedIsTriedAgain(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		if tag <= 2 {
			c.nack(tag)
		} else {
			c.ack(tag)
		}
	})
	p := newClosedProducer(t, []string{b.uri()})
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	require.EqualValues(t, 2, p.Stats().Nacks)
	require.Len(t, b.received(), 3)
}

func TestNackedToTheEnd(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) { c.nack(tag) })
	p := newClosedProducer(t, []string{b.uri()}, WithPublishTimeout(300*time.Millisecond))
	err := p.Publish(context.Background(), Message{})
	require.ErrorIs(t, err, ErrNacked)
	require.NotErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// The return arrives just before the ack. Neither may be matched to another message.
func TestReturned(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.routingKey == "nowhere" {
			c.returnUnroutable(m)
		}
		c.ack(tag)
	})
	p := newClosedProducer(t, []string{b.uri()})
	var confirmations []*Confirmation
	for i := range 500 {
		m := Message{ID: "same"}
		if i%3 == 0 {
			m.RoutingKey = "nowhere"
		}
		c, err := p.PublishAsync(context.Background(), m)
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for i, c := range confirmations {
		err := c.Wait(within(t, 5*time.Second))
		if i%3 == 0 {
			require.ErrorIs(t, err, ErrUnroutable)
			require.ErrorContains(t, err, "312 NO_ROUTE")
		} else {
			require.NoError(t, err)
		}
	}
	require.EqualValues(t, 167, p.Stats().Returned)
}

// A connection that is lost with messages in flight: they are published again, in order, with their ids.
func TestRepublishedAfterReconnect(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		switch {
		case c.number > 1 || tag <= 2:
			c.ack(tag)
		case tag == 5:
			_ = c.Close()
		}
	})
	p := newClosedProducer(t, []string{b.uri()})
	var confirmations []*Confirmation
	for i := range 5 {
		c, err := p.PublishAsync(context.Background(), Message{ID: fmt.Sprint(i)})
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
	var first, second []string
	for _, m := range b.received() {
		if m.conn == 1 {
			first = append(first, m.id)
		} else {
			second = append(second, m.id)
		}
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, first)
	require.Subset(t, second, []string{"2", "3", "4"})
	require.IsIncreasing(t, second)
	require.EqualValues(t, 1, p.Stats().Reconnects)
}

// A broker that takes messages and never confirms is left for the next endpoint, within the confirm timeout.
func TestOverdueConfirm(t *testing.T) {
	wedged := startFakeBroker(t, func(*fakeChannel, uint64, published) {})
	good := startFakeBroker(t, ackAll)
	states := make(chan StateChange, 100)
	p := newClosedProducer(t, []string{wedged.uri(), good.uri()}, WithConfirmTimeout(200*time.Millisecond),
		WithStateChange(func(c StateChange) { states <- c }))
	start := time.Now()
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "m"}))
	require.Less(t, time.Since(start), 2*time.Second)
	require.Equal(t, "m", wedged.received()[0].id)
	require.Equal(t, "m", good.received()[0].id)
	for {
		change := <-states
		if change.To == Disconnected {
			require.ErrorIs(t, change.Err, ErrConfirmTimeout)
			break
		}
	}
}

// After a lost connection the first confirm is not waited for as long as usual: what was sent to a leader
// that has just died never brings one.
func TestFirstConfirmAfterALostConnection(t *testing.T) {
	dying := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		if tag == 1 {
			c.ack(tag)
			return
		}
		c.Close()
	})
	wedged := startFakeBroker(t, func(*fakeChannel, uint64, published) {})
	good := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{dying.uri(), wedged.uri(), good.uri()}, WithConfirmTimeout(time.Minute))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "before"}))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "after"}))
	require.Equal(t, "after", wedged.received()[0].id)
	require.Equal(t, "after", good.received()[0].id)
}

// A channel that was opened before the queue had a new leader is replaced by another on the same connection.
func TestRenewedChannel(t *testing.T) {
	var after atomic.Int64
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		switch {
		case m.id == "before":
			c.ack(tag)
		case c.number == 1:
			c.Close()
		case after.Add(1) == 3:
			c.ack(tag)
		}
	})
	p := newClosedProducer(t, []string{b.uri()}, WithConfirmTimeout(time.Minute))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "before"}))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "after"}))
	require.Equal(t, 2, b.connections())
	require.EqualValues(t, 1, p.Stats().Reconnects)
	require.EqualValues(t, 5, p.Stats().Published)
}

// afterALoss starts a broker that loses the first connection with messages in flight on it, and answers those
// that come again with answer. It returns their confirmations.
func afterALoss(t *testing.T, messages []Message, answer func(c *fakeChannel, tag uint64,
	m published)) (*fakeBroker, []*Confirmation) {
	t.Helper()
	var unanswered atomic.Int64
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		switch {
		case c.number > 1:
			answer(c, tag, m)
		case m.id == "before":
			c.ack(tag)
		case unanswered.Add(1) == int64(len(messages)):
			c.Close()
		}
	})
	p := newClosedProducer(t, []string{b.uri()}, WithConfirmTimeout(time.Minute))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "before"}))
	var confirmations []*Confirmation
	for _, m := range messages {
		c, err := p.PublishAsync(t.Context(), m)
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	return b, confirmations
}

// Each queue elects its leader by itself: that one confirms says nothing of another.
func TestEveryDestinationIsToConfirm(t *testing.T) {
	var late atomic.Int64
	_, confirmations := afterALoss(t, []Message{{RoutingKey: "soon"}, {RoutingKey: "late"}},
		func(c *fakeChannel, tag uint64, m published) {
			if m.routingKey == "soon" || late.Add(1) == 3 {
				c.ack(tag)
			}
		})
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
	require.EqualValues(t, 3, late.Load())
}

// Until the first confirm there is one message on its way, so that asking for a leader does not repeat the
// whole window.
func TestOneMessageAsksForTheLeader(t *testing.T) {
	var asked atomic.Int64
	b, confirmations := afterALoss(t, []Message{{ID: "0"}, {ID: "1"}, {ID: "2"}}, func(c *fakeChannel,
		tag uint64, _ published) {
		if asked.Add(1) >= 3 {
			c.ack(tag)
		}
	})
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
	var ids []string
	for _, m := range b.received() {
		if m.conn == 2 {
			ids = append(ids, m.id)
		}
	}
	require.Equal(t, []string{"0", "0", "0", "1", "2"}, ids)
}

// A message that is given up does not hold up those behind it.
func TestGivenUpWhileItAsksForTheLeader(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		switch {
		case m.id == "before" || m.id == "behind" && c.number > 1:
			c.ack(tag)
		case m.id == "given up" && c.number > 1:
			giveUp()
		case m.id == "behind":
			c.Close()
		}
	})
	p := newClosedProducer(t, []string{b.uri()}, WithConfirmTimeout(time.Minute))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "before"}))
	givenUp, err := p.PublishAsync(ctx, Message{ID: "given up"})
	require.NoError(t, err)
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "behind"}))
	require.ErrorIs(t, givenUp.Wait(within(t, 5*time.Second)), ErrUnconfirmed)
}

// Endpoints that accept a connection and say nothing, or die in the handshake, are passed over in time, and
// are not mistaken for a wrong password.
func TestWedgedEndpoints(t *testing.T) {
	silent := listen(t) // the kernel accepts, nobody answers
	defer silent.Close()
	dying := startFakeBroker(t, ackAll)
	dying.onOpen = func(*fakeConn) error { return errors.New("die") }
	good := startFakeBroker(t, ackAll)
	var refusals atomic.Int64
	p := newClosedProducer(t, []string{"amqp://u:p@" + silent.Addr().String(), dying.uri(), good.uri()},
		WithConnectTimeout(200*time.Millisecond),
		WithStateChange(func(c StateChange) {
			if errors.Is(c.Err, ErrAuthentication) {
				refusals.Add(1)
			}
		}))
	start := time.Now()
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	require.Less(t, time.Since(start), 2*time.Second)
	require.Zero(t, refusals.Load())
	require.Equal(t, 1, dying.connections())
}

// A blocked connection is waited out: no confirm timeout, no reconnect.
func TestBlocked(t *testing.T) {
	var blockedConn atomic.Pointer[fakeChannel]
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		if tag == 1 {
			blockedConn.Store(c)
			c.block()
			return
		}
		c.ack(tag)
	})
	states := make(chan StateChange, 100)
	p := newClosedProducer(t, []string{b.uri()}, WithConfirmTimeout(100*time.Millisecond),
		WithStateChange(func(c StateChange) { states <- c }))
	first, err := p.PublishAsync(context.Background(), Message{})
	require.NoError(t, err)
	for (<-states).To != Blocked {
	}
	err = p.Publish(within(t, 500*time.Millisecond), Message{}) // longer than the confirm timeout
	require.ErrorIs(t, err, ErrBlocked)
	require.ErrorContains(t, err, "low on memory")
	require.ErrorContains(t, err, "never sent")
	second, err := p.PublishAsync(context.Background(), Message{})
	require.NoError(t, err)

	blockedConn.Load().unblock()
	blockedConn.Load().ack(1)
	require.NoError(t, first.Wait(within(t, 5*time.Second)))
	require.NoError(t, second.Wait(within(t, 5*time.Second)))
	require.Zero(t, p.Stats().Reconnects)
}

// A channel exception over one message: that one is found out and rejected, the others get through.
func TestCulprit(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.exchange == "missing" {
			c.closeChannel(404, "NOT_FOUND - no exchange 'missing' in vhost '/'")
			return
		}
		c.ack(tag)
	})
	p := newClosedProducer(t, []string{b.uri()})
	var confirmations []*Confirmation
	for i := range 20 {
		m := Message{ID: fmt.Sprint(i)}
		if i == 7 {
			m.Exchange = "missing"
		}
		c, err := p.PublishAsync(context.Background(), m)
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for i, c := range confirmations {
		err := c.Wait(within(t, 10*time.Second))
		if i == 7 {
			require.ErrorIs(t, err, ErrChannelException)
			require.ErrorContains(t, err, "no exchange 'missing'")
		} else {
			require.NoError(t, err)
		}
	}
}

// What was sent and lost with its connection is of unknown outcome, even if a later attempt was nacked.
func TestUnknownOutcome(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, _ published) {
		if c.number == 1 {
			_ = c.Close()
			return
		}
		c.nack(tag)
	})
	p := newClosedProducer(t, []string{b.uri()}, WithPublishTimeout(500*time.Millisecond))
	require.ErrorIs(t, p.Publish(context.Background(), Message{}), ErrUnconfirmed)
}

func TestCloseListsTheUnconfirmed(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.id == "good" {
			c.ack(tag)
		}
	})
	p := newClosedProducer(t, []string{b.uri()})
	var confirmations []*Confirmation
	for _, id := range []string{"bad-1", "good", "bad-2"} {
		c, err := p.PublishAsync(context.Background(), Message{ID: id})
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	require.NoError(t, confirmations[1].Wait(within(t, 5*time.Second)))
	err := p.Close(within(t, 100*time.Millisecond))
	var unconfirmed *UnconfirmedError
	require.ErrorAs(t, err, &unconfirmed)
	require.Equal(t, []string{"bad-1", "bad-2"}, unconfirmed.MessageIDs)
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, confirmations[0].Err(), ErrUnconfirmed)
	require.ErrorIs(t, confirmations[0].Err(), ErrClosed)
}

// The window bounds what is in flight, and a full one makes the caller wait.
func TestWindow(t *testing.T) {
	b := startFakeBroker(t, func(*fakeChannel, uint64, published) {})
	p := newClosedProducer(t, []string{b.uri()}, WithWindow(3), WithConfirmTimeout(time.Minute))
	for range 3 {
		_, err := p.PublishAsync(context.Background(), Message{})
		require.NoError(t, err)
	}
	_, err := p.PublishAsync(within(t, 100*time.Millisecond), Message{})
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 3, p.Stats().InFlight)
}
