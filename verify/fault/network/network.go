// Package network splits the network between nodes, and makes it lose, delay, double and reorder packets.
package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
	"warren/verify/fault/packet"
)

// Interfere puts filters in effect, has the caller's proof that they are, and heals them.
//
// Only what nodes say to each other is filtered: clients, the load balancer and the management API reach
// every node as before, unless a filter is for them.
func Interfere(ctx context.Context, c *cluster.Cluster, what string, filters []packet.Filter,
	proof func(context.Context, *packet.Sidecar, packet.Filter) error) (effect.Injection, error) {
	return effect.Inject(ctx, what,
		func(ctx context.Context) error {
			sidecars := make([]*packet.Sidecar, len(filters))
			var opening errgroup.Group
			for i, f := range filters {
				opening.Go(func() (err error) {
					sidecars[i], err = packet.OpenSidecar(ctx, c, f.Node)
					return err
				})
			}
			if err := opening.Wait(); err != nil {
				return err
			}
			// All are open before the first filter is set, so that all take effect together.
			var group errgroup.Group
			for i, f := range filters {
				group.Go(func() error {
					if err := f.Apply(ctx, sidecars[i]); err != nil {
						return err
					}
					return proof(ctx, sidecars[i], f)
				})
			}
			return group.Wait()
		},
		func(ctx context.Context) error {
			if err := parallel.Each(filters, func(f packet.Filter) error {
				return packet.ClearFilters(ctx, c, f.Node)
			}); err != nil {
				return err
			}
			return parallel.Each(filters, func(f packet.Filter) error { return reconnected(ctx, c, f) })
		})
}

// reconnected makes sure that a node reaches those it was filtered from, as far as they run. They may have
// new addresses by now.
func reconnected(ctx context.Context, c *cluster.Cluster, f packet.Filter) (err error) {
	state, err := c.State(ctx, f.Node.Container)
	if err != nil || state != "running" {
		return err
	}
	var peers []packet.Endpoint
	for _, peer := range f.Peers {
		containerName := c.Outputs().LoadBalancer.Container
		if node, err := c.Node(peer.Name); err == nil {
			containerName = node.Container
		}
		if state, err := c.State(ctx, containerName); err != nil || state != "running" {
			continue
		}
		now, err := packet.Locate(ctx, c, peer.Name, containerName, peer.Port)
		if err != nil {
			return err
		}
		peers = append(peers, now)
	}
	s, err := packet.OpenSidecar(ctx, c, f.Node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	return s.Connected(ctx, f.Node.Name, peers)
}

// ApplyCut is the proof of a partition: no new connection gets through.
func ApplyCut(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
	return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
		return s.Separated(ctx, f.Node.Name, f.Peers)
	})
}

// IsolateLeader cuts the target queue's leader off from all its peers.
func IsolateLeader(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return Isolate(ctx, c, leader, ", which leads "+target.Queue+",")
}

// IsolateFollower cuts a follower off from all its peers.
func IsolateFollower(ctx context.Context, c *cluster.Cluster, target effect.Target) (
	effect.Injection, error) {
	follower, err := effect.FirstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return Isolate(ctx, c, follower, ", which follows in "+target.Queue+",")
}

// Isolate cuts a node off from all its peers. Its role is what is said of it.
func Isolate(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, role string,
) (effect.Injection, error) {
	peers, err := packet.LocatePeers(ctx, c, effect.PeersOf(c, node))
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, fmt.Sprintf("cut %s%s off from its peers", node.Name, role),
		[]packet.Filter{{Node: node, Peers: peers, Rule: packet.DropAll}}, ApplyCut)
}

// CutPair cuts the connection between the first two nodes, as the tutorial does; the others see both.
func CutPair(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	a, b := c.Nodes()[0], c.Nodes()[1]
	peers, err := packet.LocatePeers(ctx, c, []topology.NodeOutput{b})
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, fmt.Sprintf("cut %s and %s off from each other", a.Name, b.Name),
		[]packet.Filter{{Node: a, Peers: peers, Rule: packet.DropAll}}, ApplyCut)
}

// CutRing leaves every node with a majority, and no two with the same one.
func CutRing(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	nodes := c.Nodes()
	var filters []packet.Filter
	for i, unseen := range ring(len(nodes)) {
		var far []topology.NodeOutput
		for _, j := range unseen {
			far = append(far, nodes[j])
		}
		peers, err := packet.LocatePeers(ctx, c, far)
		if err != nil {
			return nil, err
		}
		filters = append(filters, packet.Filter{Node: nodes[i], Peers: peers, Rule: packet.DropAll})
	}
	return Interfere(ctx, c, "left every node with a majority of its own, in a ring of "+effect.NameList(nodes),
		filters, ApplyCut)
}

// MinimumRing is the fewest nodes that have a ring of different majorities.
const MinimumRing = 5

// ring returns, for each of n nodes in a ring, those it must not see: it sees as many neighbours on either
// side as it needs for a majority.
func ring(n int) [][]int {
	majority := n/2 + 1
	reach := majority / 2 // on either side, beside itself
	unseen := make([][]int, n)
	for i := range n {
		for distance := reach + 1; distance < n-reach; distance++ {
			unseen[i] = append(unseen[i], (i+distance)%n)
		}
	}
	return unseen
}

// leaderAndPeers are the leader of the target queue and where the other nodes are.
func leaderAndPeers(
	ctx context.Context, c *cluster.Cluster, target effect.Target,
) (topology.NodeOutput, []packet.Endpoint, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return leader, nil, err
	}
	peers, err := packet.LocatePeers(ctx, c, effect.PeersOf(c, leader))
	return leader, peers, err
}

// LoseOneWay loses all that the leader sends to its peers; it still hears them.
func LoseOneWay(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
	leader, peers, err := leaderAndPeers(ctx, c, target)
	if err != nil {
		return nil, err
	}
	deaf := func(peer netip.Addr) []string {
		// The rule without a target does nothing but count.
		return []string{fmt.Sprintf("-d %s -j DROP", peer), fmt.Sprintf("-s %s", peer)}
	}
	return Interfere(ctx, c, fmt.Sprintf("lost all that %s, which led %s, sent to its peers", leader.Name,
		target.Queue),
		[]packet.Filter{{Node: leader, Peers: peers, Rule: deaf}},
		func(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
			if err := ApplyCut(ctx, s, f); err != nil {
				return err
			}
			// What arrives is repeated by peers that wait for an acknowledgement, and attempts to connect.
			return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
				heard, err := s.Count(ctx, "-s")
				if err == nil && heard == 0 {
					err = fmt.Errorf("%s hears nothing from its peers, so the loss is not one-way", f.Node.Name)
				}
				return err
			})
		})
}

// CutFromLoadBalancer cuts the leader off from the load balancer; its peers and other clients reach it.
func CutFromLoadBalancer(ctx context.Context, c *cluster.Cluster, target effect.Target) (
	effect.Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	balancer, err := packet.Locate(ctx, c, "the load balancer", c.Outputs().LoadBalancer.Container,
		topology.AMQPPort)
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, fmt.Sprintf("cut %s, which led %s, off from the load balancer", leader.Name,
		target.Queue),
		[]packet.Filter{{Node: leader, Peers: []packet.Endpoint{balancer}, Rule: packet.DropAll}}, ApplyCut)
}

// everyNode returns a filter with the same rule between all nodes that run.
func everyNode(ctx context.Context, c *cluster.Cluster, apply packet.Rule) ([]packet.Filter, error) {
	var filters []packet.Filter
	for _, node := range c.Nodes() {
		state, err := c.State(ctx, node.Container)
		if err != nil {
			return nil, err
		}
		if state != "running" && state != "paused" {
			continue // it has no network
		}
		peers, err := packet.LocatePeers(ctx, c, effect.PeersOf(c, node))
		if err != nil {
			return nil, err
		}
		if len(peers) > 0 {
			filters = append(filters, packet.Filter{Node: node, Peers: peers, Rule: apply})
		}
	}
	if len(filters) == 0 {
		return nil, errors.New("fewer than two nodes run, so that there is no network between them")
	}
	return filters, nil
}

// lossPercent is how many of the packets that a node sends to its peers are lost.
const lossPercent = 10

// LosePackets loses some packets between all nodes.
func LosePackets(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	lossy := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -m statistic --mode random --probability %.2f -j DROP", peer,
			lossPercent/100.0)}
	}
	filters, err := everyNode(ctx, c, lossy)
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, fmt.Sprintf("lost %d %% of the packets between all nodes", lossPercent), filters,
		func(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
			return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
				for _, peer := range f.Peers {
					if _, err := s.Run(ctx, `ping -q -c 50 -i 0.01 -W 1 "$1" || true`,
						peer.Addresses[0].String()); err != nil {
						return err
					}
				}
				lost, err := s.Count(ctx, "DROP")
				if err == nil && lost == 0 {
					err = fmt.Errorf("no packet from %s to its peers was lost", f.Node.Name)
				}
				return err
			})
		})
}

// linkDelay is what a packet between two nodes takes longer, each way.
const linkDelay = 100 * time.Millisecond

// queueNumber is where delayed packets are held, one netfilter queue per node.
const queueNumber = 42

// SlowDown delays all packets between all nodes.
//
// netem would do it for a whole interface, clients included, and not every kernel has it. Here the kernel
// hands the packets to netdelay, in the sidecar, which hands them back when their time has come. Without it
// they pass at once.
func SlowDown(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	slow := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -j NFQUEUE --queue-num %d --queue-bypass", peer, queueNumber)}
	}
	what := fmt.Sprintf("slowed the network between all nodes down to %s there and back", 2*linkDelay)
	return delay(ctx, c, what, slow, linkDelay,
		func(ctx context.Context, s *packet.Sidecar, f packet.Filter, peer packet.Endpoint) error {
			took, err := s.Connect(ctx, peer)
			if err == nil && took < 2*linkDelay {
				err = fmt.Errorf("%s reaches %s in %s, and should need %s", f.Node.Name, peer.Name, took, 2*linkDelay)
			}
			return err
		})
}

// delay has netdelay hold the packets between all nodes that a rule picks for so long. It is proved towards
// each peer of each node.
func delay(
	ctx context.Context, c *cluster.Cluster, what string, rule packet.Rule, by time.Duration,
	proof func(context.Context, *packet.Sidecar, packet.Filter, packet.Endpoint) error,
) (effect.Injection, error) {
	filters, err := everyNode(ctx, c, rule)
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, what, filters, func(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
		err := s.Launch(ctx, `exec netdelay "$1" "$2"`, strconv.Itoa(queueNumber), by.String())
		if err != nil {
			return fmt.Errorf("start netdelay for %s: %w", f.Node.Name, err)
		}
		return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
			return parallel.Each(f.Peers, func(peer packet.Endpoint) error { return proof(ctx, s, f, peer) })
		})
	})
}

// A flapping link is cut for so long, then whole for so long, and so on.
const (
	flapCut   = 3 * time.Second
	flapWhole = 3 * time.Second
)

// FlapLink cuts the leader off from its peers and heals that, again and again.
func FlapLink(ctx context.Context, c *cluster.Cluster, target effect.Target) (effect.Injection, error) {
	leader, peers, err := leaderAndPeers(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("cut %s, which led %s, off from its peers for %s of every %s",
		leader.Name, target.Queue, flapCut, flapCut+flapWhole)
	return Interfere(ctx, c, what, []packet.Filter{{Node: leader, Peers: peers, Rule: packet.DropAll}},
		func(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
			if err := ApplyCut(ctx, s, f); err != nil {
				return err
			}
			ipv4, ipv6 := packet.RulesFor(f.Rule, f.Peers)
			seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
			if err := s.Launch(ctx, packet.FlapScript, ipv4, ipv6, seconds(flapCut), seconds(flapWhole)); err != nil {
				return fmt.Errorf("start flapping: %w", err)
			}
			if err := s.Connected(ctx, f.Node.Name, f.Peers); err != nil {
				return err
			}
			return ApplyCut(ctx, s, f)
		})
}
