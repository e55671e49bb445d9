package rabbit

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
)

// Transfer makes another member of a quorum queue its leader.
type Transfer struct {
	Queue QueueName
	// To is the node of the new leader.
	To string
}

// TransferLeadership asks the leaders of quorum queues on a node to hand over, all at once, and waits until
// they have or have failed to. No endpoint and no command does that.
func (c *Client) TransferLeadership(ctx context.Context, node string, transfers []Transfer) error {
	_, err := c.eval(ctx, node, transferExpression(transfers))
	return err
}

// transferExpression hands over in one process for each queue. Names are in base64, which needs no quoting.
func transferExpression(transfers []Transfer) string {
	list := make([]string, len(transfers))
	for i, t := range transfers {
		list[i] = fmt.Sprintf(`{"%s","%s",'%s'}`, encode(t.Queue.VHost), encode(t.Queue.Name), t.To)
	}
	return `Transfers = [` + strings.Join(list, ",") + `], ` +
		`Workers = [spawn_monitor(fun() -> ` +
		`{ok, Queue} = rabbit_amqqueue:lookup(rabbit_misc:r(base64:decode(V), queue, base64:decode(Q))), ` +
		`rabbit_quorum_queue:transfer_leadership(Queue, N) end) || {V, Q, N} <- Transfers], ` +
		`[receive {'DOWN', Monitor, process, Worker, _} -> ok after 10000 -> late end || {Worker, Monitor} <- Workers], ok.`
}

func encode(name string) string { return base64.StdEncoding.EncodeToString([]byte(name)) }
