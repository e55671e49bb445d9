package clients

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/connection"
	"warren/clients/internal/field"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// QueueType is what kind of queue RabbitMQ makes.
type QueueType string

// The types of queues. A quorum queue is replicated and survives the loss of a minority of its nodes; a
// stream is a replicated log; a classic queue is on one node.
const (
	Quorum  QueueType = "quorum"
	Classic QueueType = "classic"
	Stream  QueueType = "stream"
)

// Queue says what a queue is to be like.
type Queue struct {
	// Name must be given: the broker makes up none.
	Name string
	// Type is by default Quorum.
	Type QueueType
	// Exclusive queues are the connection's own and end with it; AutoDelete queues end with their last
	// consumer; Transient ones with their node. All three are for classic queues.
	Exclusive, AutoDelete, Transient bool
	// DelayedRetry has a quorum queue keep a message that is given back for a while, since RabbitMQ 4.3.
	DelayedRetry DelayedRetry
	// Arguments are further arguments of queue.declare, such as "x-max-length".
	Arguments map[string]any
}

// DelayedRetry is how long a quorum queue keeps a message whose handling has failed before it delivers it
// again: Min times the number of failures, and Max at most. The zero value means not at all.
type DelayedRetry struct{ Min, Max time.Duration }

// Exchange says what an exchange is to be like.
type Exchange struct {
	Name string
	// Type is "direct" by default; "topic", "fanout" and "headers" are others.
	Type string
	// Transient exchanges do not survive a restart of the cluster, AutoDelete ones end with their last
	// binding, and Internal ones take messages from other exchanges only.
	Transient, AutoDelete, Internal bool
	// Arguments are further arguments of exchange.declare, such as "alternate-exchange".
	Arguments map[string]any
}

// Binding leads messages from an exchange to a queue.
type Binding struct {
	Exchange, Queue, RoutingKey string
	// Arguments are those of queue.bind, which a headers exchange matches.
	Arguments map[string]any
}

// QueueInfo is what the broker tells of a queue.
type QueueInfo struct {
	Name string
	// Messages is how many are ready to be delivered, and Consumers how many consumers the queue has.
	Messages, Consumers int
}

// ErrNotEquivalent says that what is to be declared exists with other properties.
var ErrNotEquivalent = reason.ErrNotEquivalent

// DeclareQueue makes a queue, or makes sure that it exists as described. It returns ErrNotEquivalent if it
// exists with other properties, and ErrQueueInUse if it is another connection's own.
func (c *Client) DeclareQueue(ctx context.Context, q Queue) (QueueInfo, error) {
	kind := q.Type
	if kind == "" {
		kind = Quorum
	}
	arguments := map[string]any{amqp.QueueTypeArg: string(kind)}
	if q.DelayedRetry != (DelayedRetry{}) {
		arguments["x-delayed-retry-type"] = "failed"
		arguments["x-delayed-retry-min"] = q.DelayedRetry.Min.Milliseconds()
		arguments["x-delayed-retry-max"] = q.DelayedRetry.Max.Milliseconds()
	}
	maps.Copy(arguments, q.Arguments)
	table, err := expressible("queue", q.Name, string(kind), arguments)
	if err != nil {
		return QueueInfo{}, fmt.Errorf("declare queue: %w", err)
	}
	return call(ctx, c, "declare queue "+q.Name, func(ch *amqp.Channel) (QueueInfo, error) {
		declared, err := ch.QueueDeclare(q.Name, !q.Transient, q.AutoDelete, q.Exclusive, false, table)
		return QueueInfo(declared), err
	})
}

// InspectQueue looks at a queue (a passive declaration). It returns ErrQueueNotFound if there is none. What
// it tells may be out of date on a node that has been cut off.
func (c *Client) InspectQueue(ctx context.Context, name string) (QueueInfo, error) {
	if _, err := expressible("queue", name, "", nil); err != nil {
		return QueueInfo{}, fmt.Errorf("inspect queue: %w", err)
	}
	return call(ctx, c, "inspect queue "+name, func(ch *amqp.Channel) (QueueInfo, error) {
		declared, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
		return QueueInfo(declared), err
	})
}

// DeleteQueue deletes a queue with all its messages. That it does not exist is no error.
func (c *Client) DeleteQueue(ctx context.Context, name string) error {
	if _, err := expressible("queue", name, "", nil); err != nil {
		return fmt.Errorf("delete queue: %w", err)
	}
	return c.do(ctx, "delete queue "+name, func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(name, false, false, false)
		return err
	})
}

// DeclareExchange makes an exchange, or makes sure that it exists as described. It returns ErrNotEquivalent
// if it exists with other properties.
func (c *Client) DeclareExchange(ctx context.Context, x Exchange) error {
	kind := x.Type
	if kind == "" {
		kind = amqp.ExchangeDirect
	}
	table, err := expressible("exchange", x.Name, kind, x.Arguments)
	if err != nil {
		return fmt.Errorf("declare exchange: %w", err)
	}
	return c.do(ctx, "declare exchange "+x.Name, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclare(x.Name, kind, !x.Transient, x.AutoDelete, x.Internal, false, table)
	})
}

// InspectExchange returns ErrExchangeNotFound if there is no such exchange (a passive declaration).
func (c *Client) InspectExchange(ctx context.Context, name string) error {
	if _, err := expressible("exchange", name, "", nil); err != nil {
		return fmt.Errorf("inspect exchange: %w", err)
	}
	return c.do(ctx, "inspect exchange "+name, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclarePassive(name, amqp.ExchangeDirect, true, false, false, false, nil)
	})
}

// DeleteExchange deletes an exchange with its bindings. That it does not exist is no error.
func (c *Client) DeleteExchange(ctx context.Context, name string) error {
	if _, err := expressible("exchange", name, "", nil); err != nil {
		return fmt.Errorf("delete exchange: %w", err)
	}
	return c.do(ctx, "delete exchange "+name, func(ch *amqp.Channel) error {
		return ch.ExchangeDelete(name, false, false)
	})
}

// Bind makes a binding, or makes sure that it exists. It returns ErrQueueNotFound or ErrExchangeNotFound if
// one of its ends does not.
func (c *Client) Bind(ctx context.Context, b Binding) error {
	table, err := b.expressible()
	if err != nil {
		return fmt.Errorf("bind queue: %w", err)
	}
	return c.do(ctx, "bind queue "+b.Queue+" to exchange "+b.Exchange, func(ch *amqp.Channel) error {
		return ch.QueueBind(b.Queue, b.RoutingKey, b.Exchange, false, table)
	})
}

// Unbind removes a binding. That it does not exist is no error.
func (c *Client) Unbind(ctx context.Context, b Binding) error {
	table, err := b.expressible()
	if err != nil {
		return fmt.Errorf("unbind queue: %w", err)
	}
	return c.do(ctx, "unbind queue "+b.Queue+" from exchange "+b.Exchange, func(ch *amqp.Channel) error {
		return ch.QueueUnbind(b.Queue, b.RoutingKey, b.Exchange, table)
	})
}

// ErrExchangeNotFound says that an exchange does not exist.
var ErrExchangeNotFound = reason.ErrExchangeNotFound

// expressible finds what AMQP cannot express of a queue or an exchange, which would cost the connection, and
// makes the arguments ready to be sent.
func expressible(what, name, kind string, arguments map[string]any) (amqp.Table, error) {
	table, size, err := field.Table(arguments)
	if err == nil && size > maxHeaderFrame/2 { // the other half is for what stands beside them in the frame
		err = fmt.Errorf("the arguments take %d bytes, at most %d are possible", size, maxHeaderFrame/2)
	}
	if name == "" {
		err = errors.Join(fmt.Errorf("the %s needs a name", what), err)
	}
	err = errors.Join(shortString("the name of the "+what, name), shortString("the type", kind), err)
	if err != nil {
		return nil, fmt.Errorf("%.40q: %w", name, err)
	}
	return table, nil
}

func (b Binding) expressible() (amqp.Table, error) {
	if err := errors.Join(shortString("the name of the exchange", b.Exchange),
		shortString("the routing key", b.RoutingKey)); err != nil {
		return nil, fmt.Errorf("%.40q: %w", b.Queue, err)
	}
	return expressible("queue", b.Queue, "", b.Arguments)
}

func (c *Client) do(ctx context.Context, what string, f func(*amqp.Channel) error) error {
	_, err := call(ctx, c, what, func(ch *amqp.Channel) (struct{}, error) { return struct{}{}, f(ch) })
	return err
}

// mostAccused is how many connections a call may cost.
const mostAccused = 2

// call makes one call over a channel of its own, connecting first if need be. All calls of this kind do the
// same when they are made twice, so that one whose connection is lost is made again, until ctx ends.
func call[T any](ctx context.Context, c *Client, what string, f func(*amqp.Channel) (T, error)) (
	value T, err error,
) {
	states := &connection.States{Log: c.cfg.logger}
	var lost error // the last connection, or attempt to make one
	accused := 0   // how often the broker has closed a connection over something that was sent
	for {
		conn, refused, err := c.owner.Connect(ctx, states)
		if err == nil {
			value, err = callOnce(ctx, c, conn, what, f)
			if err == nil {
				return value, nil
			}
			if reason.Accuses(conn.Cause()) {
				accused++
			}
			// The first time it may have been what another user of the connection had sent.
			if conn.IsOver() && ctx.Err() == nil && accused < mostAccused {
				lost = err
				continue
			}
			return value, reason.Declaration(err)
		}
		switch {
		case ctx.Err() != nil:
			return value, fmt.Errorf("%s: %w", what, reason.With(ctx.Err(), lost))
		case refused:
			return value, fmt.Errorf("%s: %w", what, err)
		}
		lost = err
	}
}

func callOnce[T any](
	ctx context.Context, c *Client, conn *transport.Conn, what string, f func(*amqp.Channel) (T, error),
) (value T, err error) {
	ch, err := conn.Open(ctx, c.cfg.connectTimeout)
	if err != nil {
		return value, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { c.owner.CloseChannel(ctx, ch) }()
	value, err = transport.Await(ctx, ch, what, func() (T, error) { return f(ch.Channel) })
	if err == nil {
		conn.Prove()
	}
	return value, err
}
