// Package traffic keeps a steady flow of messages through a cluster, over several paths at once, and records
// the fate of each in a history.
package traffic

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"warren/internal/wait"
	"warren/verify/history"
)

// Config says what traffic to make.
type Config struct {
	// Queue is the name of the queue; it must exist. Messages reach it through the default exchange.
	Queue string
	// Paths each get a producer and a consumer.
	Paths []Path
	// Stored, if it has a queue, gets messages that nobody consumes until the drain: what the cluster has to
	// lose.
	Stored Stored
	// TLS is how the clients recognise the stack; nil if it has no TLS.
	TLS *tls.Config
	// Rate is how many messages a second each producer publishes.
	Rate float64
	// Size is the size of a message in bytes; it is at least that of its id.
	Size int
	// Unconfirmed makes producers publish without confirms and take "sent" for "confirmed". It shows what that
	// is worth, and that a checker notices.
	Unconfirmed bool
	// EarlyAck makes consumers have messages taken for consumed before they have worked on them. It shows what
	// that costs, and that a checker notices.
	EarlyAck bool
}

// String describes the traffic in a sentence.
func (c Config) String() string {
	confirms := ""
	if c.Unconfirmed {
		confirms = ", without asking for confirms"
	}
	if c.EarlyAck {
		confirms += ", every consumer acknowledging before it works"
	}
	return fmt.Sprintf("%d producers and %d consumers, one of each per path, every producer publishing %g "+
		"messages a second%s",
		len(c.Paths), len(c.Paths), c.Rate, confirms)
}

// Stored is a queue that fills up until the drain.
type Stored struct {
	// Queue is its name; it must exist.
	Queue string
	// Endpoints are those of its producer, and in the end its consumer.
	Endpoints []string
}

func (s Stored) path() Path { return Path{Name: history.Stored, Endpoints: s.Endpoints} }

// publisher publishes one message and calls done when its outcome is known. It may wait while too many are
// under way.
type publisher interface {
	publish(ctx context.Context, id string, done func(history.Outcome, error))
	// close waits for the outcomes that are not known yet, until ctx ends.
	close(ctx context.Context) error
}

// Traffic is a running flow of messages.
type Traffic struct {
	recorder *history.Recorder
	config   Config

	stopProducers, stopConsumers context.CancelFunc
	consuming                    context.Context // what stopConsumers ends
	producers, consumers         sync.WaitGroup
	publishers                   []publisher

	mu       sync.Mutex
	failures []error
}

// Start starts consumers and producers. The clients connect by themselves, so that a cluster that is not
// reachable is no error here; Ready tells.
func Start(config Config, recorder *history.Recorder) (*Traffic, error) {
	t := &Traffic{recorder: recorder, config: config}
	producing, stopProducers := context.WithCancel(context.Background())
	consuming, stopConsumers := context.WithCancel(context.Background())
	t.stopProducers, t.stopConsumers, t.consuming = stopProducers, stopConsumers, consuming

	err := t.start(producing)
	if err != nil {
		return nil, errors.Join(err, t.Close(context.Background()))
	}
	return t, nil
}

func (t *Traffic) start(producing context.Context) error {
	for _, path := range t.config.Paths {
		if t.config.EarlyAck {
			t.startEarlyConsumer(path, t.config.Queue)
			continue
		}
		if err := t.startConsumer(path, t.config.Queue); err != nil {
			return err
		}
	}
	for _, path := range t.config.Paths {
		if err := t.startProducer(producing, path, t.config.Queue); err != nil {
			return err
		}
	}
	if t.config.Stored.Queue == "" {
		return nil
	}
	return t.startProducer(producing, t.config.Stored.path(), t.config.Stored.Queue)
}

// Ready waits until a message was confirmed and delivered over every path. The error says over which none
// was.
func (t *Traffic) Ready(ctx context.Context) error {
	return wait.Until(ctx, 20*time.Millisecond, "traffic on every path", func(context.Context) error {
		if silent := t.recorder.Silent(); len(silent) > 0 {
			return fmt.Errorf("traffic does not flow over %q", silent)
		}
		return nil
	})
}

// StopProducers stops publishing and waits until the outcome of every message is known, or ctx ends; outcomes
// that are not known then remain unknown.
func (t *Traffic) StopProducers(ctx context.Context) error {
	t.stopProducers()
	t.producers.Wait()
	var failures []error
	for _, p := range t.publishers {
		failures = append(failures, p.close(ctx))
	}
	t.publishers = nil
	return errors.Join(failures...)
}

// settled is how long the queue must be silent before it counts as empty.
const settled = 300 * time.Millisecond

// Drain consumes what is stored, and waits until every confirmed message was delivered and nothing more
// arrives. It gives up when nothing has arrived for the time of patience, or ctx ends. It returns how many
// confirmed messages are missing.
func (t *Traffic) Drain(ctx context.Context, patience time.Duration) (missing int, err error) {
	if t.config.Stored.Queue != "" {
		if err := t.startConsumer(t.config.Stored.path(), t.config.Stored.Queue); err != nil {
			return t.recorder.Missing(), err
		}
	}
	delivered, last := t.recorder.Counts().Delivered, time.Now()
	for {
		if now := t.recorder.Counts().Delivered; now != delivered {
			delivered, last = now, time.Now()
		}
		missing = t.recorder.Missing()
		idle := time.Since(last)
		if missing == 0 && idle >= settled || idle >= patience {
			return missing, nil
		}
		if err := wait.Sleep(ctx, 50*time.Millisecond); err != nil {
			return missing, fmt.Errorf("drain: %w", err)
		}
	}
}

// Close stops everything that still runs. The error joins those with which clients ended.
func (t *Traffic) Close(ctx context.Context) error {
	err := t.StopProducers(ctx)
	t.stopConsumers()
	t.consumers.Wait()
	return errors.Join(append(t.failures, err)...)
}

// failed keeps an error with which a client ended before its time.
func (t *Traffic) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, err)
}
