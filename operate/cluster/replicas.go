package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"warren/topology"
)

// parallelQueues bounds how many queues' replicas are asked for at once. More gain nothing on two cores.
const parallelQueues = 8

// askReplicas asks all replicated queues of a list for their replicas, as one node reaches them.
func (c *Cluster) askReplicas(ctx context.Context, node topology.NodeOutput, queues []Queue) error {
	api := c.session(node)
	defer api.close()
	var quorum, streams []*Queue
	for i := range queues {
		switch queues[i].Type {
		case Quorum:
			quorum = append(quorum, &queues[i])
		case Stream:
			streams = append(streams, &queues[i])
		}
	}
	if len(quorum) >= manyQueues && c.askMany(ctx, node, quorum) == nil {
		quorum = nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelQueues)
	for _, queue := range quorum {
		group.Go(func() error { return api.askQuorum(ctx, queue) })
	}
	for _, queue := range streams {
		group.Go(func() error { return api.askStream(ctx, queue) })
	}
	return group.Wait()
}

// replica is a quorum queue's member as /api/queues/quorum/{vhost}/{name}/status shows it.
type replica struct {
	Node  string `json:"Node Name"`
	State string `json:"Raft State"`
	// Membership is "voter", "promotable" or "non_voter"; empty if the member did not answer, and before 4.0.
	Membership    string   `json:"Membership"`
	LastWritten   logIndex `json:"Last Written"`
	SnapshotIndex logIndex `json:"Snapshot Index"`
	CommitIndex   logIndex `json:"Commit Index"`
}

// stored is how far the replica has the log on its disk, as entries or in a snapshot. The last entry written
// of one that got a snapshot stays behind that until it gets another entry.
func (r replica) stored() logIndex { return max(r.LastWritten, r.SnapshotIndex) }

// logIndex is a place in a Raft log, 0 if it is not known, for which the API writes "".
type logIndex int64

func (i *logIndex) UnmarshalJSON(data []byte) error {
	*i = 0
	if len(data) > 0 && data[0] == '"' {
		return nil
	}
	return json.Unmarshal(data, (*int64)(i))
}

// askQuorum replaces what a quorum queue's record says of its replicas by what they say themselves. The
// record counts a replica as online when its node runs, and keeps the last leader until there is another
// one.
func (s *session) askQuorum(ctx context.Context, queue *Queue) error {
	replicas, err := s.quorumStatus(ctx, queue)
	if err != nil || replicas == nil {
		return err
	}
	queue.judge(replicas)
	if len(queue.Behind) == 0 {
		return nil
	}
	// What is on its way is not a lag: a replica has caught up if it has by now what was committed when it was
	// asked first.
	again, err := s.quorumStatus(ctx, queue)
	if err == nil && again != nil {
		queue.Behind = behind(again, committed(replicas))
	}
	return err
}

// quorumStatus returns the replicas of a quorum queue; none if the node does not know the queue any more,
// or not the question (3.10 takes the path for a malformed one).
func (s *session) quorumStatus(ctx context.Context, queue *Queue) ([]replica, error) {
	var replicas []replica
	path := "queues/quorum/" + url.PathEscape(queue.VHost) + "/" + url.PathEscape(queue.Name) + "/status"
	err := s.get(ctx, path, &replicas)
	var status *StatusError
	if errors.As(err, &status) && status.Code != http.StatusUnauthorized &&
		status.Code < http.StatusInternalServerError {
		return nil, nil
	}
	return replicas, err
}

// judge fills in what the replicas say.
func (q *Queue) judge(replicas []replica) {
	q.Online, q.Leader, q.NonVoters = nil, "", nil
	for _, replica := range replicas {
		switch replica.State {
		case "leader":
			q.Leader = replica.Node
			q.Online = append(q.Online, replica.Node)
		case "follower", "promotable", "non_voter":
			// Such a member is a follower as well; some series name its state after its membership.
			q.Online = append(q.Online, replica.Node)
		}
		if replica.Membership == "promotable" || replica.Membership == "non_voter" {
			q.NonVoters = append(q.NonVoters, replica.Node)
		}
	}
	slices.Sort(q.Online)
	slices.Sort(q.NonVoters)
	q.Behind = behind(replicas, committed(replicas))
}

// committed is how far the queue's log is known to be committed.
func committed(replicas []replica) logIndex {
	var index logIndex
	for _, replica := range replicas {
		index = max(index, replica.CommitIndex)
	}
	return index
}

// behind returns how many entries of the log up to an index the replicas lack that run.
func behind(replicas []replica, index logIndex) map[string]int64 {
	var lag map[string]int64
	for _, replica := range replicas {
		runs := replica.CommitIndex > 0 || replica.stored() > 0
		if missing := index - replica.stored(); runs && missing > 0 {
			if lag == nil {
				lag = map[string]int64{}
			}
			lag[replica.Node] = int64(missing)
		}
	}
	return lag
}

// askStream fills in the leader and the members of a stream, which lists leave out.
func (s *session) askStream(ctx context.Context, queue *Queue) error {
	var record listed
	err := s.get(ctx, queuePath(queue.VHost, queue.Name)+queueColumns, &record)
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return nil // it has just been deleted
	}
	if err != nil {
		return err
	}
	consumers := queue.Consumers
	*queue = record.queue()
	queue.Consumers = consumers
	return nil
}
