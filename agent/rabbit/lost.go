package rabbit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What a node has lost is kept in the cluster as global parameters, in parts:
// "warren_lost_replicas.0.rabbit@rabbit2".
const (
	lostPrefix = "warren_lost_replicas."
	// lostPart is how many queues one part names: at the longest name that AMQP allows, 255 bytes for the
	// queue's and as many for the virtual host's, it stays far below what the management API takes in a
	// request.
	lostPart = 2000
)

func lostName(part int, node string) string { return lostPrefix + strconv.Itoa(part) + "." + node }

// LostReplicas returns the queues of which nodes had replicas before their data were lost, by node.
func (c *Client) LostReplicas(ctx context.Context, node string) (map[string][]QueueName, error) {
	parameters, err := c.GlobalParameters(ctx, node)
	if err != nil {
		return nil, err
	}
	lost := map[string][]QueueName{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		rest, ours := strings.CutPrefix(name, lostPrefix)
		_, member, ok := strings.Cut(rest, ".")
		if !ours || !ok {
			continue
		}
		var queues [][2]string
		if err := json.Unmarshal(parameters[name], &queues); err != nil {
			return nil, fmt.Errorf("the global parameter %s: %w", name, err)
		}
		for _, q := range queues {
			lost[member] = append(lost[member], QueueName{q[0], q[1]})
		}
	}
	return lost, nil
}

// SetLostReplicas writes down which replicas a member has lost, instead of what was written down of it
// before. What was added is there first and what is no more goes last, so that an interruption forgets
// nothing.
func (c *Client) SetLostReplicas(ctx context.Context, node, member string, queues []QueueName) error {
	before, err := c.GlobalParameters(ctx, node)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	part := 0
	for chunk := range slices.Chunk(queues, lostPart) {
		pairs := make([][2]string, len(chunk))
		for i, q := range chunk {
			pairs[i] = [2]string{q.VHost, q.Name}
		}
		name := lostName(part, member)
		if err := c.SetGlobalParameter(ctx, node, name, pairs); err != nil {
			return err
		}
		written[name] = true
		part++
	}
	for name := range before {
		rest, ours := strings.CutPrefix(name, lostPrefix)
		_, whose, _ := strings.Cut(rest, ".")
		if !ours || whose != member || written[name] {
			continue
		}
		if err := c.ClearGlobalParameter(ctx, node, name); err != nil {
			return err
		}
	}
	return nil
}
