package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/connection"
	"warren/clients/internal/flight"
	"warren/clients/internal/ids"
	"warren/clients/internal/reason"
	"warren/clients/internal/transport"
)

// directReplyTo is RabbitMQ's pseudo-queue for replies: they come straight over the channel that asked, and
// no queue is declared for them.
const directReplyTo = "amq.rabbitmq.reply-to"

// ErrNoReply says that a request was sent, and the connection was lost, or the context ended, before a reply
// came. The request may have been handled.
var ErrNoReply = errors.New("no reply")

// Requester sends requests and receives their replies, over RabbitMQ's direct reply-to. It is safe for
// concurrent use.
//
// Requests and replies are transient: neither survives the loss of a connection, and a request is not sent
// again. Who asks again must know that it does no harm. What has to be done for certain belongs into a queue,
// through a Producer.
type Requester struct {
	user    *connection.User
	ctx     context.Context
	stop    context.CancelFunc
	stopped chan struct{}
	writing chan struct{} // holds an element while a request is being written

	mu       sync.Mutex // guards all that follows; nothing that waits is done while it is held
	current  *requestChannel
	changed  chan struct{} // closed when current changes
	requests map[string]*request
	refusal  error // why there is no use in waiting for a channel; nil if there is
}

// requestChannel is a channel for requests and their replies.
type requestChannel struct {
	*transport.Channel
	replies <-chan amqp.Delivery
	returns chan amqp.Return
}

// request is one that awaits its reply.
type request struct {
	over  *requestChannel
	reply chan reply // has room for one
}

type reply struct {
	delivery Delivery
	err      error
}

// NewRequester makes a requester over the client's connection, on a channel of its own.
func (c *Client) NewRequester() *Requester {
	r := &Requester{
		user: &connection.User{
			Owner:   c.owner,
			States:  c.cfg.states(),
			Silence: DefaultConfirmTimeout,
			Pause:   c.cfg.reconnect,
			Explain: reason.Channel,
		},
		stopped:  make(chan struct{}),
		writing:  make(chan struct{}, 1),
		changed:  make(chan struct{}),
		requests: make(map[string]*request),
	}
	r.ctx, r.stop = context.WithCancel(c.owner.Context())
	go r.run()
	return r
}

// Request sends a message and waits for its reply until ctx ends, which must be of use: a reply may never
// come. Its ReplyTo and CorrelationID are set by the requester. The error matches ErrUnroutable if no queue
// is bound for it, ErrInvalidMessage if it cannot be expressed, ErrClosed after Close, and ErrNoReply if it
// was sent in vain; any other means that it was not sent.
func (r *Requester) Request(ctx context.Context, m Message) (Delivery, error) {
	now := time.Now()
	m.complete(now)
	m.CorrelationID, m.ReplyTo = ids.New(), directReplyTo
	m.Transient, m.NotMandatory = true, false
	size, err := m.prepare()
	if err != nil {
		return Delivery{}, err
	}
	ch, err := r.channel(ctx)
	if err != nil {
		return Delivery{}, fmt.Errorf("request %s: %w", m.ID, err)
	}
	if most := ch.Conn.FrameSize() - transport.FrameOverhead; ch.Conn.FrameSize() > 0 && size > most {
		return Delivery{}, fmt.Errorf("request %s: %w: %w", m.ID, ErrInvalidMessage, flight.TooLarge(size, most))
	}
	asked := &request{over: ch, reply: make(chan reply, 1)}
	r.mu.Lock()
	r.requests[m.CorrelationID] = asked
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.requests, m.CorrelationID)
		r.mu.Unlock()
	}()
	if err := r.write(ctx, ch, m); err != nil {
		return Delivery{}, fmt.Errorf("request %s: %w", m.ID, err)
	}
	var end error
	select {
	case answer := <-asked.reply:
		return answer.of(m.ID)
	case <-ch.Over():
		end = ch.Cause()
	case <-ctx.Done():
		end = ctx.Err()
	}
	select {
	case answer := <-asked.reply: // it came at the same time
		return answer.of(m.ID)
	default:
		return Delivery{}, fmt.Errorf("request %s: %w: %w", m.ID, ErrNoReply, end)
	}
}

// of is what the request with an id returns.
func (r reply) of(id string) (Delivery, error) {
	if r.err != nil {
		return Delivery{}, fmt.Errorf("request %s: %w", id, r.err)
	}
	return r.delivery, nil
}

// channel returns the channel to use, and waits for one until ctx ends.
func (r *Requester) channel(ctx context.Context) (*requestChannel, error) {
	for {
		r.mu.Lock()
		ch, changed, refusal := r.current, r.changed, r.refusal
		r.mu.Unlock()
		switch {
		case ch != nil && !ch.IsOver():
			return ch, nil
		case refusal != nil:
			return nil, refusal
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, reason.With(ctx.Err(), r.user.States.Reason())
		}
	}
}

// write writes a request. The write may be stuck, in a connection that the broker has blocked; then it goes
// on when ctx has ended, and the requests behind it wait.
func (r *Requester) write(ctx context.Context, ch *requestChannel, m Message) error {
	select {
	case r.writing <- struct{}{}:
	case <-ch.Over():
		return ch.Cause()
	case <-ctx.Done():
		return ctx.Err()
	}
	written := make(chan error, 1)
	go func() {
		defer func() { <-r.writing }()
		written <- ch.Publish(m.Exchange, m.RoutingKey, true, false, m.publishing())
	}()
	select {
	case err := <-written:
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoReply, err)
		}
		return nil
	case <-ch.Over():
		return fmt.Errorf("%w: %w", ErrNoReply, ch.Cause())
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoReply, ctx.Err())
	}
}

// run keeps a channel open, until Close.
func (r *Requester) run() {
	defer close(r.stopped)
	defer r.user.States.Set(connection.Closed, "", nil)
	for r.ctx.Err() == nil {
		var next *requestChannel
		_, err := r.user.Connect(r.ctx, func(ctx context.Context, ch *transport.Channel) (err error) {
			next, err = subscribeReplies(ctx, ch)
			return err
		})
		r.set(next, err)
		if err != nil {
			continue // refused: but go on trying, in case someone puts it right
		}
		r.receive(next)
		r.set(nil, nil)
		closing, cancel := context.WithTimeout(context.Background(), connection.GoodbyeTimeout)
		_ = next.Close(closing)
		cancel()
		if r.ctx.Err() == nil {
			r.user.Lost(next.Channel, true)
		}
	}
}

func subscribeReplies(ctx context.Context, ch *transport.Channel) (*requestChannel, error) {
	replies, err := transport.Await(ctx, ch, "consume replies", func() (<-chan amqp.Delivery, error) {
		return ch.Consume(directReplyTo, "", true, false, false, false, nil)
	})
	if err != nil {
		return nil, err
	}
	returns := ch.NotifyReturn(make(chan amqp.Return, 16))
	return &requestChannel{Channel: ch, replies: replies, returns: returns}, nil
}

// set makes a channel the current one, or says why there will be none.
func (r *Requester) set(ch *requestChannel, refusal error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		refusal = ErrClosed
	}
	r.current, r.refusal = ch, refusal
	close(r.changed)
	r.changed = make(chan struct{})
}

// receive hands out replies and returns until the channel is over.
func (r *Requester) receive(ch *requestChannel) {
	for {
		select {
		case d, open := <-ch.replies:
			if !open {
				if !ch.IsClosed() {
					ch.Fail(ErrCancelled)
				}
				<-ch.Over()
				return
			}
			ch.Conn.Prove()
			r.hand(d.CorrelationId, reply{delivery: newDelivery(directReplyTo, &d)})
		case returned, open := <-ch.returns:
			if !open {
				ch.returns = nil
				continue
			}
			err := fmt.Errorf("%w: %d %s", ErrUnroutable, returned.ReplyCode, returned.ReplyText)
			r.hand(returned.CorrelationId, reply{err: err})
		case <-ch.Over():
			return
		case <-r.ctx.Done():
			return
		}
	}
}

// hand gives a request its answer, if it still waits for one.
func (r *Requester) hand(id string, answer reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked := r.requests[id]; asked != nil {
		select {
		case asked.reply <- answer:
		default: // it has one
		}
	}
}

// Close ends the requester. Requests that wait fail. It returns when the channel is closed, or ctx ends.
func (r *Requester) Close(ctx context.Context) error {
	r.stop()
	select {
	case <-r.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Respond makes a Handler of a function that answers requests: what it returns is published to the request's
// ReplyTo with its CorrelationID, as a transient message, and the request is acknowledged when that is
// confirmed, or when the one who asked is gone. When the function fails there is no reply, and the request is
// tried again as with any Handler.
func Respond(p *Producer, answer func(ctx context.Context, request Delivery) (Message, error)) Handler {
	return func(ctx context.Context, request Delivery) error {
		if request.ReplyTo == "" {
			return fmt.Errorf("request %s has no reply-to: %w", request.ID, ErrDeadLetter)
		}
		m, err := answer(ctx, request)
		if err != nil {
			return err
		}
		m.Exchange, m.RoutingKey, m.CorrelationID = "", request.ReplyTo, request.CorrelationID
		m.Transient = true
		err = p.Publish(ctx, m)
		if errors.Is(err, ErrUnroutable) {
			return nil // whoever asked is gone
		}
		return err
	}
}
