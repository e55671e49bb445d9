package clients

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A probe that is answered too late may bring a message. Its channel has to be closed then, also if the
// connection goes on, because the broker holds the message for as long as the channel is open.
func TestLateProbeHoldsNoMessage(t *testing.T) {
	for name, get := range map[string]struct {
		late, cancelled bool
	}{
		"answered too late":              {late: true},
		"answered when there is no more": {cancelled: true},
	} {
		t.Run(name, func(t *testing.T) {
			handled := map[string]int{}
			b, _ := runInBubble(t, time.Minute, func(b *fakeBroker) {
				var consumer, probe atomic.Pointer[fakeChannel]
				b.onConsume = func(c *fakeChannel) { consumer.Store(c) }
				b.onGet = func(c *fakeChannel) bool {
					if !probe.CompareAndSwap(nil, c) {
						return true
					}
					if get.cancelled {
						consumer.Load().cancelConsumer()
						time.AfterFunc(time.Millisecond, func() { c.got(1, "held") })
						return false
					}
					// Something else shows that nothing is wrong with the connection.
					time.AfterFunc(time.Second, func() { consumer.Load().deliver(1, "meanwhile") })
					time.AfterFunc(5*time.Second, func() { c.got(1, "held") })
					return false
				}
				b.onChannelClose = func(c *fakeChannel) {
					if c == probe.Load() {
						time.AfterFunc(time.Second, func() { consumer.Load().deliver(2, "held") })
					}
				}
			}, func(_ context.Context, d Delivery) error { handled[d.ID]++; return nil }, WithProbe(2*time.Second))
			require.Equal(t, 1, b.connections(), "nothing was wrong with it")
			require.Contains(t, handled, "held")
		})
	}
}
