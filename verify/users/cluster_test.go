//go:build cluster

package users

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/clients"
	"warren/internal/livestack"
	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/application"
	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/application/appfile"
)

const (
	// patience is how long a cluster may take to be healthy, and messages to arrive, on a busy machine.
	patience = 2 * time.Minute
	// interval is between two messages.
	interval = 10 * time.Millisecond
	// around is for how long messages flow before and after what is done.
	around = 2 * time.Second

	passwords = "warren:userPasswords"
)

// TestAPasswordChangesWhileMessagesFlow changes the password of the application's user, and then removes the
// user. No connection is closed and no message is lost by the first. No secret is in plain text anywhere.
func TestAPasswordChangesWhileMessagesFlow(t *testing.T) {
	secrets := map[string]string{"the first password": "s3cret-one", "the second password": "s3cret-two"}
	s := livestack.New(t, map[string]any{"warren:tls": "required"})
	s.SetSecret(passwords+".app", secrets["the first password"])
	out := s.MustUp()
	assert.True(t, strings.HasPrefix(out.AMQPURL, "amqps://app:s3cret-one@"), "the application's endpoint")
	c, err := cluster.Open(out)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	livetest.HealthyWithin(t, c, patience)
	declare(t, c, appText(t), application.Options{})

	flow := start(t, out)
	require.NoError(t, wait.Sleep(t.Context(), around))
	s.SetSecret(passwords+".app", secrets["the second password"])
	changed := s.MustUp()
	renewed, err := cluster.Open(changed)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, renewed.Close()) })
	declare(t, renewed, appText(t), application.Options{})
	require.NoError(t, wait.Sleep(t.Context(), around))
	flow.stop(t)

	t.Log("new connections need the new password")
	assert.NoError(t, logIn(t, changed.AMQPURL, changed))
	assert.ErrorIs(t, logIn(t, out.AMQPURL, changed), amqp.ErrCredentials)

	t.Log("no secret is where anybody can read it")
	for name, secret := range map[string]string{
		"the administrator's password": out.Password, "the statistics password": out.StatsPassword,
	} {
		secrets[name] = secret
	}
	requireHidden(t, s, renewed, secrets)

	t.Log("a user that is in no file goes")
	require.NoError(t, s.Unset(passwords))
	declare(t, renewed, "queues: []", application.Options{Prune: true})
	assert.ErrorIs(t, logIn(t, changed.AMQPURL, changed), amqp.ErrCredentials)
	s.Destroy()
	s.NothingLeft()
}

// appText is the application that comes with Warren.
func appText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../" + topology.DefaultApplicationFile)
	require.NoError(t, err)
	return string(text)
}

// declare does what `warren declare` does.
func declare(t *testing.T, c *cluster.Cluster, text string, options application.Options) {
	t.Helper()
	state, err := application.Look(t.Context(), c)
	require.NoError(t, err)
	target, err := state.Target()
	require.NoError(t, err)
	app, err := appfile.Parse(target, appfile.Source{Name: "app.yaml", Text: []byte(text)})
	require.NoError(t, err)
	options.Passwords = map[string]string{}
	for name, user := range c.Outputs().Users {
		options.Passwords[name] = user.Password
	}
	_, err = state.Apply(t.Context(), app, options)
	require.NoError(t, err)
}

// logIn connects and leaves.
func logIn(t *testing.T, endpoint string, out topology.Outputs) error {
	t.Helper()
	config, err := out.TLSConfig()
	require.NoError(t, err)
	connection, err := amqp.DialTLS(endpoint, config)
	if err == nil {
		err = connection.Close()
	}
	return err
}

// flow is an application's messages: a producer and a consumer at work.
type flow struct {
	producer *clients.Producer
	consumer *clients.Consumer
	cancel   context.CancelFunc
	ended    sync.WaitGroup

	mu        sync.Mutex
	confirmed map[string]bool
	received  map[string]bool
	last      time.Time
	longest   time.Duration
	failed    atomic.Int64
}

// start lets messages flow as the application's user.
func start(t *testing.T, out topology.Outputs) *flow {
	t.Helper()
	config, err := out.TLSConfig()
	require.NoError(t, err)
	f := &flow{confirmed: map[string]bool{}, received: map[string]bool{}, last: time.Now()}
	f.producer, err = clients.NewProducer([]string{out.AMQPURL}, clients.WithTLSConfig(config))
	require.NoError(t, err)
	f.consumer, err = clients.NewConsumer(out.AMQPURLs, topology.DefaultQueue,
		func(_ context.Context, d clients.Delivery) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.received[d.ID] = true
			return nil
		}, clients.WithTLSConfig(config))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	running, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	f.ended.Go(func() { assert.NoError(t, f.consumer.Run(running)) })
	t.Cleanup(cancel)
	f.ended.Go(func() { f.publish(ctx); f.drain(running); stop() })
	return f
}

// publish sends a message every interval until ctx ends.
func (f *flow) publish(ctx context.Context) {
	var pending sync.WaitGroup
	for wait.Sleep(ctx, interval) == nil {
		pending.Go(func() {
			m := clients.Message{
				ID: uuid.NewString(), Exchange: topology.DefaultExchange, RoutingKey: topology.DefaultRoutingKey,
			}
			if err := f.producer.Publish(context.WithoutCancel(ctx), m); err != nil {
				f.failed.Add(1)
				return
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.confirmed[m.ID] = true
			f.longest, f.last = max(f.longest, time.Since(f.last)), time.Now()
		})
	}
	pending.Wait()
}

// missing is how many confirmed messages have not been received.
func (f *flow) missing() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.confirmed {
		if !f.received[id] {
			n++
		}
	}
	return n
}

// drain waits until all have been received, or none comes any more.
func (f *flow) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for f.missing() > 0 && wait.Sleep(ctx, interval) == nil {
	}
}

// stop ends the flow, and requires that nothing was lost and no connection was closed.
func (f *flow) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	f.ended.Wait()
	t.Logf("%d confirmed, %d lost, longest time without a confirm %v", len(f.confirmed), f.missing(),
		f.longest.Round(time.Millisecond))
	assert.NotEmpty(t, f.confirmed)
	assert.Zero(t, f.missing(), "messages that were confirmed and did not arrive")
	assert.Zero(t, f.failed.Load(), "messages that were not confirmed")
	assert.Zero(t, f.producer.Stats().Reconnects, "connections of the producer that were closed")
	assert.Zero(t, f.consumer.Stats().Reconnects, "connections of the consumer that were closed")
	assert.NoError(t, f.producer.Close(t.Context()))
}
