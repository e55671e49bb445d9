package traffic

import (
	"context"
	"fmt"
	"net/http"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/verify/cluster"
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
	arguments := map[string]any{"x-queue-type": q.Type}
	if q.Replicas > 0 {
		arguments["x-quorum-initial-group-size"] = q.Replicas
	}
	if q.Node != "" {
		arguments["x-queue-leader-locator"] = "client-local"
	}
	err := q.ask(ctx, c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.DeclareQueue(VHost, q.Name, rabbithole.QueueSettings{Durable: true, Arguments: arguments})
	})
	if err != nil {
		return fmt.Errorf("declare queue %q: %w", q.Name, err)
	}
	return nil
}

// Delete deletes the queue and what is in it. A queue that does not exist is no error.
func (q Queue) Delete(ctx context.Context, c *cluster.Cluster) error {
	err := c.AskAny(ctx, func(api *rabbithole.Client) error {
		response, err := api.DeleteQueue(VHost, q.Name)
		if response != nil && response.StatusCode == http.StatusNotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete queue %q: %w", q.Name, err)
	}
	return nil
}

// ask asks the queue's node, or any.
func (q Queue) ask(ctx context.Context, c *cluster.Cluster, request func(*rabbithole.Client) (*http.Response, error)) error {
	do := func(api *rabbithole.Client) error {
		_, err := request(api)
		return err
	}
	if q.Node == "" {
		return c.AskAny(ctx, do)
	}
	node, err := c.Node(q.Node)
	if err != nil {
		return err
	}
	return do(c.Management(ctx, node))
}
