package clients

import (
	"context"
	"errors"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/topology"
)

// probe asks the queue for a message, with basic.get, whenever the consumer has had nothing to do for the configured
// time, and cuts the session when there is no answer.
//
// A node that is cut off from the other nodes keeps its clients' connections and answers their heartbeats, so that a
// consumer connected to it would wait for deliveries until the cut heals. It has to ask something that only a majority of
// the queue's members can answer. basic.get is the one harmless question of that kind. A passive declaration is not: a
// node that was the queue's leader when it was cut off goes on answering it, consumers and all (seen on RabbitMQ 4.3).
// A message that basic.get does bring is handled like any other.
func (c *Consumer) probe(ctx context.Context, sub *subscription, pool *pool) {
	if c.cfg.probeIdle == 0 || c.probeRefused.Load() {
		return
	}
	s := sub.session
	var channel *amqp.Channel
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.over:
			return
		case <-time.After(sub.idleIn(c.cfg.probeIdle)):
		}
		if sub.idleIn(c.cfg.probeIdle) > 0 {
			continue
		}
		d, found, err := c.ask(s, &channel)
		switch {
		case cannotProbe(err):
			c.cfg.logger.Info("the queue cannot be probed", "queue", c.queue, "error", err)
			c.probeRefused.Store(true)
			return
		case err != nil:
			s.cut(err)
			return
		}
		c.silences.Store(0)
		sub.touch()
		if found && !c.pass(ctx, sub, d, pool) {
			return
		}
	}
}

// ask makes one probe.
func (c *Consumer) ask(s *session, channel **amqp.Channel) (d amqp.Delivery, found bool, err error) {
	timeout := c.connector.patience(topology.ClientConfirmTimeout, int(c.silences.Add(1)-1))
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, timeoutError(timeout))
	defer cancel()
	err = s.within(ctx, "probe "+c.queue, func() (err error) {
		if *channel == nil {
			if *channel, err = s.conn.Channel(); err != nil {
				return err
			}
		}
		d, found, err = (*channel).Get(c.queue, false)
		return err
	})
	return d, found, err
}

// cannotProbe says whether the broker refuses basic.get for this queue: it is a stream, which closes the connection, or
// has a single active consumer.
func cannotProbe(err error) bool {
	var reply *amqp.Error
	return errors.As(err, &reply) && reply.Server && (reply.Code == amqp.NotImplemented || reply.Code == amqp.ResourceLocked)
}
