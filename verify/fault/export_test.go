package fault

import (
	"context"
	"net/netip"

	"warren/operate/cluster"
	"warren/verify/fault/effect"
	"warren/verify/fault/network"
	"warren/verify/fault/packet"
)

// CutNothing is a partition whose packet filter lets everything pass.
func CutNothing(ctx context.Context, c *cluster.Cluster) (Injection, error) {
	node := c.Nodes()[0]
	peers, err := packet.LocatePeers(ctx, c, effect.PeersOf(c, node))
	if err != nil {
		return nil, err
	}
	pass := func(peer netip.Addr) []string { return []string{"-s " + peer.String() + " -j ACCEPT"} }
	return network.Interfere(ctx, c, "cut nothing", []packet.Filter{{Node: node, Peers: peers, Rule: pass}},
		network.ApplyCut)
}

// RaiseNoAlarm waits for a memory alarm that nothing raises.
func RaiseNoAlarm(ctx context.Context, c *cluster.Cluster) (Injection, error) {
	node := c.Nodes()[0]
	return injectMarked(ctx, c, node, markMemory, "raised no alarm",
		func(ctx context.Context) error { return alarm(ctx, c, node, "memory", true) })
}
