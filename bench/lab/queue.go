package lab

import (
	"context"
	"errors"

	"warren/operate/cluster"
	"warren/verify/traffic"
)

// QueuePrefix begins the names of the queues that benchmarks declare.
const QueuePrefix = "warren-bench-"

// DeclareQueue declares a queue. A request that was given up may have left half a queue, without replicas,
// which another one would take for whole: it is deleted before the next try.
func DeclareQueue(ctx context.Context, q traffic.Queue, c *cluster.Cluster) error {
	return Patiently(ctx, func(ctx context.Context) error {
		err := q.Declare(ctx, c)
		if err != nil {
			err = errors.Join(err, q.Delete(ctx, c))
		}
		return err
	})
}
