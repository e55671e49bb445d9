package suite

import (
	"warren/bench/compare"
	"warren/bench/lab"
	"warren/bench/load"

	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/declare"
	"warren/verify/traffic"
)

// What the tutorial's throughput test publishes, through the load balancer and to each node, into a queue
// that holds 10,000 messages and rejects the rest.
const (
	toldMessages     = 10_000 + 3*5_000
	tutorialCapacity = 10_000
	// scriptTimeout is how long the test may take.
	scriptTimeout = 5 * time.Minute
)

// tutorialThroughput compares what a throughput test says with what became of its messages.
func tutorialThroughput() []compare.Comparison {
	const claimed, queued = "said to be sent", "in the queue"
	return []compare.Comparison{{
		Name: "tutorial-test",
		Shows: "25,000 messages into a queue for 10,000 that rejects the rest: the rate that is printed, how " +
			"many messages are said to be sent, and how many were in the queue.",
		Metrics: []compare.Metric{{Name: "printed rate", Unit: compare.PerSecond},
			{Name: claimed, Unit: compare.Messages}, {Name: queued, Unit: compare.Messages}},
		Sides: []compare.Side{
			{Name: "tutorial's performance_test.py",
				Measure: func(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
					rate, inQueue, err := runPerformanceTest(ctx, place)
					return []compare.Sample{{Values: map[string]float64{"printed rate": rate, claimed: toldMessages,
						queued: inQueue}}}, err
				}},
			{Name: "Warren's producer", Measure: func(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
				rate, confirmed, inQueue, err := overfill(ctx, place)
				return []compare.Sample{{Values: map[string]float64{"printed rate": rate, claimed: confirmed,
					queued: inQueue}}}, err
			}},
		},
	}}
}

// printedRate is how the test prints a rate; the first is that through the load balancer.
var printedRate = regexp.MustCompile(`Throughput: ([0-9.]+) messages/second`)

// runPerformanceTest runs the tutorial's test on the tutorial's cluster. It returns the rate through the load
// balancer that the test prints, and how many messages are in the queue afterwards.
func runPerformanceTest(ctx context.Context, place *lab.Lab) (rate, inQueue float64, err error) {
	k, err := place.Tutorial(ctx)
	if err != nil {
		return 0, 0, err
	}
	remove, err := declareTutorialQueue(ctx, k)
	if err != nil {
		return 0, 0, err
	}
	defer place.CleanUp(ctx, remove)
	const script = "performance_test.py"
	var ports []string
	for i, node := range k.Nodes() {
		ports = append(ports, fmt.Sprintf("RABBITMQ_PORT_%d=%d", i+1, node.AMQPPort))
	}
	output, err := lab.RunScript(ctx, scriptTimeout, k.Outputs().AMQPURL, script, ports)
	if err != nil {
		return 0, 0, err
	}
	printed := printedRate.FindSubmatch(output)
	if printed == nil {
		return 0, 0, fmt.Errorf("%s printed no rate: %s", script, output)
	}
	if rate, err = strconv.ParseFloat(string(printed[1]), 64); err != nil {
		return 0, 0, fmt.Errorf("%s printed a rate of %s: %w", script, printed[1], err)
	}
	inQueue, err = settledCount(ctx, k.Outputs().AMQPURLs[0], topology.DefaultQueue)
	return rate, inQueue, err
}

// declareTutorialQueue declares the tutorial's exchange, queue and binding, empty, and returns what deletes
// them. The tutorial's own script asks the management interface behind the load balancer, which is always
// down.
func declareTutorialQueue(
	ctx context.Context, k *cluster.Cluster,
) (remove func(context.Context) error, err error) {
	remove = func(context.Context) error {
		conn, channel, err := load.Bare{}.Open(k.Outputs().AMQPURLs[0], topology.DefaultQueue)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = channel.QueueDelete(topology.DefaultQueue, false, false, false)
		return errors.Join(err, channel.ExchangeDelete(topology.DefaultExchange, false, false))
	}
	return remove, lab.Patiently(ctx, func(ctx context.Context) error {
		return declare.Application(ctx, k, topology.Application{
			VirtualHost: traffic.VHost,
			Exchanges:   []topology.Exchange{{Name: topology.DefaultExchange, Type: "direct"}},
			Queues:      []topology.Queue{limited(topology.DefaultQueue)},
			Bindings: []topology.Binding{{Source: topology.DefaultExchange, Destination: topology.DefaultQueue,
				RoutingKey: topology.DefaultRoutingKey}},
		})
	})
}

// limited is a queue like the tutorial's.
func limited(name string) topology.Queue {
	return topology.Queue{Name: name, Arguments: map[string]any{topology.QueueTypeArgument: topology.QuorumQueue,
		"x-quorum-initial-group-size": int64(3),
		"x-max-length":                int64(tutorialCapacity), "x-overflow": "reject-publish"}}
}

// overfill publishes as many messages with Warren's producer into a queue like the tutorial's, and ends when
// the queue takes no more. It returns how many messages were confirmed, and at which rate, and how many are
// in the queue.
func overfill(ctx context.Context, place *lab.Lab) (rate, confirmed, inQueue float64, err error) {
	k := place.Warren
	queue := traffic.Queue{Name: fmt.Sprintf("%sfull-%d", queuePrefix, time.Now().UnixNano())}
	err = lab.Patiently(ctx, func(ctx context.Context) error {
		return declare.Application(ctx, k,
			topology.Application{VirtualHost: traffic.VHost, Queues: []topology.Queue{limited(queue.Name)}})
	})
	if err != nil {
		return 0, 0, 0, err
	}
	defer place.CleanUp(ctx, func(ctx context.Context) error { return queue.Delete(ctx, k) })
	p, err := clients.NewProducer([]string{k.Outputs().AMQPURL}, clients.WithWindow(usual.Window))
	if err != nil {
		return 0, 0, 0, err
	}

	filling, full := context.WithCancel(ctx)
	defer full()
	var last time.Duration // when the last message was confirmed
	var watcher sync.WaitGroup
	began := time.Now()
	watcher.Go(func() {
		last = watchConfirms(filling, p, began)
		full()
	})
	for i := range toldMessages {
		_, err := p.PublishAsync(filling,
			clients.Message{RoutingKey: queue.Name, Body: fmt.Appendf(nil, "Message %d", i)})
		if err != nil {
			break // the queue is full, or the run is over
		}
	}
	watcher.Wait()
	if err := p.Close(ctx); err != nil && !errors.Is(err, clients.ErrUnconfirmed) {
		return 0, 0, 0, err
	}
	if confirmed = float64(p.Stats().Confirmed); confirmed == 0 {
		return 0, 0, 0, errors.New("nothing was confirmed")
	}
	inQueue, err = settledCount(ctx, k.Outputs().AMQPURLs[0], queue.Name)
	return confirmed / last.Seconds(), confirmed, inQueue, err
}

// watchConfirms returns when messages were refused and for a while none has been confirmed any more, or ctx
// has ended. It returns how long after the beginning the last one was confirmed.
func watchConfirms(ctx context.Context, p *clients.Producer, began time.Time) (last time.Duration) {
	const full = 2 * time.Second
	var before int64
	for ctx.Err() == nil {
		s, now := p.Stats(), time.Since(began)
		switch {
		case s.Confirmed > before:
			before, last = s.Confirmed, now
		case s.Nacks > 0 && now-last > full:
			return last
		}
		_ = wait.Sleep(ctx, 10*time.Millisecond)
	}
	return last
}

// settledCount is how many messages are in a queue once their number no longer changes.
func settledCount(ctx context.Context, endpoint, queue string) (float64, error) {
	conn, channel, err := load.Bare{}.Open(endpoint, queue)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	before := -1
	for {
		q, err := channel.QueueDeclarePassive(queue, true, false, false, false, amqp.Table{})
		if err != nil {
			return 0, fmt.Errorf("count messages in %s: %w", queue, err)
		}
		if q.Messages == before {
			return float64(before), nil
		}
		before = q.Messages
		if wait.Sleep(ctx, settleTime) != nil {
			return 0, context.Cause(ctx)
		}
	}
}

// settleTime is how long the number of messages in a queue must not change.
const settleTime = time.Second
