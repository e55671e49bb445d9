package clients

import (
	"context"
	"fmt"
	"time"
)

// connector makes one session after the other, each on the next endpoint.
type connector struct {
	cfg       connectionConfig
	endpoints []endpoint
	states    *tracker
	hopeless  func(error) bool // whether an error ends the attempts; nil if none does

	next     int  // the endpoint to try next
	failures int  // attempts since a session last proved useful
	trusted  bool // whether the broker has ever accepted our credentials and virtual host
}

func newConnector(uris []string, cfg connectionConfig) (*connector, error) {
	endpoints, err := parseEndpoints(uris)
	if err != nil {
		return nil, err
	}
	return &connector{
		cfg:       cfg,
		endpoints: endpoints,
		states:    &tracker{log: cfg.logger, notify: cfg.stateChange},
	}, nil
}

// connect tries the endpoints in turn until there is a session that prepare accepts, and returns an error when ctx ends.
//
// It also returns when a whole round of all endpoints has failed, and one of them has refused the user or the virtual
// host, before any ever accepted them: that is a mistake in the configuration. Later on it is the cluster that
// is in disorder, say a node that comes up with an empty database, and connect goes on trying. Calling it again after
// such an error goes on where it left off.
func (c *connector) connect(ctx context.Context, prepare func(context.Context, *session) error) (*session, error) {
	var refusal error
	for attempt := 1; ; attempt++ {
		if err := sleep(ctx, c.delay()); err != nil {
			return nil, err
		}
		e := c.endpoints[c.next]
		c.next = (c.next + 1) % len(c.endpoints)
		c.states.set(Connecting, e.String(), nil)
		s, err := c.open(ctx, e, prepare)
		c.failures++ // until a session proves useful
		if err == nil {
			c.trusted = true
			c.states.set(Connected, e.String(), nil)
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.states.set(Disconnected, e.String(), err)
		if c.hopeless != nil && c.hopeless(err) {
			return nil, err
		}
		if refused(err) {
			refusal = err
		}
		if refusal != nil && !c.trusted && attempt >= len(c.endpoints) {
			return nil, refusal
		}
	}
}

// open makes one attempt.
func (c *connector) open(ctx context.Context, e endpoint, prepare func(context.Context, *session) error) (*session, error) {
	timeout := c.patience(c.cfg.connectTimeout, c.failures)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, timeoutError(timeout))
	defer cancel()
	s, err := openSession(ctx, e, c.cfg)
	if err != nil {
		return nil, connectError(e, err)
	}
	if err := prepare(ctx, s); err != nil {
		s.close(ctx)
		return nil, prepareError(e, err)
	}
	return s, nil
}

// patience stretches a deadline after failures in a row, so that what is slow rather than dead is not left over and over:
// it doubles with each round, of all endpoints and of three at least, up to four times the value. Not sooner, for while a
// queue has no leader leaving early is right: RabbitMQ may not tell a channel that was opened meanwhile about the new one.
func (c *connector) patience(timeout time.Duration, failures int) time.Duration {
	return timeout << min(failures/c.round(), 2)
}

// round is how many failures in a row count as one of all endpoints.
func (c *connector) round() int { return max(len(c.endpoints), 3) }

// delay is the wait before the next attempt: none until every endpoint has been tried since things last went well.
func (c *connector) delay() time.Duration {
	if c.failures < len(c.endpoints) {
		return 0
	}
	return c.cfg.reconnect.wait(c.failures - len(c.endpoints))
}

// lost takes note that a session is over. Only one that did what it was for makes the count of failures start again: a
// session that opens well and then fails at its first message must not be followed by the next one at once.
func (c *connector) lost(s *session) {
	if s.useful.Load() {
		c.failures = 0
	}
	c.states.set(Disconnected, s.endpoint.String(), s.cause)
}

// timeoutError is the cause of a deadline that we set ourselves; unlike context.DeadlineExceeded it says how long.
type timeoutError time.Duration

func (e timeoutError) Error() string { return fmt.Sprintf("within %v", time.Duration(e)) }

// Is makes it match context.DeadlineExceeded.
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
