package hostfault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"warren/internal/parallel"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/fault/effect"
)

// queueNumber is the netfilter queue of slowed packets on a host.
const queueNumber = 4242

// isolateHost cuts the leader's host off from all others.
func isolateHost(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
	host, err := leaderHost(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("cut host %s with %s, whose node led %s, off from all other hosts", host.Name,
		whatIsOn(c, host.Name), target.Queue)
	return isolate(ctx, c, what, func(h topology.Host) bool { return h.Name == host.Name })
}

// isolateZone cuts the hosts of the leader's zone off from those of other zones.
func isolateZone(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
	host, err := leaderHost(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("cut zone %s, where the leader of %s was, off from the others", host.Zone, target.Queue)
	return isolate(ctx, c, what, func(h topology.Host) bool { return h.Zone == host.Zone })
}

// isolate cuts some hosts off from the others.
func isolate(
	ctx context.Context, c *cluster.Cluster, what string, inside func(topology.Host) bool,
) (fault.Injection, error) {
	var in, out []topology.Host
	for _, h := range c.Outputs().Hosts {
		if inside(h) {
			in = append(in, h)
		} else {
			out = append(out, h)
		}
	}
	if len(in) == 0 || len(out) == 0 {
		return nil, errors.New("there is nothing to cut: all hosts are on one side")
	}
	return effect.Inject(ctx, what, func(ctx context.Context) error {
		err := parallel.Each(in, func(h topology.Host) error {
			_, err := toolsOn(c, h).run(ctx, cutScript, append([]string{comment}, addresses(out)...)...)
			return err
		})
		if err != nil {
			return err
		}
		return eachPair(in, out, func(from, to topology.Host) error { return separated(ctx, c, from, to) })
	}, func(ctx context.Context) error {
		if err := clearAll(ctx, c, in); err != nil {
			return err
		}
		return eachPair(in, out, func(from, to topology.Host) error { return connected(ctx, c, from, to, 0) })
	})
}

// slowDown returns an Inject that makes every packet between hosts take longer.
func slowDown(
	delay time.Duration,
) func(context.Context, *cluster.Cluster, fault.Target) (fault.Injection, error) {
	return func(ctx context.Context, c *cluster.Cluster, _ fault.Target) (fault.Injection, error) {
		hosts := c.Outputs().Hosts
		what := fmt.Sprintf("slowed the network between all hosts down to %s there and back", 2*delay)
		return effect.Inject(ctx, what, func(ctx context.Context) error {
			err := parallel.Each(hosts, func(h topology.Host) error {
				args := append([]string{comment, strconv.Itoa(queueNumber), delay.String()},
					addresses(others(hosts, h))...)
				_, err := toolsOn(c, h).create(ctx, slowScript, args...)
				return err
			})
			if err != nil {
				return err
			}
			return eachPair(hosts, hosts, func(from, to topology.Host) error {
				return connected(ctx, c, from, to, 2*delay)
			})
		}, func(ctx context.Context) error {
			if err := clearAll(ctx, c, hosts); err != nil {
				return err
			}
			return eachPair(hosts, hosts, func(from, to topology.Host) error { return connected(ctx, c, from, to, 0) })
		})
	}
}

func clearAll(ctx context.Context, c *cluster.Cluster, hosts []topology.Host) error {
	return parallel.Each(hosts, func(h topology.Host) error { return toolsOn(c, h).clear(ctx) })
}

func others(hosts []topology.Host, host topology.Host) []topology.Host {
	var rest []topology.Host
	for _, h := range hosts {
		if h.Name != host.Name {
			rest = append(rest, h)
		}
	}
	return rest
}

func addresses(hosts []topology.Host) []string {
	list := make([]string, len(hosts))
	for i, h := range hosts {
		list[i] = h.Address
	}
	return list
}

// eachPair calls do for all pairs of different hosts, for all that begin at the same host in turn.
func eachPair(from, to []topology.Host, do func(from, to topology.Host) error) error {
	return parallel.Each(from, func(a topology.Host) error {
		for _, b := range others(to, a) {
			if err := do(a, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// probe is how long it takes to connect from one host to the agent on another, which need not listen: a
// refusal is an answer. It is false if there is none.
func probe(ctx context.Context, c *cluster.Cluster, from, to topology.Host) (time.Duration, bool, error) {
	printed, err := toolsOn(c, from).run(ctx, probeScript, to.Address, strconv.Itoa(topology.AgentPort))
	if err != nil {
		return 0, false, err
	}
	if printed == "silent" {
		return 0, false, nil
	}
	micros, err := strconv.Atoi(strings.TrimSpace(printed))
	return time.Duration(micros) * time.Microsecond, true, err
}

// separated waits until a host does not reach another.
func separated(ctx context.Context, c *cluster.Cluster, from, to topology.Host) error {
	return await(ctx, "a cut", func(ctx context.Context) error {
		took, answered, err := probe(ctx, c, from, to)
		if err == nil && answered {
			err = fmt.Errorf("host %s still reaches host %s (in %s)", from.Name, to.Name, took)
		}
		return err
	})
}

// connected waits until a host reaches another, and takes so long for it at least.
func connected(ctx context.Context, c *cluster.Cluster, from, to topology.Host, least time.Duration) error {
	return await(ctx, "a connection", func(ctx context.Context) error {
		took, answered, err := probe(ctx, c, from, to)
		switch {
		case err != nil:
			return err
		case !answered:
			return fmt.Errorf("host %s does not reach host %s", from.Name, to.Name)
		case took < least:
			return fmt.Errorf("host %s reaches host %s in %s, and should need %s", from.Name, to.Name, took, least)
		}
		return nil
	})
}
