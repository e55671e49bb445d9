package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/topology"
)

// listTimeout bounds a list of all queues. RabbitMQ 4.3 took 2 s for 11,000 on two busy cores.
const listTimeout = 20 * time.Second

// Queues returns the queues of the cluster, exclusive ones left out, as one node knows them, with the
// replicas as they are themselves.
//
// They are listed in one answer and without statistics. RabbitMQ sorts all queues for every page, so that
// 11,000 of them took 27 s by pages of 500 and 2 s at once.
func (c *Cluster) Queues(ctx context.Context, node topology.NodeOutput) ([]Queue, error) {
	var records []listed
	var consumers []struct {
		Queue struct {
			VHost string `json:"vhost"`
			Name  string `json:"name"`
		} `json:"queue"`
	}
	var group errgroup.Group
	group.Go(func() error {
		return c.get(ctx, c.http, node, listTimeout, "queues?disable_stats=true&enable_queue_totals=true", &records)
	})
	group.Go(func() error {
		return c.get(ctx, c.http, node, listTimeout, "consumers?columns=queue.vhost,queue.name", &consumers)
	})
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("list queues on %s: %w", node.Name, err)
	}
	consuming := map[[2]string]int{}
	for _, consumer := range consumers {
		consuming[[2]string{consumer.Queue.VHost, consumer.Queue.Name}]++
	}
	var queues []Queue
	for _, record := range records {
		if !record.Exclusive {
			queue := record.queue()
			queue.Consumers = consuming[[2]string{queue.VHost, queue.Name}]
			queues = append(queues, queue)
		}
	}
	slices.SortFunc(queues, func(a, b Queue) int {
		if order := strings.Compare(a.VHost, b.VHost); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	return queues, c.askReplicas(ctx, node, queues)
}

// listed is a queue as the management API shows it.
type listed struct {
	VHost      string         `json:"vhost"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	State      string         `json:"state"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Exclusive  bool           `json:"exclusive"`
	Leader     string         `json:"leader"`
	Node       string         `json:"node"`
	Members    []string       `json:"members"`
	Online     []string       `json:"online"`
	Arguments  map[string]any `json:"arguments"`
	// Policy is what the policies in effect say; 3.10 does not tell.
	Policy    map[string]any `json:"effective_policy_definition"`
	Messages  int            `json:"messages"`
	Consumers int            `json:"consumers"`
}

// defaultGroupSize is how many replicas RabbitMQ gives a quorum queue or stream that does not ask for a
// number.
const defaultGroupSize = 3

// sizes are the arguments by which a queue asks for a number of replicas, the first that is there counts.
var sizes = []string{"x-quorum-target-group-size", "x-quorum-initial-group-size", "x-initial-cluster-size"}

func (l listed) queue() Queue {
	queue := Queue{
		VHost: l.VHost, Name: l.Name, Type: l.Type, State: l.State, Durable: l.Durable, AutoDelete: l.AutoDelete,
		Leader: l.Leader, Members: l.Members, Online: l.Online, Messages: l.Messages, Consumers: l.Consumers,
	}
	if queue.Type == Classic && l.Node != "" {
		queue.Leader, queue.Members = l.Node, []string{l.Node}
		if slices.Contains(up, l.State) {
			queue.Online = queue.Members
		}
	}
	queue.GroupSize = len(queue.Members)
	if queue.Replicated() {
		queue.GroupSize = l.groupSize()
	}
	slices.Sort(queue.Members)
	slices.Sort(queue.Online)
	return queue
}

func (l listed) groupSize() int {
	if size, set := l.Policy["target-group-size"].(float64); set {
		return int(size)
	}
	for _, argument := range sizes {
		if size, set := l.Arguments[argument].(float64); set {
			return int(size)
		}
	}
	return defaultGroupSize
}
