package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/topology"
)

// Queue is where a queue lives.
type Queue struct {
	VHost string `json:"vhost"`
	Name  string `json:"name"`
	// Type is "quorum", "classic" or "stream".
	Type string `json:"type"`
	// State is as the management API tells it: "running", "minority", "down", ...
	State string `json:"state"`
	// Leader, Members and Online are Erlang node names. A classic queue has its one node as each of them.
	Leader  string   `json:"leader"`
	Members []string `json:"members"`
	Online  []string `json:"online"`
	// GroupSize is how many replicas the queue was declared with.
	GroupSize int `json:"groupSize"`

	Messages  int `json:"messages"`
	Consumers int `json:"consumers"`
}

// queueColumns asks for the fields that newQueue reads. In full the answer has the details of every consumer, among them that of
// a channel which is not known yet: an empty list where rabbit-hole expects an object, and fails.
var queueColumns = url.Values{"columns": {
	"vhost,name,type,state,exclusive,leader,node,members,online,arguments,messages,consumers"}}

// Lacks returns how many replicas the queue has fewer than it was declared with, as far as a cluster of so many nodes can
// hold them.
func (q Queue) Lacks(nodes int) int {
	return max(0, min(q.GroupSize, nodes)-len(q.Members))
}

// Queue returns where a queue lives, as the first node knows it that answers.
func (c *Cluster) Queue(ctx context.Context, vhost, name string) (Queue, error) {
	var queue Queue
	err := c.AskAny(ctx, func(api *rabbithole.Client) (err error) {
		queue, err = getQueue(api, vhost, name)
		return err
	})
	if err != nil {
		return Queue{}, fmt.Errorf("find queue %q in vhost %q: %w", name, vhost, err)
	}
	return queue, nil
}

// Leader returns the node that leads a queue. It is an error if there is none just now.
func (c *Cluster) Leader(ctx context.Context, vhost, name string) (topology.NodeOutput, error) {
	queue, err := c.Queue(ctx, vhost, name)
	if err != nil {
		return topology.NodeOutput{}, err
	}
	if queue.Leader == "" {
		return topology.NodeOutput{}, fmt.Errorf("queue %q in vhost %q has no leader", name, vhost)
	}
	return c.Node(queue.Leader)
}

// Locate returns what clients.WithAffinity asks for: a function that finds the node that leads a queue, by its
// Erlang name. It takes the word of more than half of all nodes, and fails if they do not agree: a node that was
// cut off from its peers goes on answering, and names itself.
func (c *Cluster) Locate(vhost, name string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		queues := make([]Queue, len(c.outputs.Nodes))
		failures := make([]error, len(c.outputs.Nodes))
		var asking sync.WaitGroup
		for i, node := range c.outputs.Nodes {
			asking.Go(func() { queues[i], failures[i] = getQueue(c.Management(ctx, node), vhost, name) })
		}
		asking.Wait()
		if leader := agreed(queues); leader != "" {
			return leader, nil
		}
		disagree := fmt.Errorf("no majority of the nodes names a leader of queue %q in vhost %q", name, vhost)
		return "", errors.Join(append([]error{disagree}, failures...)...)
	}
}

// agreed is the leader that more than half of the accounts name.
func agreed(accounts []Queue) string {
	votes := map[string]int{}
	for _, account := range accounts {
		votes[account.Leader]++
		if account.Leader != "" && votes[account.Leader] > len(accounts)/2 {
			return account.Leader
		}
	}
	return ""
}

// getQueue asks one node.
func getQueue(api *rabbithole.Client, vhost, name string) (Queue, error) {
	info, err := api.GetQueueWithParameters(vhost, name, queueColumns)
	if err != nil {
		return Queue{}, err
	}
	return newQueue(rabbithole.QueueInfo(*info)), nil
}

// Followers returns the nodes with a replica of a queue other than its leader's, in the stack's order.
func (c *Cluster) Followers(ctx context.Context, vhost, name string) ([]topology.NodeOutput, error) {
	queue, err := c.Queue(ctx, vhost, name)
	if err != nil {
		return nil, err
	}
	var followers []topology.NodeOutput
	for _, node := range c.outputs.Nodes {
		if node.NodeName != queue.Leader && slices.Contains(queue.Members, node.NodeName) {
			followers = append(followers, node)
		}
	}
	return followers, nil
}

// defaultGroupSize is how many replicas RabbitMQ gives a quorum queue that does not ask for a number.
const defaultGroupSize = 3

func newQueue(info rabbithole.QueueInfo) Queue {
	queue := Queue{
		VHost: info.Vhost, Name: info.Name, Type: info.Type, State: info.Status,
		Leader: info.Leader, Members: info.Members, Online: info.Online,
		Messages: info.Messages, Consumers: info.Consumers,
	}
	if queue.Type == "classic" && info.Node != "" {
		queue.Leader, queue.Members = info.Node, []string{info.Node}
		if info.Status == "running" {
			queue.Online = queue.Members
		}
	}
	queue.GroupSize = len(queue.Members)
	if queue.Type == "quorum" {
		queue.GroupSize = defaultGroupSize
		if size, set := info.Arguments["x-quorum-initial-group-size"].(float64); set {
			queue.GroupSize = int(size)
		}
	}
	slices.Sort(queue.Members)
	slices.Sort(queue.Online)
	return queue
}

// String names the queue; the default vhost goes without saying.
func (q Queue) String() string {
	if q.VHost == "/" {
		return q.Name
	}
	return q.VHost + " " + q.Name
}
