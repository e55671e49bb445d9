package packet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// Chain is the iptables chain, for IPv4 and IPv6, that holds all that is done to a node's network. So it can
// be found and undone, whoever did it. It comes before every other rule, and applies to established
// connections too.
const Chain = "WARREN-FAULT"

// clearScript removes the chain and whatever leads into it, and makes sure of that.
const clearScript = `
for iptables in iptables ip6tables; do
  for hook in INPUT OUTPUT; do
    while $iptables -w 5 -D "$hook" -j ` + Chain + ` 2>/dev/null; do :; done
  done
  $iptables -w 5 -F ` + Chain + ` 2>/dev/null || continue
  $iptables -w 5 -X ` + Chain + `
done
` + FindScript + `
[[ -z $found ]] || { echo "rules are left: $found"; exit 1; }
`

// FindScript looks for the chain. A kernel without IPv6 has none there.
const FindScript = `
found=$( { iptables -w 5 -S; ip6tables -w 5 -S 2>/dev/null || true; } | grep -e ` + Chain + ` || true)
`

// applyScript puts the rules of $1 (IPv4) and $2 (IPv6, may be empty) in effect, in the format of
// iptables-restore.
const applyScript = clearScript + `
iptables-restore -w 5 --noflush <<<"$1"
for hook in INPUT OUTPUT; do iptables -w 5 -I "$hook" -j ` + Chain + `; done
[[ -n $2 ]] || exit 0
ip6tables-restore -w 5 --noflush <<<"$2"
for hook in INPUT OUTPUT; do ip6tables -w 5 -I "$hook" -j ` + Chain + `; done
`

// probeScript connects to port $2 of address $1 for at most $3 seconds and prints after how many microseconds
// it got an answer, or "silent". A refusal is an answer: the packets went both ways.
const probeScript = `
start=${EPOCHREALTIME/[.,]/}
if reply=$(timeout "$3" bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || [[ $reply == *refused* ]]; then
  echo $((${EPOCHREALTIME/[.,]/} - start))
else
  echo silent
fi
`

// FlapScript cuts and heals until it is killed. The filter is in effect when it starts.
const FlapScript = `
while sleep "$3"; do
  iptables -w 5 -F ` + Chain + `
  [[ -z $2 ]] || ip6tables -w 5 -F ` + Chain + `
  sleep "$4"
  iptables-restore -w 5 --noflush <<<"$1"
  [[ -z $2 ]] || ip6tables-restore -w 5 --noflush <<<"$2"
done
`

// Bounds on waiting. They are for a cluster that is slow, not for one that hangs.
const (
	effectTimeout = 30 * time.Second
	pollEvery     = 100 * time.Millisecond
)

// Endpoint is a host that a node talks to.
type Endpoint struct {
	Name      string
	Addresses []netip.Addr
	// port is one that the host listens on for the node.
	Port int
}

// Locate returns where a container is now in the cluster's network. A container that does not run has no
// address.
func Locate(ctx context.Context, c *cluster.Cluster, name, containerName string, port int) (Endpoint, error) {
	inspected, err := c.Inspect(ctx, containerName)
	if err != nil {
		return Endpoint{}, err
	}
	located := Endpoint{Name: name, Port: port}
	network, attached := inspected.NetworkSettings.Networks[c.Outputs().Network]
	if !attached {
		return Endpoint{}, fmt.Errorf("container %s is not in network %s", containerName, c.Outputs().Network)
	}
	for _, text := range []string{network.IPAddress, network.GlobalIPv6Address} {
		if address, err := netip.ParseAddr(text); err == nil {
			located.Addresses = append(located.Addresses, address)
		}
	}
	return located, nil
}

// LocatePeers returns where nodes are; those that do not run are left out.
func LocatePeers(ctx context.Context, c *cluster.Cluster, nodes []topology.NodeOutput) ([]Endpoint, error) {
	var peers []Endpoint
	for _, node := range nodes {
		peer, err := Locate(ctx, c, node.Name, node.Container, topology.DistributionPort)
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(peer.Addresses) > 0 {
			peers = append(peers, peer)
		}
	}
	return peers, nil
}

// Rule says what becomes of the packets between a node and an address: options of iptables, such as
// "-s 172.18.0.3 -j DROP".
type Rule func(netip.Addr) []string

// DropAll loses all packets in both directions.
func DropAll(peer netip.Addr) []string {
	return []string{fmt.Sprintf("-s %s -j DROP", peer), fmt.Sprintf("-d %s -j DROP", peer)}
}

// RulesFor renders a rule for peers in the format of iptables-restore, per address family; a family without
// peers is empty.
func RulesFor(apply Rule, peers []Endpoint) (ipv4, ipv6 string) {
	var lines [2][]string
	for _, peer := range peers {
		for _, address := range peer.Addresses {
			family := 0
			if address.Is6() {
				family = 1
			}
			for _, options := range apply(address) {
				lines[family] = append(lines[family], "-A "+Chain+" "+options)
			}
		}
	}
	render := func(lines []string) string {
		if len(lines) == 0 {
			return ""
		}
		// Naming the chain creates it, or empties it.
		return "*filter\n:" + Chain + " - [0:0]\n" + strings.Join(lines, "\n") + "\nCOMMIT"
	}
	return render(lines[0]), render(lines[1])
}

// Filter is a rule in effect on one node's network.
type Filter struct {
	Node  topology.NodeOutput
	Peers []Endpoint
	Rule  Rule
}

// Apply puts the filter in effect through a sidecar.
func (f Filter) Apply(ctx context.Context, s *Sidecar) error {
	ipv4, ipv6 := RulesFor(f.Rule, f.Peers)
	if ipv4 == "" && ipv6 == "" {
		return fmt.Errorf("nothing to do to the network of %s: no peer has an address", f.Node.Name)
	}
	if _, err := s.Run(ctx, applyScript, ipv4, ipv6); err != nil {
		return fmt.Errorf("set packet filters of %s: %w", f.Node.Name, err)
	}
	return nil
}

// ClearFilters removes the sidecars and packet filters of a node. One that does not run has none.
func ClearFilters(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
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
	if err := HaveTools(ctx, c); errors.Is(err, ErrNoTools) {
		return nil // so nobody can have filtered anything
	}
	s, err := OpenSidecar(ctx, c, node)
	if err != nil {
		return err
	}
	_, err = s.Run(ctx, clearScript)
	if err != nil {
		err = fmt.Errorf("clear packet filters of %s: %w", node.Name, err)
	}
	return errors.Join(err, s.Close(context.WithoutCancel(ctx)))
}

// removeSidecars removes the containers of role fault that belong to a node.
func removeSidecars(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	sidecars, err := ByRole(ctx, c, topology.RoleFault)
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

// connectTimeout is long for one network, where an answer takes less than a millisecond, and as long as a
// slowed one needs several times over.
const connectTimeout = time.Second

// Connect returns how long it took to connect from the sidecar's network to an endpoint, the longest of its
// addresses.
func (s *Sidecar) Connect(ctx context.Context, to Endpoint) (time.Duration, error) {
	var longest time.Duration
	for _, address := range to.Addresses {
		output, err := s.Run(ctx, probeScript, address.String(), strconv.Itoa(to.Port),
			strconv.FormatFloat(connectTimeout.Seconds(), 'f', -1, 64))
		if err != nil {
			return 0, fmt.Errorf("connect to %s: %w", to.Name, err)
		}
		if output == "silent" {
			return 0, fmt.Errorf("connect to %s at %s: %w within %s", to.Name, address, errSilent, connectTimeout)
		}
		micros, err := strconv.ParseInt(output, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("connect to %s: the probe printed %q", to.Name, output)
		}
		longest = max(longest, time.Duration(micros)*time.Microsecond)
	}
	return longest, nil
}

// Separated returns nil if none of the endpoints answers.
func (s *Sidecar) Separated(ctx context.Context, from string, peers []Endpoint) error {
	return parallel.Each(peers, func(peer Endpoint) error {
		took, err := s.Connect(ctx, peer)
		if errors.Is(err, errSilent) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s still reaches %s (in %s)", from, peer.Name, took)
		}
		return err
	})
}

// Connected waits until all the endpoints answer.
func (s *Sidecar) Connected(ctx context.Context, from string, peers []Endpoint) error {
	return parallel.Each(peers, func(peer Endpoint) error {
		return wait.Within(ctx, effectTimeout, pollEvery, "a connection", func(ctx context.Context) error {
			if _, err := s.Connect(ctx, peer); err != nil {
				return fmt.Errorf("%s does not reach its peer: %w", from, err)
			}
			return nil
		})
	})
}
