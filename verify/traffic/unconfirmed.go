package traffic

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/verify/history"
)

const (
	// connectTimeout bounds connecting, and closing where nothing else does.
	connectTimeout = time.Second
	// retryInterval is the time between attempts to connect.
	retryInterval = 100 * time.Millisecond
)

// unconfirmed publishes as many an application does: without confirms, taking a message for safe once it was
// written to the connection.
type unconfirmed struct {
	path  Path
	tls   *tls.Config
	queue string
	size  int
	state func(state string, err error)

	next       int // endpoint
	retry      time.Time
	connection *amqp.Connection
	channel    *amqp.Channel
}

func newUnconfirmed(
	path Path, config *tls.Config, queue string, size int, state func(string, error),
) (*unconfirmed, error) {
	for _, endpoint := range path.Endpoints {
		if _, err := amqp.ParseURI(endpoint); err != nil {
			return nil, fmt.Errorf("endpoint of %s: %w", path.Name, err)
		}
	}
	return &unconfirmed{path: path, tls: config, queue: queue, size: size, state: state}, nil
}

func (u *unconfirmed) publish(ctx context.Context, id string, done func(history.Outcome, error)) {
	if err := u.connect(); err != nil {
		done(history.Unsent, err)
		return
	}
	m := newMessage(u.queue, id, u.size)
	err := u.channel.PublishWithContext(ctx, "", m.RoutingKey, false, false, amqp.Publishing{
		MessageId: m.ID, ContentType: m.ContentType, DeliveryMode: amqp.Persistent, Body: m.Body})
	if err != nil {
		u.state("disconnected", err)
		_ = u.connection.Close() // it is broken already
		u.channel = nil
		done(history.Unknown, err)
		return
	}
	done(history.Confirmed, nil)
}

// connect connects to the next endpoint unless there is a connection.
func (u *unconfirmed) connect() error {
	if u.channel != nil && !u.channel.IsClosed() {
		return nil
	}
	if time.Now().Before(u.retry) {
		return fmt.Errorf("not connected over %s", u.path.Name)
	}
	u.retry = time.Now().Add(retryInterval)
	endpoint := u.path.Endpoints[u.next%len(u.path.Endpoints)]
	u.next++
	connection, err := amqp.DialConfig(endpoint, amqp.Config{
		Heartbeat:       5 * time.Second,
		TLSClientConfig: u.tls,
		Dial:            amqp.DefaultDial(connectTimeout),
	})
	if err != nil {
		return fmt.Errorf("connect over %s: %w", u.path.Name, err)
	}
	channel, err := connection.Channel()
	if err != nil {
		_ = connection.Close() // without a channel it is of no use
		return fmt.Errorf("open channel over %s: %w", u.path.Name, err)
	}
	u.connection, u.channel = connection, channel
	u.state("connected", nil)
	return nil
}

// close closes the connection. Whether the broker has read what was written before, such a producer does not
// know.
func (u *unconfirmed) close(context.Context) error {
	if u.channel == nil || u.channel.IsClosed() {
		return nil
	}
	if err := u.connection.CloseDeadline(time.Now().Add(connectTimeout)); err != nil {
		u.state("disconnected", err)
	}
	return nil
}
