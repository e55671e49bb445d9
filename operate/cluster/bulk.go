package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// manyQueues is from how many quorum queues on their replicas are asked for all at once. That takes an
// Erlang VM for a command-line tool, which costs as much as asking for so many queues one by one. Tests
// change it.
var manyQueues = 100

// allReplicas prints the replicas of all quorum queues, as /api/queues/quorum/{vhost}/{name}/status does of
// one. A node that does not answer in time is left out.
const allReplicas = `Queues = [{amqqueue:get_name(Q), element(1, amqqueue:get_pid(Q))} || Q <- rabbit_amqqueue:list(),
    amqqueue:get_type(Q) =:= rabbit_quorum_queue],
[#{vhost => VHost, name => Name, 'Node Name' => Node, 'Raft State' => maps:get(state, M),
   'Membership' => maps:get(membership, M, ''),
   'Last Written' => maps:get(last_written_index, M, ''), 'Snapshot Index' => maps:get(snapshot_index, M, ''),
   'Commit Index' => maps:get(commit_index, M, '')} ||
    Node <- rabbit_nodes:list_running(),
    Metrics <- [rpc:call(Node, lists, map, [fun ra:key_metrics/1, [{Server, Node} || {_, Server} <- Queues]], 10000)],
    is_list(Metrics),
    {{{resource, VHost, queue, Name}, _}, M} <- lists:zip(Queues, Metrics)].`

// replicasOfAll returns the replicas of all quorum queues, as the node reaches them. It fails on series
// whose Raft library does not tell (3.12 and before).
func (c *Cluster) replicasOfAll(
	ctx context.Context, node topology.NodeOutput,
) (map[plan.QueueID][]replica, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	output, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval", "--formatter", "json", allReplicas)
	if err != nil {
		return nil, err
	}
	return parseReplicas(output)
}

func parseReplicas(output string) (map[plan.QueueID][]replica, error) {
	var answer struct {
		List []struct {
			VHost string `json:"vhost"`
			Name  string `json:"name"`
			replica
		} `json:"value"`
	}
	if err := json.Unmarshal([]byte(output), &answer); err != nil {
		return nil, fmt.Errorf("replicas of all queues: %w", err)
	}
	replicas := map[plan.QueueID][]replica{}
	for _, r := range answer.List {
		id := plan.QueueID{VHost: r.VHost, Name: r.Name}
		replicas[id] = append(replicas[id], r.replica)
	}
	return replicas, nil
}

// askMany is askQuorum for many queues. It fails if they have to be asked one by one.
func (c *Cluster) askMany(ctx context.Context, node topology.NodeOutput, queues []*Queue) error {
	first, err := c.replicasOfAll(ctx, node)
	if err != nil {
		return err
	}
	var lagging []*Queue
	for _, queue := range queues {
		if replicas, known := first[queue.ID()]; known { // else it was declared since
			queue.judge(membersOnly(replicas, queue.Members))
		}
		if len(queue.Behind) > 0 {
			lagging = append(lagging, queue)
		}
	}
	if len(lagging) == 0 {
		return nil
	}
	again, err := c.replicasOfAll(ctx, node)
	if err != nil {
		return err
	}
	for _, queue := range lagging {
		was := committed(membersOnly(first[queue.ID()], queue.Members))
		queue.Behind = behind(membersOnly(again[queue.ID()], queue.Members), was)
	}
	return nil
}

// membersOnly leaves out the nodes without a replica, which say so.
func membersOnly(replicas []replica, members []string) []replica {
	var rest []replica
	for _, r := range replicas {
		if slices.Contains(members, r.Node) {
			rest = append(rest, r)
		}
	}
	return rest
}
