package traffic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"warren/clients"
	"warren/verify/history"
)

// startProducer starts a producer that publishes over a path into a queue until ctx ends.
func (t *Traffic) startProducer(ctx context.Context, path Path, queue string) error {
	name := "producer " + path.Name
	p, err := t.newPublisher(name, path, queue)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.publishers = append(t.publishers, p)
	t.producers.Go(func() { t.produce(ctx, name, path, p) })
	return nil
}

func (t *Traffic) newPublisher(name string, path Path, queue string) (publisher, error) {
	if t.config.Unconfirmed {
		return newUnconfirmed(path, t.config.TLS, queue, t.config.Size, t.stateChange(name))
	}
	p, err := clients.NewProducer(path.Endpoints, clients.WithConnectionName("warren verify "+name),
		clients.WithTLSConfig(t.config.TLS),
		clients.WithStateChange(t.clientState(name)))
	if err != nil {
		return nil, err
	}
	return &confirmed{producer: p, queue: queue, size: t.config.Size}, nil
}

// produce publishes at the configured rate. When publishing has to wait, the messages that were due meanwhile
// are left out, not made up for: the rate is a rate, and a burst after an outage would be another test.
func (t *Traffic) produce(ctx context.Context, name string, path Path, p publisher) {
	due := time.NewTicker(time.Duration(float64(time.Second) / t.config.Rate))
	defer due.Stop()
	prefix := strings.ReplaceAll(path.Name, " ", "-")
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		}
		id := fmt.Sprintf("%s/%06d", prefix, n)
		p.publish(ctx, id, t.recorder.Attempt(name, path.Name, id).Done)
	}
}

// confirmed publishes with confirms, as an application should.
type confirmed struct {
	producer *clients.Producer
	queue    string
	size     int
	pending  sync.WaitGroup
}

func (c *confirmed) publish(ctx context.Context, id string, done func(history.Outcome, error)) {
	// The message is given its own time to be confirmed: the end of ctx stops publishing, not what is under way.
	confirmation, err := c.producer.PublishAsync(context.WithoutCancel(ctx), newMessage(c.queue, id, c.size))
	if err != nil {
		done(outcome(err), err)
		return
	}
	c.pending.Go(func() {
		<-confirmation.Done()
		err := confirmation.Err()
		done(outcome(err), err)
	})
}

func (c *confirmed) close(ctx context.Context) error {
	err := c.producer.Close(ctx)
	c.pending.Wait()
	if errors.Is(err, clients.ErrUnconfirmed) {
		return nil // the history says so of each message
	}
	return err
}

// outcome classifies what Publish returned. A message that may be in the queue is of unknown outcome,
// whatever else is known about it.
func outcome(err error) history.Outcome {
	var failed *clients.PublishError
	switch {
	case err == nil:
		return history.Confirmed
	case errors.As(err, &failed) && failed.Attempts == 0:
		return history.Unsent
	case errors.Is(err, clients.ErrUnconfirmed):
		return history.Unknown
	case errors.Is(err, clients.ErrNacked):
		return history.Nacked
	case errors.Is(err, clients.ErrUnroutable):
		return history.Returned
	}
	return history.Unknown
}
