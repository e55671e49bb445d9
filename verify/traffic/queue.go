package traffic

import (
	"context"
	"errors"
	"fmt"
	"strings"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/operate/cluster"
	"warren/topology"
)

// VHost is where the queues of traffic live.
const VHost = "/"

// Queue is a queue that carries traffic and nothing else. It has no length limit, so that a fault which stops
// consumers does not make it refuse messages.
type Queue struct {
	Name string
	// Type is "quorum", "classic" or "stream".
	Type string
	// Replicas is how many nodes hold a quorum queue; 0 leaves it to the cluster.
	Replicas int
	// Node asks the node of that Erlang name to declare the queue, so that it lives, or is led, there; empty for
	// any.
	Node string
}

// String describes the queue in a sentence.
func (q Queue) String() string {
	switch {
	case q.Type == topology.ClassicQueue:
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
	arguments := map[string]any{topology.QueueTypeArgument: q.Type}
	if q.Replicas > 0 {
		arguments["x-quorum-initial-group-size"] = q.Replicas
	}
	if q.Node != "" {
		arguments[q.locator(series)] = "client-local"
	}
	declare := func(api *rabbithole.Client) error {
		response, err := api.DeclareQueue(VHost, q.Name,
			rabbithole.QueueSettings{Durable: true, Arguments: arguments})
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
	if q.Type == topology.ClassicQueue && series.HasQueueMasterLocator() {
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
//
// The management API can't delete a queue that an interrupted deletion has left half deleted: its record is
// there, and no replica runs. rabbitmqctl can.
func (q Queue) Delete(ctx context.Context, c *cluster.Cluster) error {
	byAPI := c.AskAny(ctx, func(api *rabbithole.Client) error {
		response, err := api.DeleteQueue(VHost, q.Name) // which takes "not found" for success
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
	if byAPI == nil {
		return nil
	}
	byTool := q.deleteByTool(ctx, c)
	if byTool == nil {
		return nil
	}
	return fmt.Errorf("delete queue %q: %w", q.Name, errors.Join(byAPI, byTool))
}

// deleteByTool deletes the queue with rabbitmqctl, on the first node on which that works.
func (q Queue) deleteByTool(ctx context.Context, c *cluster.Cluster) error {
	var failures []error
	for _, node := range c.Nodes() {
		result, err := c.Exec(ctx, node.Container, "rabbitmqctl", "delete_queue", "--vhost", VHost, q.Name)
		switch {
		case err != nil:
		case result.ExitCode == 0, strings.Contains(result.Stderr+result.Stdout, "not found"):
			return nil
		default:
			err = fmt.Errorf("rabbitmqctl delete_queue on %s: %s", node.Name, strings.TrimSpace(result.Stderr))
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// Sweep deletes every queue whose name begins with prefix: those of runs that could not do it themselves. A
// queue that nobody deletes would keep the cluster from ever being healthy.
func Sweep(ctx context.Context, c *cluster.Cluster, prefix string) error {
	var names []string
	err := c.AskAny(ctx, func(api *rabbithole.Client) error {
		queues, err := api.ListQueuesIn(VHost)
		if err != nil {
			return err
		}
		names = nil
		for _, q := range queues {
			if strings.HasPrefix(q.Name, prefix) {
				names = append(names, q.Name)
			}
		}
		return nil
	})
	for _, name := range names {
		err = errors.Join(err, Queue{Name: name}.Delete(ctx, c))
	}
	if err != nil {
		return fmt.Errorf("delete queues that earlier runs left: %w", err)
	}
	return nil
}
