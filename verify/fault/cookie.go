package fault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault/effect"
)

// The cookie's mark holds the cookie that was there before. Cookies never leave the node: not even its own
// process list shows one.
const (
	cookieFile = topology.DataCookiePath
	savedFile  = markDirectory + "/" + markCookie
	newFile    = markDirectory + "/cookie.new"
)

// useCookie is Erlang that makes the node use the cookie in a file, and drop its connections, which had the
// old one.
func useCookie(file string) string {
	return fmt.Sprintf(`{ok, Cookie} = file:read_file(%q), `+
		`true = erlang:set_cookie(node(), binary_to_atom(string:trim(Cookie))), `+
		`[erlang:disconnect_node(N) || N <- nodes()], `, file)
}

// reconnect is Erlang that connects to peers, and fails if none of them accepts. Not every series tries by
// itself to reach a peer again that it has lost.
func reconnect(peers []topology.NodeOutput) string {
	var names []string
	for _, peer := range peers {
		names = append(names, "'"+peer.NodeName+"'")
	}
	return fmt.Sprintf(`true = lists:member(true, [net_kernel:connect_node(N) || N <- [%s]]), `,
		strings.Join(names, ", "))
}

// changeCookie gives a follower another Erlang cookie, in its file and in the running node. Its peers refuse
// it.
func changeCookie(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := effect.FirstFollower(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("changed the Erlang cookie of %s, which follows in %s", follower.Name, target.Queue)
	return injectMarked(ctx, c, follower, markCookie, what,
		func(ctx context.Context) error {
			const prepare = `
cp --preserve=ownership "$0" "$1.tmp" && chmod 0400 "$1.tmp" && mv "$1.tmp" "$1"
(umask 077; head -c 16 /dev/urandom | od -A n -t x1 | tr -d ' \n' >"$2")
chown --reference="$0" "$2" && chmod 0400 "$2"`
			if _, err := c.Run(ctx, follower.Container, "bash", "-euc", prepare, cookieFile, savedFile,
				newFile); err != nil {
				return err
			}
			if _, err := c.Run(ctx, follower.Container, "rabbitmqctl", "eval", useCookie(newFile)+"ok."); err != nil {
				return err
			}
			if _, err := c.Run(ctx, follower.Container, "mv", "-f", newFile, cookieFile); err != nil {
				return err
			}
			return effect.Await(ctx, effect.Timeout, func(ctx context.Context) error {
				return unseen(ctx, c, follower)
			})
		})
}

// restoreCookie gives a node back the cookie that its mark holds, and makes sure that a peer accepts it. That
// the peers see it running again depends on how the cluster handles partitions, in series before 4.3.
func restoreCookie(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	saved, err := c.Run(ctx, node.Container, "bash", "-c", `[[ -s $0 ]] && echo yes || echo no`, savedFile)
	if err != nil || saved == "no" { // ended before it had changed anything
		return err
	}
	// A run that was killed may have changed the node and not the file, or the reverse, and rabbitmqctl
	// reaches the node only with the cookie that it has. So try with the new one, and then with the old one.
	if _, err := c.Run(ctx, node.Container, "bash", "-c", `[[ ! -e $0 ]] || mv -f "$0" "$1"`, newFile,
		cookieFile); err != nil {
		return err
	}
	restore := func() error {
		_, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval",
			useCookie(savedFile)+reconnect(effect.PeersOf(c, node))+"ok.")
		return err
	}
	failed := restore()
	if _, err := c.Run(ctx, node.Container, "cp", "--preserve=all", savedFile, cookieFile); err != nil {
		return err
	}
	if failed != nil {
		return restore()
	}
	return nil
}

// unseen returns nil if a node's peers answer, and none of those that do sees it running.
func unseen(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	answered := false
	for _, peer := range effect.PeersOf(c, node) {
		_, running, err := health.View(ctx, c, peer)
		if err != nil {
			continue
		}
		answered = true
		if slices.Contains(running, node.NodeName) {
			return fmt.Errorf("%s still sees %s running", peer.Name, node.Name)
		}
	}
	if !answered {
		return fmt.Errorf("no peer of %s answers", node.Name)
	}
	return nil
}
