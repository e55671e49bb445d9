package consume

import (
	"context"
	"errors"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/transport"
)

// mostProbePauses is how often the pause between probes doubles at most.
const mostProbePauses = 4

// probe asks the queue for a message, with basic.get, whenever the consumer has had nothing to do for the
// configured time, and gives the subscription up when there is no answer. As long as nothing happens it asks
// ever less often.
//
// A node that is cut off from the other nodes keeps its clients' connections and answers their heartbeats, so
// that a consumer connected to it would wait for deliveries until the cut heals. It has to ask something that
// only a majority of the queue's members can answer. basic.get is the one harmless question of that kind. A
// passive declaration is not: a node that was the queue's leader when it was cut off goes on answering it,
// consumers and all (seen on RabbitMQ 4.3). A message that basic.get does bring is handled like any other.
func (c *Consumer) probe(ctx context.Context, sub *subscription, pool *pool) {
	if c.cfg.ProbeIdle == 0 || c.cfg.Stream {
		return
	}
	for quiet, last := 0, sub.touched.Load(); !c.probeRefused.Load(); {
		pause := c.cfg.ProbeIdle << min(quiet, mostProbePauses)
		select {
		case <-ctx.Done():
			return
		case <-sub.Over():
			return
		case <-time.After(sub.idleIn(pause)):
		}
		if touched := sub.touched.Load(); touched != last {
			quiet, last = 0, touched
			continue
		}
		if sub.idleIn(pause) > 0 {
			continue
		}
		d, found, err := c.ask(sub)
		if err != nil {
			c.probeFailed(sub, err)
			return
		}
		c.silences.Store(0)
		sub.served.Store(true)
		sub.Conn.Prove()
		sub.touch()
		quiet++
		last = sub.touched.Load()
		if found && !c.pass(ctx, sub, d, pool) {
			return
		}
		if !found {
			sub.closeProbe(ctx)
		}
	}
}

// probeFailed ends what a probe has shown to be of no use.
func (c *Consumer) probeFailed(sub *subscription, err error) {
	var reply *amqp.Error
	switch {
	case cannotProbe(err):
		c.cfg.Log.Info("the queue cannot be probed", "queue", c.cfg.Queue, "error", err)
		c.probeRefused.Store(true)
	case errors.As(err, &reply) && reply.Server:
		sub.Fail(err) // the queue has something to say: ask again with a subscription
	default:
		timeout := c.probeTimeout(int(c.silences.Load()))
		sub.Doubt(err, timeout)
	}
}

func (c *Consumer) probeTimeout(silences int) time.Duration {
	return c.user.Owner.Patience(c.user.Silence, silences)
}

// ask makes one probe, over a channel of its own: an exception over it leaves the subscription alone.
func (c *Consumer) ask(sub *subscription) (d amqp.Delivery, found bool, err error) {
	timeout := c.probeTimeout(int(c.silences.Add(1) - 1))
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, transport.Timeout(timeout))
	defer cancel()
	if sub.probing == nil || sub.probing.IsOver() {
		if sub.probing, err = sub.Conn.Open(ctx, timeout); err != nil {
			sub.probing = nil
			return amqp.Delivery{}, false, err
		}
	}
	type answer struct {
		delivery amqp.Delivery
		found    bool
	}
	a, err := transport.Await(ctx, sub.probing, "probe "+c.cfg.Queue, func() (a answer, err error) {
		a.delivery, a.found, err = sub.probing.Get(c.cfg.Queue, false)
		return a, err
	})
	return a.delivery, a.found, err
}

// closeProbe closes the prober's channel. It must not be called while a message that came over it is not
// settled.
func (sub *subscription) closeProbe(ctx context.Context) {
	if sub.probing != nil {
		_ = sub.probing.Close(ctx)
		sub.probing = nil
	}
}

// abandonProbe closes the prober's channel once the subscription is over. A probe that nobody waits for any
// longer may still bring a message, and only the end of its channel returns that to the queue. The broker may
// be busy with the probe, so nothing waits for it to close the channel.
func (c *Consumer) abandonProbe(ctx context.Context, sub *subscription) {
	if sub.probing == nil {
		return
	}
	if !c.user.Owner.CloseLater(sub.probing) {
		_ = sub.probing.Close(ctx)
	}
	sub.probing = nil
}

// cannotProbe says whether the broker refuses basic.get for this queue, because it is a stream, which closes
// the connection, or has a single active consumer; or refuses the channel that it takes.
func cannotProbe(err error) bool {
	if errors.Is(err, amqp.ErrChannelMax) {
		return true
	}
	var reply *amqp.Error
	if !errors.As(err, &reply) || !reply.Server {
		return false
	}
	switch reply.Code {
	case amqp.NotImplemented, amqp.ResourceLocked:
		return true
	case amqp.NotAllowed:
		return strings.Contains(reply.Reason, "channel")
	default:
		return false
	}
}
