//go:build cluster

package clients

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"warren/topology"
)

// Producers end up on the node that leads their queue, whichever node they began with and also through the
// load balancer, and follow when another node leads. Nothing that they publish meanwhile goes unconfirmed.
func TestAffinityFollowsTheLeader(t *testing.T) {
	outputs := readOutputs(t)
	engine := newEngine(t)
	queue := declareQueue(t, outputs.AMQPURL, nil)
	locate := leaderOf(outputs, queue)
	options := []ProducerOption{
		WithConnectionName(queue), WithAffinity(locate), lookEvery(time.Second),
	}
	producers := []*Producer{newTestProducer(t, []string{outputs.AMQPURL}, options...)}
	for i := range outputs.AMQPURLs {
		endpoints := slices.Concat(outputs.AMQPURLs[i:], outputs.AMQPURLs[:i])
		producers = append(producers, newTestProducer(t, endpoints, options...))
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var publishing errgroup.Group
	for _, p := range producers {
		publishing.Go(func() error {
			for ctx.Err() == nil {
				if err := p.Publish(context.Background(), Message{RoutingKey: queue}); err != nil {
					return err
				}
				time.Sleep(5 * time.Millisecond) // the pace of an application
			}
			return nil
		})
	}
	// gathered waits until the queue is led by another node than before, and has all producers' connections
	// there.
	gathered := func(before string) (leader string) {
		eventually(t, func() bool {
			var err error
			leader, err = locate(ctx)
			nodes := connectedNodes(outputs, queue)
			return err == nil && leader != "" && leader != before && len(nodes) == len(producers) &&
				nodes[0] == leader && nodes[len(nodes)-1] == leader
		}, "the producers did not gather where the leader is")
		return leader
	}
	leader := gathered("")
	var moves int64
	for _, p := range producers {
		moves += p.Stats().Moves
		require.Zero(t, p.Stats().Reconnects)
		require.Equal(t, p.Stats().Published, p.Stats().Accepted, "moving publishes nothing again")
	}
	require.GreaterOrEqual(t, moves, int64(len(outputs.Nodes)-1))

	i := slices.IndexFunc(outputs.Nodes, func(n topology.NodeOutput) bool { return n.NodeName == leader })
	container := outputs.Nodes[i].Container
	engine.kill(container)
	func() {
		defer engine.start(container)
		gathered(leader)
	}()
	stop()
	require.NoError(t, publishing.Wait())
	eventually(t, func() bool { return onlineMembers(outputs, queue) == len(outputs.Nodes) },
		"the killed node did not come back")
}
