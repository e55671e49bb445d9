package rabbit

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
)

// concurrency is how many requests are made of a node at a time when there are many to make. More gain
// nothing on two cores, where 1,000 take two seconds.
const concurrency = 4

// QueueInfo is a queue as the management API lists it without statistics.
type QueueInfo struct {
	VHost      string         `json:"vhost"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	State      string         `json:"state"`
	Node       string         `json:"node"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Exclusive  bool           `json:"exclusive"`
	Arguments  map[string]any `json:"arguments"`
	// Policy is what the policies in effect say; 3.10 does not tell.
	Policy map[string]any `json:"effective_policy_definition"`
	Leader string         `json:"leader"`
	// Members are the nodes with a replica of a quorum queue or stream; Online those of them that run.
	Members []string `json:"members"`
	Online  []string `json:"online"`
	// Mirrors are the nodes with a mirror of a classic queue, in 3.x; SyncedMirrors those with all
	// messages.
	Mirrors       []string `json:"slave_nodes"`
	SyncedMirrors []string `json:"synchronised_slave_nodes"`
}

// Asked is the number of replicas that a policy or argument asks for; 0 if none does.
func (q QueueInfo) Asked() int {
	for _, candidate := range []any{
		q.Policy["target-group-size"], q.Arguments["x-quorum-target-group-size"],
		q.Arguments["x-quorum-initial-group-size"], q.Arguments["x-initial-cluster-size"],
	} {
		if n, ok := candidate.(float64); ok && n >= 1 && n == math.Trunc(n) {
			return int(n)
		}
	}
	return 0
}

// QueuesOf lists all queues. It does so in one answer: pages are taken at different times, and what is
// deleted in between moves a queue from a page that is still to come to one that was read already. One
// answer costs RabbitMQ less, too.
func (c *Client) QueuesOf(ctx context.Context, node string) ([]QueueInfo, error) {
	var queues []QueueInfo
	err := c.get(ctx, node, "/api/queues?disable_stats=true", &queues)
	return queues, err
}

// Queue returns one queue.
func (c *Client) Queue(ctx context.Context, node string, queue QueueName) (QueueInfo, error) {
	var info QueueInfo
	err := c.get(ctx, node, "/api/queues/"+segment(queue.VHost)+"/"+segment(queue.Name)+
		"?disable_stats=true", &info)
	return info, err
}

// RaftMember is a member of a quorum queue's Raft group.
type RaftMember struct {
	Node string `json:"Node Name"`
	// State is Raft's, such as "leader" or "follower", "noproc" if the member does not run, or why it could
	// not be asked.
	State string `json:"Raft State"`
	// Membership is "voter", "promotable" or "non_voter"; empty if unknown.
	Membership string `json:"Membership"`
	// LastWritten, SnapshotIndex and CommitIndex are unknown, then -1, of a member that does not run.
	LastWritten   Index `json:"Last Written"`
	SnapshotIndex Index `json:"Snapshot Index"`
	CommitIndex   Index `json:"Commit Index"`
}

// Stored is how far the member has the log on its disk; see RaftGroup.
func (m RaftMember) Stored() Index { return max(m.LastWritten, m.SnapshotIndex) }

// Index is a place in a Raft log; unknown is written as "".
type Index int64

// UnmarshalJSON reads a number, or text as unknown.
func (i *Index) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*i = -1
		return nil
	}
	var n int64
	if _, err := fmt.Sscan(string(text), &n); err != nil {
		return err
	}
	*i = Index(n)
	return nil
}

// QueueName names a queue.
type QueueName struct{ VHost, Name string }

// QuorumStatus returns the members of a quorum queue, from 3.13 on.
func (c *Client) QuorumStatus(ctx context.Context, node string, queue QueueName) ([]RaftMember, error) {
	var members []RaftMember
	err := c.get(ctx, node, quorumPath(queue)+"/status", &members)
	return members, err
}

// QuorumStatuses returns the members of many quorum queues. A queue that could not be asked about is not in
// the result.
func (c *Client) QuorumStatuses(
	ctx context.Context, node string, queues []QueueName,
) map[QueueName][]RaftMember {
	statuses := make(map[QueueName][]RaftMember, len(queues))
	var mu sync.Mutex
	work := make(chan QueueName)
	var workers sync.WaitGroup
	for range min(concurrency, len(queues)) {
		workers.Go(func() {
			for queue := range work {
				members, err := c.QuorumStatus(ctx, node, queue)
				if err != nil {
					continue
				}
				mu.Lock()
				statuses[queue] = members
				mu.Unlock()
			}
		})
	}
	for _, queue := range queues {
		work <- queue
	}
	close(work)
	workers.Wait()
	return statuses
}

// AddReplica adds a member to a quorum queue, from 3.13 on. It begins as one that may not vote until it has
// caught up.
func (c *Client) AddReplica(ctx context.Context, node string, queue QueueName, member string) error {
	return c.do(ctx, http.MethodPost, node, quorumPath(queue)+"/replicas/add",
		map[string]string{"node": member}, nil)
}

// RemoveReplica removes a member of a quorum queue, from 3.13 on.
func (c *Client) RemoveReplica(ctx context.Context, node string, queue QueueName, member string) error {
	return c.do(ctx, http.MethodDelete, node, quorumPath(queue)+"/replicas/delete",
		map[string]string{"node": member}, nil)
}

func quorumPath(queue QueueName) string {
	return "/api/queues/quorum/" + segment(queue.VHost) + "/" + segment(queue.Name)
}
