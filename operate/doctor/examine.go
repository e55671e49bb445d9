package doctor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/agent/plan"
	"warren/operate/cluster"
	"warren/operate/health"
)

// Examination is what the doctor looks at.
type Examination struct {
	Status health.Status
	// Leftovers are what injected faults have left behind, a line each.
	Leftovers []string
	// Logs are the last lines that nodes wrote which run and do not answer, by the node's name.
	Logs map[string]string
	// Own are the queues that a node knows which is in another cluster than most, by the node's name. A node
	// that could not tell is not in it.
	Own map[string][]cluster.Queue
	// Stack is the stack's name, for commands.
	Stack string
	// Network is the name of the cluster's network, for commands.
	Network string
}

// logWindow is how far back the log of a node is read that does not answer.
const logWindow = 10 * time.Minute

// FindLeftovers finds what injected faults have left behind, a line each. The wing that injects faults has
// one.
type FindLeftovers func(context.Context, *cluster.Cluster) ([]string, error)

// Examine looks at a cluster. What cannot be looked at because of what is wrong is left out.
func Examine(ctx context.Context, c *cluster.Cluster, leftovers FindLeftovers) (Examination, error) {
	e, err := examine(ctx, c, leftovers)
	if err != nil {
		return e, fmt.Errorf("examine stack %q: %w", c.Stack(), err)
	}
	return e, nil
}

func examine(ctx context.Context, c *cluster.Cluster, leftovers FindLeftovers) (Examination, error) {
	e := Examination{
		Stack: c.Stack(), Network: c.Outputs().Network,
		Logs: map[string]string{}, Own: map[string][]cluster.Queue{},
	}
	var group errgroup.Group
	group.Go(func() (err error) {
		e.Status, err = health.Observe(ctx, c)
		return err
	})
	group.Go(func() (err error) {
		e.Leftovers, err = leftovers(ctx, c)
		return err
	})
	if err := group.Wait(); err != nil {
		return e, err
	}
	home := plan.Home(nodesOf(e.Status))
	for _, node := range e.Status.Nodes {
		switch {
		case node.Answers() && node.ClusterID != home:
			if queues, err := c.Queues(ctx, node.NodeOutput); err == nil {
				e.Own[node.Name] = queues
			}
		case !node.Answers() && node.State != cluster.StateMissing:
			log, err := c.Logs(ctx, node.Container, e.Status.Time.Add(-logWindow), e.Status.Time)
			if err != nil {
				return e, err
			}
			e.Logs[node.Name] = log
		}
	}
	// Where connections land says something only if a node could be left out.
	if serving(e.Status) > 1 && e.Status.LoadBalancer.Error == "" {
		spread, err := health.MeasureSpread(ctx, c)
		if ctx.Err() != nil {
			return e, context.Cause(ctx)
		}
		if err == nil { // else the load balancer or the cluster has a problem that its status shows
			e.Status.Spread = spread
		}
	}
	return e, nil
}

// serving counts the nodes that serve AMQP clients.
func serving(status health.Status) int {
	n := 0
	for _, node := range status.Nodes {
		if node.AMQP {
			n++
		}
	}
	return n
}
