package fault

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/operate/cluster"
	"warren/topology"
)

// interfere puts filters in effect, has the caller's proof that they are, and heals them.
//
// Only what nodes say to each other is filtered: clients, the load balancer and the management API reach every node
// as before, unless a filter is for them.
func interfere(ctx context.Context, c *cluster.Cluster, what string, filters []filter,
	proof func(context.Context, *sidecar, filter) error) (Injection, error) {
	return inject(ctx, what,
		func(ctx context.Context) error {
			sidecars := make([]*sidecar, len(filters))
			var opening errgroup.Group
			for i, f := range filters {
				opening.Go(func() (err error) {
					sidecars[i], err = openSidecar(ctx, c, f.node)
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
					if err := f.apply(ctx, sidecars[i]); err != nil {
						return err
					}
					return proof(ctx, sidecars[i], f)
				})
			}
			return group.Wait()
		},
		func(ctx context.Context) error {
			if err := inParallel(filters, func(f filter) error { return clearFilters(ctx, c, f.node) }); err != nil {
				return err
			}
			return inParallel(filters, func(f filter) error { return reconnected(ctx, c, f) })
		})
}

// reconnected makes sure that a node reaches those it was filtered from, as far as they run. They may have new
// addresses by now.
func reconnected(ctx context.Context, c *cluster.Cluster, f filter) (err error) {
	state, err := c.State(ctx, f.node.Container)
	if err != nil || state != "running" {
		return err
	}
	var peers []endpoint
	for _, peer := range f.peers {
		containerName := c.Outputs().LoadBalancer.Container
		if node, err := c.Node(peer.name); err == nil {
			containerName = node.Container
		}
		if state, err := c.State(ctx, containerName); err != nil || state != "running" {
			continue
		}
		now, err := locate(ctx, c, peer.name, containerName, peer.port)
		if err != nil {
			return err
		}
		peers = append(peers, now)
	}
	s, err := openSidecar(ctx, c, f.node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	return s.connected(ctx, f.node.Name, peers)
}

// applyCut is the proof of a partition: no new connection gets through.
func applyCut(ctx context.Context, s *sidecar, f filter) error {
	return await(ctx, effectTimeout, func(ctx context.Context) error {
		return s.separated(ctx, f.node.Name, f.peers)
	})
}

// peersOf returns the stack's nodes but one.
func peersOf(c *cluster.Cluster, than topology.NodeOutput) []topology.NodeOutput {
	var rest []topology.NodeOutput
	for _, node := range c.Nodes() {
		if node.Name != than.Name {
			rest = append(rest, node)
		}
	}
	return rest
}

// isolateLeader cuts the target queue's leader off from all its peers.
func isolateLeader(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	return isolate(ctx, c, leader, "leads "+target.Queue)
}

// isolateFollower cuts a follower off from all its peers.
func isolateFollower(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := firstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return isolate(ctx, c, follower, "follows in "+target.Queue)
}

func isolate(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, role string) (Injection, error) {
	peers, err := locatePeers(ctx, c, peersOf(c, node))
	if err != nil {
		return nil, err
	}
	return interfere(ctx, c, fmt.Sprintf("cut %s, which %s, off from its peers", node.Name, role),
		[]filter{{node, peers, dropAll}}, applyCut)
}

// cutPair cuts the connection between the first two nodes, as the tutorial does; the others see both.
func cutPair(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	a, b := c.Nodes()[0], c.Nodes()[1]
	peers, err := locatePeers(ctx, c, []topology.NodeOutput{b})
	if err != nil {
		return nil, err
	}
	return interfere(ctx, c, fmt.Sprintf("cut %s and %s off from each other", a.Name, b.Name),
		[]filter{{a, peers, dropAll}}, applyCut)
}

// cutRing leaves every node with a majority, and no two with the same one.
func cutRing(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	nodes := c.Nodes()
	var filters []filter
	for i, unseen := range ring(len(nodes)) {
		var far []topology.NodeOutput
		for _, j := range unseen {
			far = append(far, nodes[j])
		}
		peers, err := locatePeers(ctx, c, far)
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter{nodes[i], peers, dropAll})
	}
	return interfere(ctx, c, "left every node with a majority of its own, in a ring of "+nameList(nodes), filters, applyCut)
}

// minimumRing is the fewest nodes that have a ring of different majorities.
const minimumRing = 5

// ring returns, for each of n nodes in a ring, those it must not see: it sees as many neighbours on either side as it
// needs for a majority.
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

// loseOneWay loses all that the leader sends to its peers; it still hears them.
func loseOneWay(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	peers, err := locatePeers(ctx, c, peersOf(c, leader))
	if err != nil {
		return nil, err
	}
	deaf := func(peer netip.Addr) []string {
		// The rule without a target does nothing but count.
		return []string{fmt.Sprintf("-d %s -j DROP", peer), fmt.Sprintf("-s %s", peer)}
	}
	return interfere(ctx, c, fmt.Sprintf("lost all that %s, which led %s, sent to its peers", leader.Name, target.Queue),
		[]filter{{leader, peers, deaf}},
		func(ctx context.Context, s *sidecar, f filter) error {
			if err := applyCut(ctx, s, f); err != nil {
				return err
			}
			// What arrives is repeated by peers that wait for an acknowledgement, and attempts to connect.
			return await(ctx, effectTimeout, func(ctx context.Context) error {
				heard, err := s.count(ctx, "-s")
				if err == nil && heard == 0 {
					err = fmt.Errorf("%s hears nothing from its peers, so the loss is not one-way", f.node.Name)
				}
				return err
			})
		})
}

// countScript adds up the packets that matched the rules of the chain that contain $1.
const countScript = `
{ iptables -w 5 -vS ` + chain + `; ip6tables -w 5 -vS ` + chain + ` 2>/dev/null || true; } |
  awk -v want=" $1 " '/^-A/ && index($0 " ", want) { for (i = 1; i < NF; i++) if ($i == "-c") n += $(i + 1) } END { print n + 0 }'
`

// count returns how many packets matched the filter's rules that have an option.
func (s *sidecar) count(ctx context.Context, option string) (int, error) {
	output, err := s.run(ctx, countScript, option)
	if err != nil {
		return 0, fmt.Errorf("read packet counters: %w", err)
	}
	return strconv.Atoi(output)
}

// cutFromLoadBalancer cuts the leader off from the load balancer; its peers and other clients reach it.
func cutFromLoadBalancer(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	balancer, err := locate(ctx, c, "the load balancer", c.Outputs().LoadBalancer.Container, topology.AMQPPort)
	if err != nil {
		return nil, err
	}
	return interfere(ctx, c, fmt.Sprintf("cut %s, which led %s, off from the load balancer", leader.Name, target.Queue),
		[]filter{{leader, []endpoint{balancer}, dropAll}}, applyCut)
}

// everyNode returns a filter with the same rule between all nodes.
func everyNode(ctx context.Context, c *cluster.Cluster, apply rule) ([]filter, error) {
	var filters []filter
	for _, node := range c.Nodes() {
		peers, err := locatePeers(ctx, c, peersOf(c, node))
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter{node, peers, apply})
	}
	return filters, nil
}

// lossPercent is how many of the packets that a node sends to its peers are lost.
const lossPercent = 10

// losePackets loses some packets between all nodes.
func losePackets(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	lossy := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -m statistic --mode random --probability %.2f -j DROP", peer, lossPercent/100.0)}
	}
	filters, err := everyNode(ctx, c, lossy)
	if err != nil {
		return nil, err
	}
	return interfere(ctx, c, fmt.Sprintf("lost %d %% of the packets between all nodes", lossPercent), filters,
		func(ctx context.Context, s *sidecar, f filter) error {
			return await(ctx, effectTimeout, func(ctx context.Context) error {
				for _, peer := range f.peers {
					if _, err := s.run(ctx, `ping -q -c 50 -i 0.01 -W 1 "$1" || true`, peer.addresses[0].String()); err != nil {
						return err
					}
				}
				lost, err := s.count(ctx, "DROP")
				if err == nil && lost == 0 {
					err = fmt.Errorf("no packet from %s to its peers was lost", f.node.Name)
				}
				return err
			})
		})
}

// linkDelay is what a packet between two nodes takes longer, each way.
const linkDelay = 100 * time.Millisecond

// queueNumber is where delayed packets are held, one netfilter queue per node.
const queueNumber = 42

// slowDown delays all packets between all nodes.
//
// netem would do it for a whole interface, clients included, and not every kernel has it. Here the kernel hands the
// packets to netdelay, in the sidecar, which hands them back when their time has come. Without it they pass at once.
func slowDown(ctx context.Context, c *cluster.Cluster, _ Target) (Injection, error) {
	slow := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -j NFQUEUE --queue-num %d --queue-bypass", peer, queueNumber)}
	}
	filters, err := everyNode(ctx, c, slow)
	if err != nil {
		return nil, err
	}
	return interfere(ctx, c, fmt.Sprintf("slowed the network between all nodes down to %s there and back", 2*linkDelay), filters,
		func(ctx context.Context, s *sidecar, f filter) error {
			err := s.launch(ctx, `exec netdelay "$1" "$2"`, strconv.Itoa(queueNumber), linkDelay.String())
			if err != nil {
				return fmt.Errorf("start netdelay for %s: %w", f.node.Name, err)
			}
			return await(ctx, effectTimeout, func(ctx context.Context) error {
				return inParallel(f.peers, func(peer endpoint) error {
					took, err := s.connect(ctx, peer)
					if err == nil && took < 2*linkDelay {
						err = fmt.Errorf("%s reaches %s in %s, and should need %s", f.node.Name, peer.name, took, 2*linkDelay)
					}
					return err
				})
			})
		})
}

// A flapping link is cut for so long, then whole for so long, and so on.
const (
	flapCut   = 3 * time.Second
	flapWhole = 3 * time.Second
)

// flapScript cuts and mends until it is killed. The filter is in effect when it starts.
const flapScript = `
while sleep "$3"; do
  iptables -w 5 -F ` + chain + `
  [[ -z $2 ]] || ip6tables -w 5 -F ` + chain + `
  sleep "$4"
  iptables-restore -w 5 --noflush <<<"$1"
  [[ -z $2 ]] || ip6tables-restore -w 5 --noflush <<<"$2"
done
`

// flapLink cuts the leader off from its peers and mends that, again and again.
func flapLink(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return nil, err
	}
	peers, err := locatePeers(ctx, c, peersOf(c, leader))
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("cut %s, which led %s, off from its peers for %s of every %s",
		leader.Name, target.Queue, flapCut, flapCut+flapWhole)
	return interfere(ctx, c, what, []filter{{leader, peers, dropAll}},
		func(ctx context.Context, s *sidecar, f filter) error {
			if err := applyCut(ctx, s, f); err != nil {
				return err
			}
			ipv4, ipv6 := rulesFor(f.rule, f.peers)
			seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
			if err := s.launch(ctx, flapScript, ipv4, ipv6, seconds(flapCut), seconds(flapWhole)); err != nil {
				return fmt.Errorf("start flapping: %w", err)
			}
			if err := s.connected(ctx, f.node.Name, f.peers); err != nil {
				return err
			}
			return applyCut(ctx, s, f)
		})
}
