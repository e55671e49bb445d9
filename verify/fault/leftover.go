package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
	"warren/verify/fault/packet"
	"warren/verify/fault/resource"
	"warren/verify/fault/swap"
)

// Leftover is something that a fault did and nobody undid.
type Leftover struct {
	// Where is the node or container it was found in.
	Where string `json:"where"`
	// What says what it is.
	What string `json:"what"`
}

// String is one line for people.
func (l Leftover) String() string { return l.Where + ": " + l.What }

// Leftovers returns what HealAll would undo, nodes that do not run excepted: those may have been stopped by
// an operator.
func Leftovers(ctx context.Context, c *cluster.Cluster) ([]Leftover, error) {
	var mutex sync.Mutex
	var found []Leftover
	add := func(where, format string, args ...any) {
		mutex.Lock()
		defer mutex.Unlock()
		found = append(found, Leftover{where, fmt.Sprintf(format, args...)})
	}
	sidecars, err := packet.ByRole(ctx, c, topology.RoleFault)
	if err != nil {
		return nil, err
	}
	for _, sidecar := range sidecars {
		add(sidecar.Labels[topology.LabelNode], "a container %.12s that injects a fault", sidecar.ID)
	}
	lying, err := swap.Nodes(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, node := range lying {
		add(node.Name, "its volume is on a disk that can be told to lie")
	}
	for _, containerName := range pausable(c) {
		state, err := c.State(ctx, containerName)
		if err != nil {
			return nil, err
		}
		if state == "paused" {
			add(containerName, "the container is paused")
		}
		throttled, err := resource.Throttled(ctx, c, containerName)
		if err != nil {
			return nil, err
		}
		if throttled {
			add(containerName, "the container gets only a part of one processor")
		}
	}
	err = parallel.Each(c.Nodes(), func(node topology.NodeOutput) error {
		state, err := c.State(ctx, node.Container)
		if err != nil || state != "running" {
			return err
		}
		rules, err := rulesLeft(ctx, c, node)
		if err != nil {
			return err
		}
		if rules != "" {
			add(node.Name, "packet filters in the chain %s", packet.Chain)
		}
		left, err := marks(ctx, c, node)
		for _, mark := range left {
			add(node.Name, "the mark %s/%s of a fault inside the node", markDirectory, mark)
		}
		return err
	})
	slices.SortFunc(found, func(a, b Leftover) int { return strings.Compare(a.String(), b.String()) })
	return found, err
}

// DescribeLeftovers is Leftovers as text, a line each.
func DescribeLeftovers(ctx context.Context, c *cluster.Cluster) ([]string, error) {
	found, err := Leftovers(ctx, c)
	lines := make([]string, len(found))
	for i, leftover := range found {
		lines[i] = leftover.String()
	}
	return lines, err
}

// HealAll undoes all that faults have done to a cluster, whoever injected them, and returns when that is seen
// to be done: containers that are paused, throttled or stopped, packet filters, lying disks, limits, cookies,
// nodes out of the cluster. Whether the cluster has recovered is for health.WaitHealthy to say.
func HealAll(ctx context.Context, c *cluster.Cluster) error {
	err := errors.Join(
		parallel.Each(pausable(c), func(containerName string) error {
			return errors.Join(resource.Thaw(ctx, c, containerName), resource.Release(ctx, c, containerName))
		}),
		parallel.Each(c.Nodes(), func(node topology.NodeOutput) error { return packet.ClearFilters(ctx, c, node) }),
	)
	err = errors.Join(err, swap.TakeAll(ctx, c))
	// With the network whole, nodes that wait for each other at boot can find each other, and start together.
	err = errors.Join(err, effect.StartAll(ctx, c,
		append(effect.Containers(c.Nodes()), c.Outputs().LoadBalancer.Container)))
	for _, node := range c.Nodes() {
		err = errors.Join(err, repairMarked(ctx, c, node))
	}
	if err != nil {
		return fmt.Errorf("heal what faults have left: %w", err)
	}
	return nil
}

// pausable returns the containers of the stack that a fault may have paused.
func pausable(c *cluster.Cluster) []string {
	list := []string{c.Outputs().LoadBalancer.Container}
	for _, node := range c.Nodes() {
		list = append(list, node.Container, node.Membership)
	}
	return list
}

// rulesLeft returns the packet filters that faults have left in a node's network.
func rulesLeft(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (rules string, err error) {
	if err := packet.HaveTools(ctx, c); errors.Is(err, packet.ErrNoTools) {
		return "", nil // so nobody can have filtered anything
	}
	s, err := packet.OpenSidecar(ctx, c, node)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	return s.Run(ctx, packet.FindScript+`echo "$found"`)
}
