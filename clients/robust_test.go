package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"warren/clients/internal/backoff"
	"warren/clients/internal/connection"
)

// A callback may ask for the counts, while contexts end and no endpoint can be reached.
func TestCallbackUsesItsProducer(t *testing.T) {
	var p atomic.Pointer[Producer]
	var asked atomic.Int64
	producer := newClosedProducer(t, []string{"amqp://u:p@127.0.0.1:1/"}, WithStateChange(func(StateChange) {
		if p := p.Load(); p != nil {
			p.Stats()
			asked.Add(1)
		}
	}))
	p.Store(producer)
	for range 5 {
		require.ErrorIs(t, producer.Publish(within(t, 100*time.Millisecond), Message{}), ErrUnconfirmed)
	}
	soon(t, func() bool { return asked.Load() > 3 })
}

// A callback may close its producer.
func TestCallbackClosesItsProducer(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	var p atomic.Pointer[Producer]
	closed := make(chan error, 1)
	p.Store(newClosedProducer(t, []string{b.uri()}, WithStateChange(func(c StateChange) {
		if c.To == Connected {
			closed <- p.Load().Close(context.Background())
		}
	})))
	require.NoError(t, <-closed)
}

// A broker that has blocked the connection reads nothing, and a large message is stuck in the middle. Every
// call returns when its context ends all the same.
func TestCallsReturnWhileAWriteIsStuck(t *testing.T) {
	release := make(chan struct{})
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		if tag == 1 {
			c.block()
			<-release // nothing is read
		}
		c.ack(tag)
	})
	defer close(release)
	states := make(chan StateChange, 100)
	p := newClosedProducer(t, []string{b.uri()}, WithStateChange(func(c StateChange) { states <- c }))
	body := make([]byte, 8<<20)
	for range 8 {
		_, err := p.PublishAsync(context.Background(), Message{Body: body})
		require.NoError(t, err)
	}
	for (<-states).To != Blocked {
	}
	began := time.Now()
	require.ErrorIs(t, p.Publish(within(t, 200*time.Millisecond), Message{Body: body}), ErrBlocked)
	var unconfirmed *UnconfirmedError
	require.ErrorAs(t, p.Close(within(t, 500*time.Millisecond)), &unconfirmed)
	require.Len(t, unconfirmed.MessageIDs, 8)
	require.Less(t, time.Since(began), 5*time.Second)
}

// A node that freezes while it has the connection blocked, in the middle of a message, is left for another.
func TestNodeThatFreezesWhileItBlocks(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	frozen := startFakeBroker(t, func(c *fakeChannel, _ uint64, _ published) {
		c.block()
		<-release
	})
	defer close(release)
	frozen.mute.Store(true)
	good := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{frozen.uri(), good.uri()}, WithHeartbeat(2*time.Second))
	body := make([]byte, 8<<20)
	var confirmations []*Confirmation
	for range 3 {
		c, err := p.PublishAsync(context.Background(), Message{Body: body})
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		require.NoError(t, c.Wait(within(t, 30*time.Second)))
	}
	require.EqualValues(t, 1, p.Stats().Reconnects)
}

// However many messages expire, no more than a window of them is kept: unsent, blocked or unanswered.
func TestMemoryIsBoundedByTheWindow(t *testing.T) {
	const window = 10
	for name, broker := range map[string]func(c *fakeChannel, tag uint64, m published){
		"unanswered": func(*fakeChannel, uint64, published) {},
		"blocked":    func(c *fakeChannel, _ uint64, _ published) { c.block() },
		"nacked":     func(c *fakeChannel, tag uint64, _ published) { c.nack(tag) },
		"no broker":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newMemoryNetwork()
				if broker != nil {
					serveFakeBroker(t, network.listen("broker:5672"), broker)
				}
				p := newClosedProducer(t, []string{"amqp://user:password@broker:5672/"}, withNetwork(network),
					WithWindow(window))
				var publishers sync.WaitGroup
				for range 20 {
					publishers.Go(func() {
						for range 100 {
							ctx, cancel := context.WithTimeout(context.Background(), 3*time.Millisecond)
							_ = p.Publish(ctx, Message{})
							cancel()
						}
					})
				}
				publishers.Wait()
				held := p.engine.Holdings()
				require.LessOrEqual(t, held.Messages, window)
				require.LessOrEqual(t, held.Owed, window)
			})
		})
	}
}

// A broker that owes confirms is left although nobody waits for them any longer.
func TestOverdueConfirmOfAMessageGivenUp(t *testing.T) {
	wedged := startFakeBroker(t, func(*fakeChannel, uint64, published) {})
	good := startFakeBroker(t, ackAll)
	p := newClosedProducer(t, []string{wedged.uri(), good.uri()}, WithConfirmTimeout(300*time.Millisecond))
	soon(t, func() bool { return p.Publish(within(t, 100*time.Millisecond), Message{}) == nil })
}

// The broker takes 2 s to confirm once it is back from a failure: the message is confirmed, and was not sent
// dozens of times.
func TestBrokerThatIsSlowAfterAFailure(t *testing.T) {
	received, err := slowAfterALoss(t, 2*time.Second, 1, 1)
	require.NoError(t, err)
	require.LessOrEqual(t, received["0"], mostCopies(2*time.Second))
}

// Returns that nobody looks at for longer than the library waits are not forgotten.
func TestReturnsAreNotDropped(t *testing.T) {
	t.Parallel()
	const messages = 50
	release := make(chan struct{})
	b := startFakeBroker(t, func(c *fakeChannel, tag uint64, m published) {
		<-release
		c.returnUnroutable(m)
		c.ack(tag)
	})
	p := newClosedProducer(t, []string{b.uri()}, WithWindow(messages), WithConfirmTimeout(time.Minute))
	var confirmations []*Confirmation
	for range messages {
		c, err := p.PublishAsync(context.Background(), Message{})
		require.NoError(t, err)
		confirmations = append(confirmations, c)
	}
	soon(t, func() bool { return p.Stats().Published == messages })
	thaw := p.engine.Freeze()
	close(release)
	time.Sleep(6 * time.Second) // more than the 5 s after which the library drops a return
	thaw()
	for _, c := range confirmations {
		require.ErrorIs(t, c.Wait(within(t, 10*time.Second)), ErrUnroutable)
	}
}

// runInBubble runs a consumer of a fake broker in virtual time for so long.
func runInBubble(t *testing.T, length time.Duration, b func(b *fakeBroker), h Handler,
	opts ...ConsumerOption) (
	broker *fakeBroker, stats ConsumerStats,
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		broker = serveFakeBroker(t, network.listen("broker:5672"), nil)
		b(broker)
		opts := append([]ConsumerOption{withNetwork(network)}, opts...)
		c, err := NewConsumer([]string{"amqp://user:password@broker:5672/"}, "q", h, opts...)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		require.NoError(t, c.Run(ctx))
		stats = c.Stats()
	})
	return broker, stats
}

func succeed(context.Context, Delivery) error { return nil }

// The consumer of a queue that is missing, forbidden or in exclusive use keeps its connection, and asks ever
// less often until it gets it.
func TestQueueThatIsNotAvailableYet(t *testing.T) {
	for name, refusal := range map[string]struct {
		code uint16
		text string
		want error
	}{
		"missing":          {404, "NOT_FOUND - no queue 'q' in vhost '/'", ErrQueueNotFound},
		"forbidden":        {403, "ACCESS_REFUSED - read access to queue 'q' refused", ErrAccessRefused},
		"in exclusive use": {403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use", ErrQueueInUse},
		"exclusive": {405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q'",
			ErrQueueInUse},
	} {
		t.Run(name, func(t *testing.T) {
			var asked, handled atomic.Int64
			var causes sync.Map
			b, stats := runInBubble(t, 2*time.Minute, func(b *fakeBroker) {
				began := time.Now()
				b.onSubscribe = func(c *fakeChannel) bool {
					asked.Add(1)
					if time.Since(began) < time.Minute {
						c.closeChannel(refusal.code, refusal.text)
						return false
					}
					return true
				}
				b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
			}, func(context.Context, Delivery) error {
				handled.Add(1)
				return nil
			}, WithStateChange(func(c StateChange) {
				if errors.Is(c.Err, refusal.want) {
					causes.Store("named", true)
				}
			}))
			require.Equal(t, 1, b.connections())
			require.Zero(t, stats.Reconnects)
			require.EqualValues(t, 1, handled.Load())
			require.Greater(t, asked.Load(), int64(10))
			require.Less(t, asked.Load(), int64(100))
			_, named := causes.Load("named")
			require.True(t, named)
		})
	}
}

// A user that may have one channel only keeps its connection: the probe is given up.
func TestOneChannelAllowed(t *testing.T) {
	var channels atomic.Int64
	b, stats := runInBubble(t, time.Minute, func(b *fakeBroker) {
		open := map[int]int{}
		b.onChannel = func(c *fakeChannel) bool {
			channels.Add(1)
			open[c.number]++
			if open[c.number] > 1 {
				c.closeConnection(530,
					"NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum allowed user limit of 1")
				return false
			}
			return true
		}
		b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	}, succeed)
	require.Equal(t, 2, b.connections(), "one was lost to find out")
	require.EqualValues(t, 1, stats.Reconnects)
}

// An outage downstream of half a minute dead-letters nothing: each message is tried a few times, and then
// handled.
func TestDownstreamOutage(t *testing.T) {
	const messages, limit = 20, 20
	for name, counting := range map[string]bool{"quorum queue": true, "classic queue": false} {
		t.Run(name, func(t *testing.T) {
			var tries, handled, dead atomic.Int64
			down := time.Time{}
			runInBubble(t, 3*time.Minute, func(b *fakeBroker) {
				down = time.Now().Add(30 * time.Second)
				var mu sync.Mutex
				failures, ids, next := map[string]int{}, map[uint64]string{}, uint64(messages)
				b.onConsume = func(c *fakeChannel) {
					for i := range uint64(messages) {
						ids[i+1] = fmt.Sprint("m", i)
						c.deliver(i+1, ids[i+1])
					}
				}
				b.onSettle = func(c *fakeChannel, what string, tag uint64) {
					mu.Lock()
					defer mu.Unlock()
					if what != "requeue" {
						return
					}
					id := ids[tag]
					failures[id]++
					if failures[id] > limit {
						dead.Add(1)
						return
					}
					next++
					ids[next] = id
					if counting {
						c.redeliver(next, id, failures[id])
					} else {
						c.deliver(next, id)
					}
				}
			}, func(context.Context, Delivery) error {
				tries.Add(1)
				if time.Now().Before(down) {
					return errors.New("downstream is away")
				}
				handled.Add(1)
				return nil
			}, WithPrefetch(messages))
			require.EqualValues(t, messages, handled.Load())
			require.Zero(t, dead.Load())
			require.Less(t, tries.Load(), int64(messages*14))
		})
	}
}

// A queue is left to make failed messages wait only if its broker can.
func TestRetryByQueueThatCannot(t *testing.T) {
	for version, atOnce := range map[string]bool{"4.2.1": false, "4.3.0": true} {
		var settled time.Duration
		runInBubble(t, time.Minute, func(b *fakeBroker) {
			b.version = version
			began := time.Now()
			b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
			b.onSettle = func(*fakeChannel, string, uint64) { settled = time.Since(began) }
		}, func(context.Context, Delivery) error { return errors.New("no") }, WithRetryByQueue())
		require.Equal(t, atOnce, settled < 10*time.Millisecond, "%s: %v", version, settled)
	}
}

// What waits before it goes back does so at once when the consumer stops.
func TestRetriesEndWithTheConsumer(t *testing.T) {
	b := startFakeBroker(t, nil)
	b.onConsume = func(c *fakeChannel) { c.deliver(1, "m") }
	c, stop := consumeFrom(t, b, func(context.Context, Delivery) error { return errors.New("no") },
		WithRetryBackoff(time.Hour, time.Hour))
	soon(t, func() bool { return c.Stats().Failed == 1 })
	require.Empty(t, b.settlements())
	require.NoError(t, stop())
	require.Equal(t, []string{"1: requeue 1"}, b.settlements())
}

// An idle consumer asks its queue less and less, and as often as before when something has happened.
func TestIdleConsumerAsksLess(t *testing.T) {
	var probes []time.Duration
	began := time.Time{}
	runInBubble(t, 10*time.Minute, func(b *fakeBroker) {
		began = time.Now()
		b.onConsume = func(c *fakeChannel) {
			time.AfterFunc(5*time.Minute, func() { c.deliver(1, "m") })
		}
		b.onGet = func(*fakeChannel) bool {
			probes = append(probes, time.Since(began))
			return true
		}
	}, succeed)
	var before, after int // the message, in the first minute of silence
	for _, at := range probes {
		if at < time.Minute {
			before++
		}
		if at > 5*time.Minute && at < 6*time.Minute {
			after++
		}
	}
	require.Less(t, len(probes), 60, "in ten minutes")
	require.Greater(t, before, 4)
	require.InDelta(t, before, after, 2)
}

// A delivery that was not acknowledged in time is told as such, by either way in which the broker may tell
// it.
func TestDeliveryTimeoutIsNamed(t *testing.T) {
	for name, end := range map[string]func(c *fakeChannel){
		"channel closed": func(c *fakeChannel) {
			c.closeChannel(406,
				"PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms")
		},
		"consumer cancelled": func(c *fakeChannel) { c.cancelConsumer() },
	} {
		t.Run(name, func(t *testing.T) {
			causes := make(chan error, 10)
			var subscriptions atomic.Int64
			runInBubble(t, time.Minute, func(b *fakeBroker) {
				b.onConsume = func(c *fakeChannel) {
					if subscriptions.Add(1) == 1 {
						c.deliver(1, "m")
						time.AfterFunc(time.Second, func() { end(c) })
					}
				}
			}, func(ctx context.Context, _ Delivery) error {
				return backoff.Sleep(ctx, 10*time.Second)
			}, WithStateChange(func(c StateChange) {
				if c.To == Disconnected {
					causes <- c.Err
				}
			}))
			require.ErrorIs(t, <-causes, ErrDeliveryTimeout)
			require.EqualValues(t, 2, subscriptions.Load())
		})
	}
}

// A search for a node holds few connections.
func TestSearchHoldsFewConnections(t *testing.T) {
	b := startFakeBroker(t, ackAll)
	b.node = oneOf("a", "b")
	var most atomic.Int64
	b.onOpen = func(*fakeConn) error {
		most.Store(max(most.Load(), int64(b.open())))
		return nil
	}
	var asked atomic.Int32
	p := newClosedProducer(t, []string{b.uri()}, WithAffinity(at("c", &asked)), lookEvery(time.Hour))
	keepPublishing(t, p, func() bool { return b.connections() == 1+connection.MostAttempts && b.open() == 1 })
	require.LessOrEqual(t, most.Load(), int64(1+connection.MostDetours+2),
		"the one in use, the detours, and one that is just closing or opening")
}

// A consumer stops although the broker reads nothing from the connection it shares, in the middle of a large
// message of somebody else's.
func TestConsumerStopsWhileAWriteIsStuck(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := startFakeBroker(t, func(c *fakeChannel, _ uint64, _ published) {
		c.block()
		<-release // nothing is read
	})
	defer close(release)
	b.onConsume = func(c *fakeChannel) {
		c.deliver(1, "is being handled")
		c.deliver(2, "waits for a handler")
	}
	blocked := make(chan struct{}, 100)
	noteBlocked := WithStateChange(func(c StateChange) {
		if c.To == Blocked {
			blocked <- struct{}{}
		}
	})
	client := newTestClient(t, []string{b.uri()}, WithHeartbeat(time.Minute), noteBlocked)
	handling, done := make(chan struct{}), make(chan struct{})
	consumer, err := client.NewConsumer("q", func(context.Context, Delivery) error {
		close(handling)
		<-done
		return nil
	}, WithShutdownTimeout(time.Second))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- consumer.Run(ctx) }()
	<-handling
	p := sharedProducer(t, client)
	for range 3 {
		_, err := p.PublishAsync(context.Background(), Message{Body: make([]byte, 8<<20)})
		require.NoError(t, err)
	}
	<-blocked
	time.Sleep(100 * time.Millisecond) // until the write is stuck
	cancel()
	close(done)
	select {
	case err := <-ran:
		require.Error(t, err, "the message that was handled will come again")
	case <-time.After(20 * time.Second):
		t.Fatal("Run has not returned")
	}
}
