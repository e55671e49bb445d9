package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/verify/fault/effect"
	"warren/verify/fault/packet"
)

// impair puts a rule in effect between all nodes. Probing sends packets to a peer and says what is missing
// from their fate.
func impair(ctx context.Context, c *cluster.Cluster, what string, rule packet.Rule,
	probe func(context.Context, *packet.Sidecar, packet.Endpoint) error) (effect.Injection, error) {
	filters, err := everyNode(ctx, c, rule)
	if err != nil {
		return nil, err
	}
	return Interfere(ctx, c, what, filters, func(ctx context.Context, s *packet.Sidecar, f packet.Filter) error {
		return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
			return parallel.Each(f.Peers, func(peer packet.Endpoint) error {
				if err := probe(ctx, s, peer); err != nil {
					return fmt.Errorf("between %s and %s %w", f.Node.Name, peer.Name, err)
				}
				return nil
			})
		})
	})
}

// duplicatePercent is how many of the packets between nodes arrive twice.
const duplicatePercent = 10

// DuplicatePackets has some packets between all nodes arrive twice.
func DuplicatePackets(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	twice := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -m statistic --mode random --probability %.2f -j TEE --gateway %s",
			peer, duplicatePercent/100.0, peer)}
	}
	what := fmt.Sprintf("duplicated %d %% of the packets between all nodes", duplicatePercent)
	return impair(ctx, c, what, twice,
		func(ctx context.Context, s *packet.Sidecar, peer packet.Endpoint) error {
			return pinged(ctx, s, peer, `[[ $replies == *DUP!* ]]`, "no packet arrives twice")
		})
}

const (
	// reorderPercent is how many of the packets between nodes are overtaken.
	reorderPercent = 25
	// reorderDelay is how much later they arrive than those after them.
	reorderDelay = 20 * time.Millisecond
)

// ReorderPackets has some packets between all nodes overtaken by those after them.
func ReorderPackets(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	late := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -m statistic --mode random --probability %.2f -j NFQUEUE "+
			"--queue-num %d --queue-bypass", peer, reorderPercent/100.0, queueNumber)}
	}
	return delay(ctx, c, fmt.Sprintf("let %d %% of the packets between all nodes be overtaken", reorderPercent),
		late, reorderDelay,
		func(ctx context.Context, s *packet.Sidecar, f packet.Filter, peer packet.Endpoint) error {
			return pinged(ctx, s, peer,
				`! grep -o "icmp_seq=[0-9]*" <<<"$replies" | cut -d= -f2 | sort -nC`,
				fmt.Sprintf("between %s and %s no packet is overtaken", f.Node.Name, peer.Name))
		})
}

// narrow is how many bytes a second get from one node to another.
const narrow = 256 << 10

// LimitBandwidth lets only so much through between any two nodes. What is more is lost, which TCP adapts to.
func LimitBandwidth(ctx context.Context, c *cluster.Cluster, _ effect.Target) (effect.Injection, error) {
	limited := func(peer netip.Addr) []string {
		return []string{fmt.Sprintf("-d %s -m hashlimit --hashlimit-name warren --hashlimit-mode dstip "+
			"--hashlimit-above %db/s --hashlimit-burst %db -j DROP", peer, narrow, narrow)}
	}
	return impair(ctx, c, fmt.Sprintf("let only %d KiB a second through between any two nodes", narrow>>10),
		limited, func(ctx context.Context, s *packet.Sidecar, peer packet.Endpoint) error {
			_, err := s.Run(ctx, `ping -q -c 400 -s 1400 -i 0.002 -W 1 "$1" || true`, peer.Addresses[0].String())
			if err != nil {
				return err
			}
			lost, err := s.Count(ctx, "DROP")
			if err == nil && lost == 0 {
				err = errors.New("more than that gets through")
			}
			return err
		})
}

// pinged sends packets to a peer and has a bash condition judge what came back ($replies).
func pinged(ctx context.Context, s *packet.Sidecar, peer packet.Endpoint, condition, unless string) error {
	verdict, err := s.Run(ctx, `replies=$(ping -c 100 -i 0.005 -W 1 "$1" || true)
if `+condition+`; then echo yes; else echo no; fi`, peer.Addresses[0].String())
	if err == nil && verdict != "yes" {
		err = errors.New(unless)
	}
	return err
}
