package load

import (
	"context"
	"fmt"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/bench/lab"
	"warren/operate/cluster"
)

// connectionName is what the connections of a load into a queue are called.
func connectionName(queue string) string { return "warren bench " + queue }

// connectedTo is the name of the node that has all connections of a load into a queue; empty if several have.
func connectedTo(ctx context.Context, c *cluster.Cluster, queue string) (node string, err error) {
	err = lab.Patiently(ctx, func(ctx context.Context) error {
		nodes := map[string]bool{}
		err := c.AskAny(ctx, func(api *rabbithole.Client) error {
			connections, err := api.ListConnections()
			for _, connection := range connections {
				if connection.ClientProperties["connection_name"] == connectionName(queue) {
					node = connection.Node
					nodes[node] = true
				}
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case len(nodes) == 0:
			return fmt.Errorf("no connection is called %q", connectionName(queue))
		case len(nodes) > 1:
			node = ""
		}
		return nil
	})
	return node, err
}
