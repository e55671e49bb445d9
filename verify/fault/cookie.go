package fault

import (
	"context"
	"fmt"
	"slices"

	"warren/topology"
	"warren/verify/cluster"
)

// The cookie's mark holds the cookie that was there before. Cookies never leave the node: not even its own process
// list shows one.
const (
	cookieFile = "/var/lib/rabbitmq/.erlang.cookie"
	savedFile  = markDirectory + "/" + markCookie
	newFile    = markDirectory + "/cookie.new"
)

// useCookie is Erlang that makes the node use the cookie in a file, and try its peers again with it.
func useCookie(file string) string {
	return fmt.Sprintf(`{ok, Cookie} = file:read_file(%q), `+
		`true = erlang:set_cookie(node(), binary_to_atom(string:trim(Cookie))), `+
		`[erlang:disconnect_node(N) || N <- nodes()], ok.`, file)
}

// changeCookie gives a follower another Erlang cookie, in its file and in the running node. Its peers refuse it.
func changeCookie(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	follower, err := firstFollower(ctx, c, target)
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
			if _, err := c.Run(ctx, follower.Container, "bash", "-euc", prepare, cookieFile, savedFile, newFile); err != nil {
				return err
			}
			if _, err := c.Run(ctx, follower.Container, "rabbitmqctl", "eval", useCookie(newFile)); err != nil {
				return err
			}
			if _, err := c.Run(ctx, follower.Container, "mv", "-f", newFile, cookieFile); err != nil {
				return err
			}
			return await(ctx, effectTimeout, func(ctx context.Context) error {
				return seen(ctx, c, follower, false)
			})
		})
}

// restoreCookie gives a node back the cookie that its mark holds.
func restoreCookie(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	saved, err := c.Run(ctx, node.Container, "bash", "-c", `[[ -s $0 ]] && echo yes || echo no`, savedFile)
	if err != nil {
		return err
	}
	if saved == "yes" {
		if _, err := c.Run(ctx, node.Container, "rabbitmqctl", "eval", useCookie(savedFile)); err != nil {
			return err
		}
		if _, err := c.Run(ctx, node.Container, "cp", "--preserve=all", savedFile, cookieFile); err != nil {
			return err
		}
	} // else the fault was ended before it had changed anything
	if _, err := c.Run(ctx, node.Container, "rm", "-f", newFile); err != nil {
		return err
	}
	return await(ctx, bootTimeout, func(ctx context.Context) error { return seen(ctx, c, node, true) })
}

// seen returns nil if a node's peers that answer see it running, or none of them does, as wanted.
func seen(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, want bool) error {
	answered := false
	for _, peer := range others(c, node) {
		_, running, err := c.View(ctx, peer)
		if err != nil {
			continue
		}
		answered = true
		if slices.Contains(running, node.NodeName) != want {
			return fmt.Errorf("that %s sees %s running is %t and should be %t", peer.Name, node.Name, !want, want)
		}
	}
	if !answered {
		return fmt.Errorf("no peer of %s answers", node.Name)
	}
	return nil
}
