package transport

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// limitLasts is how long what the broker has told of its limit counts: an operator may raise it.
const limitLasts = 5 * time.Minute

// ChannelLimit is how many channels the broker allows over a connection, as far as it has told. Its limit for
// a user (max-channels) it tells only when there is one too many, at the cost of the connection, and so of
// all others on it.
type ChannelLimit struct {
	mu   sync.Mutex
	most int // 0: not known
	told time.Time
}

// learn looks at why a connection with so many channels, open or being opened, is over.
func (l *ChannelLimit) learn(cause error, channels int) {
	var reply *amqp.Error
	if !errors.As(cause, &reply) || !reply.Server || reply.Code != amqp.NotAllowed ||
		!strings.Contains(reply.Reason, "channels") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most, l.told = max(channels-1, 1), time.Now()
}

// check says whether a connection may have so many channels.
func (l *ChannelLimit) check(channels int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most == 0 || channels <= l.most || time.Since(l.told) > limitLasts {
		return nil
	}
	return fmt.Errorf("the broker allows %d channels, and all are in use: %w", l.most, amqp.ErrChannelMax)
}
