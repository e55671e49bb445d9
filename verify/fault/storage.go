package fault

import (
	"context"
	"fmt"
	"time"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault/disk/order"
	"warren/verify/fault/effect"
	"warren/verify/fault/storage"
	"warren/verify/fault/swap"
)

// diskFault is a fault of the disks of some nodes.
type diskFault struct {
	who effect.Victims
	// what says what was done to them, with a %s for their names.
	what string
	// do breaks the disks and returns the evidence that it took effect.
	do storage.Damage
}

// diskInjection is a diskFault in effect.
type diskInjection struct {
	effect.Injected
	aftermath string
}

// Aftermath says what it took to bring the nodes back once their disks were whole; empty if nothing.
func (i *diskInjection) Aftermath() string { return i.aftermath }

// inject is the Inject of the fault.
func (f diskFault) inject(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	nodes, err := f.who(ctx, c, target)
	if err != nil {
		return nil, err
	}
	i := &diskInjection{}
	i.What = fmt.Sprintf(f.what, effect.NameList(nodes))
	i.Undo = func(ctx context.Context) error { return healDisks(ctx, c, nodes, i) }
	_, err = effect.Inject(ctx, i.What, func(ctx context.Context) error {
		evidence, err := f.do(ctx, c, nodes)
		if err == nil {
			i.What += ": " + evidence
		}
		return err
	}, i.Undo)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// stuck is how long the same may be wrong with a cluster whose disks are whole again, until its nodes are
// restarted.
const stuck = 2 * time.Minute

// healDisks makes disks whole and starts the nodes that do not run. What does not recover is restarted, as an
// operator would do, and that is told.
func healDisks(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput, i *diskInjection) error {
	if err := swap.TellAll(ctx, c, nodes, order.Order{Do: order.Clear}); err != nil {
		return err
	}
	if err := effect.StartAll(ctx, c, effect.Containers(nodes)); err != nil {
		return err
	}
	failure := health.WaitRecovered(ctx, c, stuck)
	if failure == nil || ctx.Err() != nil {
		return failure
	}
	i.aftermath = fmt.Sprintf("with its disk whole again, the cluster did not recover by itself (%v), so %s "+
		"was restarted",
		failure, effect.NameList(nodes))
	if err := swap.Kill(ctx, c, nodes); err != nil {
		return err
	}
	if err := effect.StartAll(ctx, c, effect.Containers(nodes)); err != nil {
		return err
	}
	return recovered(ctx, c)
}

// PutOnLyingDisks puts the volumes of all nodes on disks that can be told to lie, and returns when the
// cluster has recovered: nodes that are not on one yet are killed for that, all at once, and started again.
// HealAll undoes it.
func PutOnLyingDisks(ctx context.Context, c *cluster.Cluster) error {
	put, err := swap.PutAll(ctx, c)
	if err != nil || !put {
		return err
	}
	return recovered(ctx, c)
}

// onLyingDisk returns an Available that asks for a number of nodes, and for lying disks.
func onLyingDisk(nodes int) func(*cluster.Cluster) error {
	return func(c *cluster.Cluster) error {
		if err := atLeast(nodes)(c); err != nil {
			return err
		}
		return swap.Available(context.Background(), c)
	}
}
