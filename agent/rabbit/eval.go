package rabbit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// AppState is what RabbitMQ does in a node whose Erlang virtual machine runs.
type AppState string

// The states of RabbitMQ in an Erlang virtual machine.
const (
	AppRunning AppState = "running"
	AppBooting AppState = "booting"
	AppStopped AppState = "stopped"
)

// AppState asks a node whose virtual machine runs what RabbitMQ does in it. That takes a command-line tool:
// nothing else of RabbitMQ answers there.
func (c *Client) AppState(ctx context.Context, node string) (AppState, error) {
	output, err := c.eval(ctx, node,
		`case {rabbit:is_running(), rabbit:is_booting()} of {true, _} -> running; {_, true} -> booting; _ -> stopped end.`)
	return AppState(strings.TrimSpace(output)), err
}

// InMaintenance tells whether a node is in maintenance mode. It is for series before 3.11, which do not
// tell otherwise.
func (c *Client) InMaintenance(ctx context.Context, node string) (bool, error) {
	output, err := c.eval(ctx, node, `rabbit_maintenance:is_being_drained_local_read(node()).`)
	return strings.TrimSpace(output) == "true", err
}

// Standing is how a node stands, by its own word.
type Standing struct {
	// Members is how many members its cluster has, and Queues how many queues.
	Members int `json:"members"`
	Queues  int `json:"queues"`
	// Drained tells whether the node is in maintenance mode.
	Drained bool `json:"drained"`
}

// standing uses functions that all series have.
const standing = `#{members => length(rabbit_nodes:all()), queues => rabbit_amqqueue:count(), ` +
	`drained => rabbit_maintenance:is_being_drained_local_read(node())}.`

// Standing asks a node how it stands that has closed its listeners, and so can only be asked by a
// command-line tool.
func (c *Client) Standing(ctx context.Context, node string) (Standing, error) {
	var s Standing
	output, err := c.eval(ctx, node, standing, "--formatter", "json")
	if err != nil {
		return s, err
	}
	if err := unmarshalValue(output, &s); err != nil {
		return s, fmt.Errorf("how %s stands: %w", node, err)
	}
	return s, nil
}

// eval evaluates an Erlang expression on a node.
func (c *Client) eval(ctx context.Context, node, expression string, options ...string) (string, error) {
	return c.tools.Run(ctx, Command{Tool: CTL, Node: node,
		Args: append(append([]string{"eval"}, options...), expression)})
}

// StreamReplica is a replica of a stream that runs.
type StreamReplica struct {
	// Offset is that of the last message the replica has, Committed that of the last one it knows to be
	// committed; -1 if there is none.
	Offset    int64 `json:"offset"`
	Committed int64 `json:"committed"`
}

// streamReplicas reads the counters of the stream replicas on every running member. Neither the management
// API nor the metrics tell how far a replica is.
const streamReplicas = `[#{vhost => V, name => Q, node => N, offset => maps:get(offset, C, -1), committed => maps:get(committed_offset, C, -1)} || ` +
	`N <- rabbit_nodes:all_running(), ` +
	`{{Kind, {resource, V, queue, Q}}, C} <- maps:to_list(rpc:call(N, osiris_counters, overview, [], 15000)), ` +
	`Kind =:= osiris_writer orelse Kind =:= osiris_replica].`

// StreamReplicas returns the replicas of streams that run, by stream and node.
func (c *Client) StreamReplicas(
	ctx context.Context, node string,
) (map[QueueName]map[string]StreamReplica, error) {
	output, err := c.eval(ctx, node, streamReplicas, "--formatter", "json")
	if err != nil {
		return nil, err
	}
	var list []struct {
		VHost string `json:"vhost"`
		Name  string `json:"name"`
		Node  string `json:"node"`
		StreamReplica
	}
	if err := unmarshalValue(output, &list); err != nil {
		return nil, fmt.Errorf("the replicas of streams: %w", err)
	}
	replicas := map[QueueName]map[string]StreamReplica{}
	for _, r := range list {
		name := QueueName{r.VHost, r.Name}
		if replicas[name] == nil {
			replicas[name] = map[string]StreamReplica{}
		}
		replicas[name][r.Node] = r.StreamReplica
	}
	return replicas, nil
}

// unmarshalValue decodes what eval prints as JSON: the value itself, or, as 4.3 does, an object that has it
// under "value".
func unmarshalValue(output string, into any) error {
	var wrapped struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal([]byte(output), &wrapped); err == nil && wrapped.Value != nil {
		output = string(wrapped.Value)
	}
	return json.Unmarshal([]byte(output), into)
}
