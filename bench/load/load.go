package load

import (
	"warren/bench/compare"
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/clients"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/traffic"
)

// Load is as many messages as a cluster takes, over one path into one queue.
type Load struct {
	Client Client
	Path   Path
	// Queue is "quorum" or "classic".
	Queue string
	// Size is that of a message's body, in bytes.
	Size int
	// Window is how many messages each producer has unconfirmed at once.
	Window               int
	Producers, Consumers int
	// Affinity has producers seek the node that leads the queue, if their client can.
	Affinity bool
	// Home is which node leads the queue, by its position; EveryHome has it measured with each of them.
	Home      int
	EveryHome bool

	locate clients.Locator // the leader, for those who seek it
}

// Path is a way to the queue.
type Path int

// The ways: straight to the node that leads the queue, to another node, or through the load balancer.
const (
	ToLeader Path = iota
	ToOther
	ThroughBalancer
)

// Client is a kind of producer and of consumer. Both work until ctx ends and report every confirm and
// delivery.
type Client interface {
	Produce(ctx context.Context, endpoint, queue string, l Load, m *Meter) error
	Consume(ctx context.Context, endpoint, queue string, l Load, m *Meter) error
}

// Metrics are those of a load.
var Metrics = []compare.Metric{
	{Name: "confirmed", Unit: compare.PerSecond}, {Name: "latency p50", Unit: compare.Seconds},
	{Name: "p95", Unit: compare.Seconds}, {Name: "p99", Unit: compare.Seconds},
}

// Delivered is measured as well where there are consumers.
var Delivered = compare.Metric{Name: "delivered", Unit: compare.PerSecond}

const (
	// WarmUp is how long a load runs before it is measured: connections open, buffers fill, the JIT
	// compiles.
	WarmUp = time.Second
	// End is how long clients may take to end.
	End = 20 * time.Second
)

// Measure runs the load into a queue of its own. It returns what was measured and whether the load balancer
// had connected all clients to the node that leads the queue.
func (l Load) Measure(
	ctx context.Context, place *lab.Lab,
) (values map[string]float64, atLeader bool, err error) {
	c := place.Warren
	home := c.Nodes()[l.Home]
	queue := traffic.Queue{Name: fmt.Sprintf("%s%d", lab.QueuePrefix, time.Now().UnixNano()), Type: l.Queue,
		Node: home.NodeName}
	if err := lab.DeclareQueue(ctx, queue, c); err != nil {
		return nil, false, err
	}
	defer place.CleanUp(ctx, func(ctx context.Context) error { return queue.Delete(ctx, c) })

	if l.Affinity {
		l.locate = c.Locate(traffic.VHost, queue.Name)
	}
	m := &Meter{}
	working, stop := context.WithCancel(ctx)
	defer stop()
	clients, working := errgroup.WithContext(working)
	for range l.Consumers {
		clients.Go(func() error { return l.Client.Consume(working, l.Endpoint(c), queue.Name, l, m) })
	}
	for range l.Producers {
		clients.Go(func() error { return l.Client.Produce(working, l.Endpoint(c), queue.Name, l, m) })
	}
	_ = wait.Sleep(working, WarmUp)
	m.begin()
	_ = wait.Sleep(working, place.LoadTime)
	values = m.end()
	var node string
	var asked error
	if l.Path == ThroughBalancer {
		node, asked = connectedTo(working, c, queue.Name)
	}
	stop()
	if err := errors.Join(clients.Wait(), asked); err != nil && ctx.Err() == nil {
		return nil, false, err
	}
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	if values["confirmed"] == 0 {
		return nil, false, fmt.Errorf("nothing was confirmed in %s", place.LoadTime)
	}
	if l.Consumers == 0 {
		delete(values, Delivered.Name)
	}
	return values, node == home.NodeName, nil
}

// Endpoint is the URI of the load's path.
func (l Load) Endpoint(c *cluster.Cluster) string {
	outputs := c.Outputs()
	switch {
	case l.Path == ThroughBalancer:
		return outputs.AMQPURL
	case l.Path == ToOther && len(outputs.AMQPURLs) > 1:
		return outputs.AMQPURLs[(l.Home+1)%len(outputs.AMQPURLs)]
	}
	return outputs.AMQPURLs[l.Home]
}

// body is what every message of the load carries.
func (l Load) body() []byte { return []byte(strings.Repeat("x", l.Size)) }

// Meter counts what happens between begin and end.
type Meter struct {
	counting             atomic.Bool
	confirmed, delivered atomic.Int64
	began                time.Time

	mu        sync.Mutex
	latencies []time.Duration
}

func (m *Meter) begin() {
	m.began = time.Now()
	m.counting.Store(true)
}

// confirm counts a confirmed message and, of every eighth, how long it took.
func (m *Meter) confirm(latency time.Duration) {
	if !m.counting.Load() {
		return
	}
	const sampled = 8
	if n := m.confirmed.Add(1); n%sampled == 0 {
		m.mu.Lock()
		m.latencies = append(m.latencies, latency)
		m.mu.Unlock()
	}
}

func (m *Meter) deliver() {
	if m.counting.Load() {
		m.delivered.Add(1)
	}
}

// end stops counting and returns the values of Metrics and Delivered.
func (m *Meter) end() map[string]float64 {
	m.counting.Store(false)
	elapsed := time.Since(m.began).Seconds()
	m.mu.Lock()
	defer m.mu.Unlock()
	values := LatencyValues(m.latencies)
	values["confirmed"] = float64(m.confirmed.Load()) / elapsed
	values[Delivered.Name] = float64(m.delivered.Load()) / elapsed
	return values
}

// LatencyValues are the values of the metrics of latency.
func LatencyValues(latencies []time.Duration) map[string]float64 {
	l := checker.Percentiles(latencies)
	return map[string]float64{"latency p50": l.Median.Seconds(), "p95": l.P95.Seconds(), "p99": l.P99.Seconds()}
}
