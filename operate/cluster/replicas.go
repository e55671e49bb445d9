package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"warren/topology"
)

// parallelQueues bounds how many queues' replicas are asked for at once.
const parallelQueues = 8

// Queues returns the queues of the cluster, exclusive ones left out, as one node knows them, with the replicas of quorum
// queues as Raft has them.
func (c *Cluster) Queues(ctx context.Context, node topology.NodeOutput) ([]Queue, error) {
	infos, err := c.Management(ctx, node).ListQueuesWithParameters(queueColumns)
	if err != nil {
		return nil, fmt.Errorf("list queues on %s: %w", node.Name, err)
	}
	var queues []Queue
	for _, info := range infos {
		if !info.Exclusive {
			queues = append(queues, newQueue(info))
		}
	}
	slices.SortFunc(queues, func(a, b Queue) int {
		return strings.Compare(a.VHost+"\x00"+a.Name, b.VHost+"\x00"+b.Name)
	})
	var group errgroup.Group
	group.SetLimit(parallelQueues)
	for i := range queues {
		if queues[i].Type == "quorum" {
			group.Go(func() error { return c.askReplicas(ctx, node, &queues[i]) })
		}
	}
	return queues, group.Wait()
}

// askReplicas replaces what the queue's record says of its replicas by what they say themselves. The record counts a
// replica as online when its node runs, and keeps the last leader until there is another one.
func (c *Cluster) askReplicas(ctx context.Context, node topology.NodeOutput, queue *Queue) error {
	var replicas []replica
	path := "queues/quorum/" + url.PathEscape(queue.VHost) + "/" + url.PathEscape(queue.Name) + "/status"
	err := c.Get(ctx, node, path, &replicas)
	var status *StatusError
	if errors.As(err, &status) && status.Code < http.StatusInternalServerError {
		// A series that knows nothing of this (3.10 takes the path for a malformed one), or a queue that has just been deleted.
		return nil
	}
	if err != nil {
		return err
	}
	queue.Online, queue.Leader = nil, ""
	for _, replica := range replicas {
		switch replica.State {
		case "leader":
			queue.Leader = replica.Node
			queue.Online = append(queue.Online, replica.Node)
		case "follower":
			queue.Online = append(queue.Online, replica.Node)
		}
	}
	slices.Sort(queue.Online)
	return nil
}

// replica is a quorum queue's member as /api/queues/quorum/{vhost}/{name}/status shows it.
type replica struct {
	Node  string `json:"Node Name"`
	State string `json:"Raft State"`
}
