package traffic

import (
	"context"
	"fmt"
	"strings"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/operate/cluster"
	"warren/topology"
)

// VHost is where the queues of traffic live.
const VHost = "/"

// Queue is a queue that carries traffic and nothing else. It has no length limit, so that a fault which stops consumers
// does not make it refuse messages.
type Queue struct {
	Name string
	// Type is "quorum" or "classic".
	Type string
	// Replicas is how many nodes hold a quorum queue; 0 leaves it to the cluster.
	Replicas int
	// Node asks the node of that Erlang name to declare the queue, so that it lives, or is led, there; empty for any.
	Node string
}

// String describes the queue in a sentence.
func (q Queue) String() string {
	switch {
	case q.Type == "classic":
		return "a classic queue, which lives on one node"
	case q.Replicas > 0:
		return fmt.Sprintf("a quorum queue with %d replicas", q.Replicas)
	}
	return "a quorum queue"
}

// Declare creates the queue.
func (q Queue) Declare(ctx context.Context, c *cluster.Cluster) error {
	series, err := topology.ParseSeries(c.Outputs().RabbitMQSeries)
	if err != nil {
		return fmt.Errorf("declare queue %q: stack output rabbitmqSeries: %w", q.Name, err)
	}
	arguments := map[string]any{"x-queue-type": q.Type}
	if q.Replicas > 0 {
		arguments["x-quorum-initial-group-size"] = q.Replicas
	}
	if q.Node != "" {
		arguments[q.locator(series)] = "client-local"
	}
	declare := func(api *rabbithole.Client) error {
		response, err := api.DeclareQueue(VHost, q.Name, rabbithole.QueueSettings{Durable: true, Arguments: arguments})
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := q.ask(ctx, c, declare); err != nil {
		return fmt.Errorf("declare queue %q: %w", q.Name, err)
	}
	return nil
}

// locator is the argument that says on which node the queue is to live.
func (q Queue) locator(series topology.Series) string {
	if q.Type == "classic" && series.HasQueueMasterLocator() {
		return "x-queue-master-locator"
	}
	return "x-queue-leader-locator"
}

// ask asks the queue's node, or any.
func (q Queue) ask(ctx context.Context, c *cluster.Cluster, question func(*rabbithole.Client) error) error {
	if q.Node == "" {
		return c.AskAny(ctx, question)
	}
	node, err := c.Node(q.Node)
	if err != nil {
		return err
	}
	return question(c.Management(ctx, node))
}

// Delete deletes the queue and what is in it. A queue that does not exist is no error.
func (q Queue) Delete(ctx context.Context, c *cluster.Cluster) error {
	err := c.AskAny(ctx, func(api *rabbithole.Client) error { return deleteBy(api, q.Name) })
	if err != nil {
		return fmt.Errorf("delete queue %q: %w", q.Name, err)
	}
	return nil
}

// Sweep deletes every queue whose name begins with prefix: those of runs that could not do it themselves. A queue that nobody
// heals would keep the cluster from being healthy for ever.
func Sweep(ctx context.Context, c *cluster.Cluster, prefix string) error {
	err := c.AskAny(ctx, func(api *rabbithole.Client) error {
		queues, err := api.ListQueuesIn(VHost)
		if err != nil {
			return err
		}
		for _, q := range queues {
			if !strings.HasPrefix(q.Name, prefix) {
				continue
			}
			if err := deleteBy(api, q.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete queues that earlier runs left: %w", err)
	}
	return nil
}

// deleteBy deletes a queue by way of one node. A queue that does not exist is no error.
func deleteBy(api *rabbithole.Client, name string) error {
	response, err := api.DeleteQueue(VHost, name) // which takes "not found" for success
	if err != nil {
		return err
	}
	return response.Body.Close()
}
