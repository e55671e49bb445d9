package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"warren/agent/plan"
	"warren/topology"
)

// The types of queues.
const (
	Classic = topology.ClassicQueue
	Quorum  = topology.QuorumQueue
	Stream  = topology.StreamQueue
)

// Queue is where a queue lives.
type Queue struct {
	VHost string `json:"vhost"`
	Name  string `json:"name"`
	// Type is [Quorum], [Classic], [Stream], or another that a plugin brings.
	Type       string `json:"type"`
	Durable    bool   `json:"durable"`
	AutoDelete bool   `json:"autoDelete,omitempty"`
	// State is as the management API tells it: "running", "minority", "down", ...
	State string `json:"state"`
	// Leader, Members and Online are Erlang node names. A classic queue has its one node as each of them.
	Leader  string   `json:"leader"`
	Members []string `json:"members"`
	Online  []string `json:"online"`
	// NonVoters are the members that were added and have not been promoted to voters yet, as a quorum queue
	// tells itself (4.0 and later).
	NonVoters []string `json:"nonVoters,omitempty"`
	// Behind are the members of a quorum queue that lack entries of its log which were committed a look
	// earlier, and how many they lack.
	Behind map[string]int64 `json:"behind,omitempty"`
	// GroupSize is how many replicas the queue was declared with.
	GroupSize int `json:"groupSize"`

	Messages int `json:"messages"`
	// Consumers may be [UnknownConsumers].
	Consumers int `json:"consumers"`
}

// UnknownConsumers is the number of consumers of a queue when statistics can't be had.
const UnknownConsumers = -1

// ID names the queue.
func (q Queue) ID() plan.QueueID { return plan.QueueID{VHost: q.VHost, Name: q.Name} }

// Replicated tells whether the queue has replicas, of which a majority must take part.
func (q Queue) Replicated() bool { return q.Type == Quorum || q.Type == Stream }

// The states of a classic queue that runs, and those of one that does not.
var (
	up   = []string{"running", "idle", "flow", "syncing"}
	down = []string{"down", "stopped", "crashed", "terminated"}
)

// Down tells whether the queue is a classic one that does not run.
func (q Queue) Down() bool { return q.Type == Classic && slices.Contains(down, q.State) }

// queueColumns asks for the fields of [listed]. In full the answer has the details of every consumer.
const queueColumns = "?columns=vhost,name,type,state,durable,auto_delete,exclusive,leader,node,members,online,arguments,effective_policy_definition,messages,consumers"

func queuePath(vhost, name string) string {
	return "queues/" + url.PathEscape(vhost) + "/" + url.PathEscape(name)
}

// Lacks returns how many replicas the queue has fewer than it was declared with, as far as a cluster of so
// many nodes can hold them.
func (q Queue) Lacks(nodes int) int {
	return max(0, min(q.GroupSize, nodes)-len(q.Members))
}

// Queue returns where a queue lives, as the first node knows it that answers.
func (c *Cluster) Queue(ctx context.Context, vhost, name string) (Queue, error) {
	failures := []error{fmt.Errorf("find queue %q in vhost %q: %w", name, vhost, ErrNoNodeAnswers)}
	for _, node := range c.outputs.Nodes {
		queue, err := c.getQueue(ctx, node, vhost, name)
		if err == nil {
			return queue, nil
		}
		if ctx.Err() != nil {
			return Queue{}, fmt.Errorf("find queue %q in vhost %q: %w", name, vhost, context.Cause(ctx))
		}
		failures = append(failures, fmt.Errorf("%s: %w", node.Name, err))
	}
	return Queue{}, errors.Join(failures...)
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

// Locate returns what clients.WithAffinity asks for: a function that finds the node that leads a queue, by
// its Erlang name. It takes the word of more than half of all nodes, and fails if they do not agree: a node
// that was cut off from its peers goes on answering, and names itself.
func (c *Cluster) Locate(vhost, name string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		queues := make([]Queue, len(c.outputs.Nodes))
		failures := make([]error, len(c.outputs.Nodes))
		var asking sync.WaitGroup
		for i, node := range c.outputs.Nodes {
			asking.Go(func() { queues[i], failures[i] = c.getQueue(ctx, node, vhost, name) })
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
func (c *Cluster) getQueue(ctx context.Context, node topology.NodeOutput, vhost, name string) (Queue, error) {
	var record listed
	if err := c.Get(ctx, node, queuePath(vhost, name)+queueColumns, &record); err != nil {
		return Queue{}, err
	}
	return record.queue(), nil
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

// String names the queue; the default vhost goes without saying.
func (q Queue) String() string {
	if q.VHost == "/" {
		return q.Name
	}
	return q.VHost + " " + q.Name
}
