package fault

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"warren/operate/cluster"
	"warren/topology"
)

// All that is done to a node's network goes into one iptables chain of our own, for IPv4 and IPv6, so that it can be
// found and undone whoever did it. It comes before every other rule, and so holds for established connections too.
const chain = "WARREN-FAULT"

// clearScript removes the chain and whatever leads into it, and makes sure of that.
const clearScript = `
for iptables in iptables ip6tables; do
  for hook in INPUT OUTPUT; do
    while $iptables -w 5 -D "$hook" -j ` + chain + ` 2>/dev/null; do :; done
  done
  $iptables -w 5 -F ` + chain + ` 2>/dev/null || continue
  $iptables -w 5 -X ` + chain + `
done
` + findScript + `
[[ -z $found ]] || { echo "rules are left: $found"; exit 1; }
`

// findScript looks for the chain. A kernel without IPv6 has none there.
const findScript = `
found=$( { iptables -w 5 -S; ip6tables -w 5 -S 2>/dev/null || true; } | grep -e ` + chain + ` || true)
`

// applyScript puts the rules of $1 (IPv4) and $2 (IPv6, may be empty) in effect, in the format of iptables-restore.
const applyScript = clearScript + `
iptables-restore -w 5 --noflush <<<"$1"
for hook in INPUT OUTPUT; do iptables -w 5 -I "$hook" -j ` + chain + `; done
[[ -n $2 ]] || exit 0
ip6tables-restore -w 5 --noflush <<<"$2"
for hook in INPUT OUTPUT; do ip6tables -w 5 -I "$hook" -j ` + chain + `; done
`

// probeScript connects to port $2 of address $1 for at most $3 seconds and prints after how many microseconds it got
// an answer, or "silent". A refusal is an answer: the packets went both ways.
const probeScript = `
start=${EPOCHREALTIME/[.,]/}
if reply=$(timeout "$3" bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || [[ $reply == *refused* ]]; then
  echo $((${EPOCHREALTIME/[.,]/} - start))
else
  echo silent
fi
`

// endpoint is a host that a node talks to.
type endpoint struct {
	name      string
	addresses []netip.Addr
	// port is one that the host listens on for the node.
	port int
}

// locate returns where a container is now in the cluster's network. A container that does not run has no address.
func locate(ctx context.Context, c *cluster.Cluster, name, containerName string, port int) (endpoint, error) {
	inspected, err := c.Inspect(ctx, containerName)
	if err != nil {
		return endpoint{}, err
	}
	located := endpoint{name: name, port: port}
	network, attached := inspected.NetworkSettings.Networks[c.Outputs().Network]
	if !attached {
		return endpoint{}, fmt.Errorf("container %s is not in network %s", containerName, c.Outputs().Network)
	}
	for _, text := range []string{network.IPAddress, network.GlobalIPv6Address} {
		if address, err := netip.ParseAddr(text); err == nil {
			located.addresses = append(located.addresses, address)
		}
	}
	return located, nil
}

// locatePeers returns where nodes are; those that do not run are left out.
func locatePeers(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) ([]endpoint, error) {
	var peers []endpoint
	for _, node := range nodes {
		peer, err := locate(ctx, c, node.Name, node.Container, topology.DistributionPort)
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(peer.addresses) > 0 {
			peers = append(peers, peer)
		}
	}
	return peers, nil
}

// rule says what becomes of the packets between a node and an address: options of iptables, such as
// "-s 172.18.0.3 -j DROP".
type rule func(netip.Addr) []string

// dropAll loses all packets in both directions.
func dropAll(peer netip.Addr) []string {
	return []string{fmt.Sprintf("-s %s -j DROP", peer), fmt.Sprintf("-d %s -j DROP", peer)}
}

// rulesFor renders a rule for peers in the format of iptables-restore, per address family; a family without peers is
// empty.
func rulesFor(apply rule, peers []endpoint) (ipv4, ipv6 string) {
	var lines [2][]string
	for _, peer := range peers {
		for _, address := range peer.addresses {
			family := 0
			if address.Is6() {
				family = 1
			}
			for _, options := range apply(address) {
				lines[family] = append(lines[family], "-A "+chain+" "+options)
			}
		}
	}
	render := func(lines []string) string {
		if len(lines) == 0 {
			return ""
		}
		// Naming the chain creates it, or empties it.
		return "*filter\n:" + chain + " - [0:0]\n" + strings.Join(lines, "\n") + "\nCOMMIT"
	}
	return render(lines[0]), render(lines[1])
}

// filter is a rule in effect on one node's network.
type filter struct {
	node  topology.NodeOutput
	peers []endpoint
	rule  rule
}

// apply puts the filter in effect through a sidecar.
func (f filter) apply(ctx context.Context, s *sidecar) error {
	ipv4, ipv6 := rulesFor(f.rule, f.peers)
	if ipv4 == "" && ipv6 == "" {
		return fmt.Errorf("nothing to do to the network of %s: no peer has an address", f.node.Name)
	}
	if _, err := s.run(ctx, applyScript, ipv4, ipv6); err != nil {
		return fmt.Errorf("set packet filters of %s: %w", f.node.Name, err)
	}
	return nil
}

// clearFilters removes the sidecars and packet filters of a node. One that does not run has none.
func clearFilters(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	// The sidecars first: one of them may be about to change the filters.
	if err := removeSidecars(ctx, c, node); err != nil {
		return err
	}
	state, err := c.State(ctx, node.Container)
	if err != nil {
		return err
	}
	if state != "running" && state != "paused" {
		return nil
	}
	if err := haveTools(ctx, c); errors.Is(err, errNoTools) {
		return nil // so nobody can have filtered anything
	}
	s, err := openSidecar(ctx, c, node)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, clearScript)
	if err != nil {
		err = fmt.Errorf("clear packet filters of %s: %w", node.Name, err)
	}
	return errors.Join(err, s.close(context.WithoutCancel(ctx)))
}

// removeSidecars removes the containers of role fault that belong to a node.
func removeSidecars(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	sidecars, err := byRole(ctx, c, topology.RoleFault)
	if err != nil {
		return err
	}
	for _, found := range sidecars {
		if found.Labels[topology.LabelNode] == node.Name {
			if err := removeContainer(ctx, c, found.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// errSilent says that a connection got no answer, not even a refusal.
var errSilent = errors.New("no answer")

// connectTimeout is long for one network, where an answer takes less than a millisecond, and as long as a slowed one needs
// several times over.
const connectTimeout = time.Second

// connect returns how long it took to connect from the sidecar's network to an endpoint, the longest of its addresses.
func (s *sidecar) connect(ctx context.Context, to endpoint) (time.Duration, error) {
	var longest time.Duration
	for _, address := range to.addresses {
		output, err := s.run(ctx, probeScript, address.String(), strconv.Itoa(to.port),
			strconv.FormatFloat(connectTimeout.Seconds(), 'f', -1, 64))
		if err != nil {
			return 0, fmt.Errorf("connect to %s: %w", to.name, err)
		}
		if output == "silent" {
			return 0, fmt.Errorf("connect to %s at %s: %w within %s", to.name, address, errSilent, connectTimeout)
		}
		micros, err := strconv.ParseInt(output, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("connect to %s: the probe printed %q", to.name, output)
		}
		longest = max(longest, time.Duration(micros)*time.Microsecond)
	}
	return longest, nil
}

// separated returns nil if none of the endpoints answers.
func (s *sidecar) separated(ctx context.Context, from string, peers []endpoint) error {
	return inParallel(peers, func(peer endpoint) error {
		took, err := s.connect(ctx, peer)
		if errors.Is(err, errSilent) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s still reaches %s (in %s)", from, peer.name, took)
		}
		return err
	})
}

// connected waits until all the endpoints answer.
func (s *sidecar) connected(ctx context.Context, from string, peers []endpoint) error {
	return inParallel(peers, func(peer endpoint) error {
		return await(ctx, effectTimeout, func(ctx context.Context) error {
			if _, err := s.connect(ctx, peer); err != nil {
				return fmt.Errorf("%s does not reach its peer: %w", from, err)
			}
			return nil
		})
	})
}
