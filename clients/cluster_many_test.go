//go:build cluster

package clients

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"warren/topology"
)

var (
	manyProducers = flag.Int("producers", 50,
		"how many producers TestManyClients has, each with a connection of its own")
	manyConsumers = flag.Int("consumers", 200,
		"how many idle consumers TestManyClients has, a hundred to a connection")
	manyRest = flag.Duration("rest", 30*time.Second, "how long TestManyClients measures how little happens")
)

// burden is what a cluster's clients cost it.
type burden struct {
	connections int
	raftEntries int64                    // in the logs of all quorum queues
	cpu         map[string]time.Duration // of each node since it was started
	at          time.Time
}

// cpuSince is what all nodes have used. That of a node that was started meanwhile counts from its start.
func (b burden) cpuSince(before burden) (used time.Duration) {
	for node, cpu := range b.cpu {
		if cpu >= before.cpu[node] {
			cpu -= before.cpu[node]
		}
		used += cpu
	}
	return used
}

// Many producers and idle consumers are a small burden, and a killed leader's producers are all confirmed
// again soon, without a storm of connections.
func TestManyClients(t *testing.T) {
	const queues, perClient = 10, 100
	outputs := readOutputs(t)
	e := newEngine(t)
	admin := clusterClient(t, outputs.AMQPURLs)
	var names []string
	for range queues {
		names = append(names, declareForTest(t, admin, Queue{}))
	}
	report := func(what string) (end func() burden) {
		before := measure(t, e, outputs)
		return func() burden {
			after := measure(t, e, outputs)
			seconds := after.at.Sub(before.at).Seconds()
			t.Logf("%s: %d connections, %.1f Raft entries/s, %.2f cores, in %.0f s", what, after.connections,
				float64(after.raftEntries-before.raftEntries)/seconds, after.cpuSince(before).Seconds()/seconds, seconds)
			return after
		}
	}
	rest := report("no clients")
	time.Sleep(*manyRest / 3) // what is measured is how little happens
	rest()

	bare := connectBare(t, outputs.AMQPURLs[1], names, *manyProducers)
	t.Logf("%d bare connections to one node, all at once, had a confirm after %v", *manyProducers, bare)

	var consumers []*Consumer
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer func() { stop(); running.Wait() }()
	for first := 0; first < *manyConsumers; first += perClient {
		client := clusterClient(t, outputs.AMQPURLs)
		for i := first; i < min(first+perClient, *manyConsumers); i++ {
			c, err := client.NewConsumer(names[i%queues], discard)
			require.NoError(t, err)
			consumers = append(consumers, c)
			running.Go(func() { _ = c.Run(ctx) })
		}
	}
	var producers []*Producer
	for range *manyProducers {
		producers = append(producers, newTestProducer(t, outputs.AMQPURLs))
	}
	publish := func() (longest time.Duration) {
		var all errgroup.Group
		var mu sync.Mutex
		for i, p := range producers {
			all.Go(func() error {
				began := time.Now()
				err := p.Publish(testContext(t, patience), Message{RoutingKey: names[i%queues]})
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, time.Since(began))
				return err
			})
		}
		require.NoError(t, all.Wait())
		return longest
	}
	publish()
	idle := report(fmt.Sprintf("%d producers, %d idle consumers, first seconds", len(producers), len(consumers)))
	time.Sleep(*manyRest) // what is measured is how little happens
	idle()
	idle = report("the same, later")
	time.Sleep(*manyRest) // what is measured is how little happens
	idle()

	var before []int64
	for _, p := range producers {
		before = append(before, p.Stats().Reconnects)
	}
	kill := report("while the leaders' node is killed and comes back")
	e.kill(outputs.Nodes[0].Container)
	longest := publish()
	e.start(outputs.Nodes[0].Container)
	most := int64(0)
	for i, p := range producers {
		most = max(most, p.Stats().Reconnects-before[i])
	}
	t.Logf("all %d producers had a confirm %v after the kill; at most %d new connections each", len(producers),
		longest, most)
	for _, name := range names {
		eventually(t, func() bool { return onlineMembers(outputs, name) == len(outputs.Nodes) },
			"the node did not come back")
	}
	kill()
	require.LessOrEqual(t, most, int64(2))
	require.LessOrEqual(t, longest, max(2*time.Second, 3*bare), "without an election it takes %v", bare)
	idle = report("afterwards")
	time.Sleep(*manyRest) // what is measured is how little happens
	idle()
}

// connectBare makes connections to one node with the library alone, all at once, and publishes one message
// over each. It returns how long it takes until all are confirmed.
func connectBare(t *testing.T, uri string, queues []string, connections int) time.Duration {
	t.Helper()
	var all errgroup.Group
	open := make([]*amqp.Connection, connections)
	began := time.Now()
	for i := range connections {
		all.Go(func() (err error) {
			if open[i], err = amqp.Dial(uri); err != nil {
				return err
			}
			ch, err := open[i].Channel()
			if err != nil {
				return err
			}
			if err := ch.Confirm(false); err != nil {
				return err
			}
			m := amqp.Publishing{DeliveryMode: amqp.Persistent}
			c, err := ch.PublishWithDeferredConfirm("", queues[i%len(queues)], true, false, m)
			if err == nil && !c.Wait() {
				err = errors.New("not confirmed")
			}
			return err
		})
	}
	err := all.Wait()
	took := time.Since(began)
	for _, conn := range open {
		if conn != nil {
			_ = conn.Close()
		}
	}
	require.NoError(t, err)
	return took
}

// measure looks at the cluster.
func measure(t *testing.T, e *engine, outputs topology.Outputs) burden {
	t.Helper()
	const indexes = `lists:sum([begin {Name, _} = amqqueue:get_pid(Q),
		maps:get(last_index, ra:key_metrics({Name, node()}), 0) end || Q <- rabbit_amqqueue:list(),
		amqqueue:get_type(Q) =:= rabbit_quorum_queue]).`
	b := burden{cpu: make(map[string]time.Duration)}
	entries, err := strconv.ParseInt(e.exec(outputs.Nodes[1].Container, "rabbitmqctl", "eval", indexes), 10, 64)
	require.NoError(t, err)
	b.raftEntries = entries
	var overview struct {
		ObjectTotals struct {
			Connections int `json:"connections"`
		} `json:"object_totals"`
	}
	require.NoError(t, ask(t.Context(), outputs, "overview", &overview))
	b.connections = overview.ObjectTotals.Connections
	for _, node := range outputs.Nodes {
		response, err := e.client.ContainerStatsOneShot(t.Context(), node.Container)
		require.NoError(t, err)
		var stats container.StatsResponse
		require.NoError(t, json.NewDecoder(response.Body).Decode(&stats))
		_ = response.Body.Close()
		b.cpu[node.Container] = time.Duration(stats.CPUStats.CPUUsage.TotalUsage)
	}
	b.at = time.Now()
	return b
}
