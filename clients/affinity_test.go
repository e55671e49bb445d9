package clients

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/clients/internal/connection"
	"warren/clients/internal/publish"
)

// oneOf is a load balancer's choice: connections lead to one node after the other.
func oneOf(nodes ...string) func(int) string {
	return func(connection int) string { return nodes[(connection-1)%len(nodes)] }
}

// at is a Locator that always gives the same answer, and counts the questions.
func at(node string, asked *atomic.Int32) Locator {
	return func(context.Context) (string, error) {
		asked.Add(1)
		return node, nil
	}
}

// lookEvery makes a producer ask so often where it should be; the first question waits for nothing but a
// confirm.
func lookEvery(interval time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.affinityInterval = interval })
}

// keepPublishing publishes until the condition holds, and then waits for all confirms. It returns the ids, in
// order.
func keepPublishing(t *testing.T, p *Producer, until func() bool) (ids []string) {
	t.Helper()
	var confirmations []*Confirmation
	deadline := time.Now().Add(5 * time.Second)
	for n := 0; !until() && time.Now().Before(deadline); n++ {
		c, err := p.PublishAsync(context.Background(), Message{ID: fmt.Sprint(n)})
		require.NoError(t, err)
		confirmations, ids = append(confirmations, c), append(ids, c.MessageID())
		time.Sleep(100 * time.Microsecond) // the pace of an application
	}
	require.True(t, until(), "what was waited for has not come")
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 5*time.Second)))
	}
	return ids
}

func TestAffinityMovesToTheNode(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.node = oneOf("a", "b", "c")
	var asked atomic.Int32
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(at("c", &asked)), lookEvery(2*time.Millisecond))
	ids := keepPublishing(t, p, func() bool { return p.Stats().Moves > 0 && asked.Load() > 3 })

	var got []string
	for _, m := range b.received() {
		require.Contains(t, []int{1, 3}, m.conn, "only the first connection and the one to the right node are used")
		got = append(got, m.id)
	}
	require.Equal(t, ids, got, "each message once and in order")
	require.Equal(t, 3, b.received()[len(got)-1].conn)
	require.Equal(t, 3, b.connections(), "a producer that is where it should be stays")
	require.Equal(t, 1, b.open())
	require.EqualValues(t, 1, p.Stats().Moves)
	require.Zero(t, p.Stats().Reconnects)
}

func TestAffinityStays(t *testing.T) {
	for name, test := range map[string]struct {
		node   func(int) string
		locate func(context.Context) (string, error)
	}{
		"already there":      {oneOf("a"), func(context.Context) (string, error) { return "a", nil }},
		"no leader just now": {oneOf("a", "b"), func(context.Context) (string, error) { return "", nil }},
		"nobody knows": {oneOf("a", "b"), func(context.Context) (string, error) {
			return "b", errors.New("no answer")
		}},
		"a broker that tells no name":    {nil, func(context.Context) (string, error) { return "b", nil }},
		"a broker whose name means none": {oneOf(""), func(context.Context) (string, error) { return "b", nil }},
	} {
		t.Run(name, func(t *testing.T) {
			b := startFakeBroker(t, ackAll)
			b.node = test.node
			p := newClosedProducer(t, []string{b.uri()}, WithAffinity(test.locate), lookEvery(2*time.Millisecond))
			start := time.Now()
			keepPublishing(t, p, func() bool { return time.Since(start) > 50*time.Millisecond })
			require.Equal(t, 1, b.connections())
			require.Zero(t, p.Stats().Moves)
		})
	}
}

// A node that no connection leads to is looked for without harm: the connection in use goes on, and the
// others are closed.
func TestAffinityToAnUnreachableNode(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.node = oneOf("a", "b")
	var asked atomic.Int32
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(at("c", &asked)), lookEvery(time.Hour))
	keepPublishing(t, p, func() bool { return b.connections() == 1+connection.MostAttempts && b.open() == 1 })
	for _, m := range b.received() {
		require.Equal(t, 1, m.conn)
	}
	require.EqualValues(t, 1, asked.Load())
}

// What is on its way when the better connection is found is waited for, and nothing new is sent meanwhile.
func TestAffinityWaitsForWhatIsOnItsWay(t *testing.T) {
	release := make(chan struct{})
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.id == "slow" {
			go func() { <-release; c.ack(tag) }()
			return
		}
		c.ack(tag)
	})
	b.node = oneOf("a", "b")
	located := make(chan struct{})
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(func(context.Context) (string, error) {
		<-located
		return "b", nil
	}))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "first"}))
	slow, err := p.PublishAsync(context.Background(), Message{ID: "slow"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(b.received()) == 2 }, 5*time.Second, time.Millisecond)
	close(located)
	require.Eventually(t, func() bool { return p.engine.Holdings().Moving },
		5*time.Second, time.Millisecond)
	next, err := p.PublishAsync(context.Background(), Message{ID: "next"})
	require.NoError(t, err)
	require.Len(t, b.received(), 2, "nothing is sent over either connection")
	close(release)
	require.NoError(t, slow.Wait(within(t, 5*time.Second)))
	require.NoError(t, next.Wait(within(t, 5*time.Second)))
	require.Equal(t, []published{{id: "first", conn: 1}, {id: "slow", conn: 1}, {id: "next", conn: 2}},
		b.received())
}

// If the old connection is lost while its last answers are awaited, what it owed goes over the new one.
func TestAffinityWhenTheOldConnectionIsLost(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.id != "slow" || c.number > 1 {
			c.ack(tag)
		}
	})
	b.node = oneOf("a", "b")
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(func(context.Context) (string, error) {
		return "b", nil
	}),
		WithConfirmTimeout(time.Minute))
	slow, err := p.PublishAsync(context.Background(), Message{ID: "slow"})
	require.NoError(t, err)
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "second"}))
	require.Eventually(t, func() bool { return p.engine.Holdings().Moving },
		5*time.Second, time.Millisecond)
	b.mu.Lock()
	_ = b.conns[0].Close()
	b.mu.Unlock()
	require.NoError(t, slow.Wait(within(t, 5*time.Second)))
	require.Equal(t, published{id: "slow", conn: 2}, b.received()[2])
	require.Equal(t, 2, b.connections())
}

// A connection that replaces a lost one serves for a while before another place is looked for.
func TestAffinityAfterALoss(t *testing.T) {
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if m.id == "last" && c.number == 1 {
			_ = c.Close()
			return
		}
		c.ack(tag)
	})
	b.node = oneOf("a", "b")
	var asked atomic.Int32
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(at("a", &asked)), lookEvery(2*time.Millisecond))
	keepPublishing(t, p, func() bool { return asked.Load() > 0 })
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{ID: "last"}))
	before := asked.Load()
	require.Never(t, func() bool { return asked.Load() != before }, publish.Calm/4, time.Millisecond,
		"at least half of it passes before the question")
	require.Equal(t, 2, b.connections())
	require.Eventually(t, func() bool { return p.Stats().Moves == 1 }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, 3, b.connections())
}

// An application that does not heed the context holds up nothing.
func TestAffinityDoesNotWaitForTheApplication(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.node = oneOf("a", "b")
	asked, answer := make(chan struct{}), make(chan struct{})
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(func(context.Context) (string, error) {
		close(asked)
		<-answer
		return "b", nil
	}))
	defer close(answer)
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	<-asked
	require.NoError(t, p.Close(within(t, time.Second)))
}

// Closing while another place is looked for ends at once, and leaves no connection.
func TestAffinityEndsWithTheProducer(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.node = oneOf("a", "b")
	looking := make(chan struct{})
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(func(ctx context.Context) (string, error) {
		close(looking)
		<-ctx.Done()
		return "", ctx.Err()
	}))
	require.NoError(t, p.Publish(within(t, 5*time.Second), Message{}))
	<-looking
	require.NoError(t, p.Close(within(t, time.Second)))
	require.Eventually(t, func() bool { return b.open() == 0 }, 5*time.Second, time.Millisecond)
}
