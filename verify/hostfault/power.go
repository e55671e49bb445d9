package hostfault

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"warren/internal/hostlab"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/fault/effect"
)

// loseHost takes the power of the leader's host.
func loseHost(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
	host, err := leaderHost(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return powerOff(ctx, c, host, fmt.Sprintf("took the power of host %s with %s, whose node led %s", host.Name,
		whatIsOn(c, host.Name), target.Queue))
}

// loseVirtualAddress takes the power of the host that has the virtual address.
func loseVirtualAddress(ctx context.Context, c *cluster.Cluster, _ fault.Target) (fault.Injection, error) {
	virtual, err := netip.ParseAddr(c.Outputs().VirtualAddress)
	if err != nil {
		return nil, err
	}
	l, err := labOf(c)
	if err != nil {
		return nil, err
	}
	owner, err := ownerOf(ctx, c, l, virtual)
	if err != nil {
		return nil, err
	}
	return powerOff(ctx, c, owner, fmt.Sprintf("took the power of host %s with %s, which had the address %s",
		owner.Name, whatIsOn(c, owner.Name), virtual))
}

// ownerOf is the host that has an address.
func ownerOf(
	ctx context.Context, c *cluster.Cluster, l *hostlab.Lab, address netip.Addr,
) (topology.Host, error) {
	for _, h := range c.Outputs().Hosts {
		at, err := hostIn(l, h)
		if err != nil {
			return topology.Host{}, err
		}
		if has, err := at.Has(ctx, address); err != nil || has {
			return h, err
		}
	}
	return topology.Host{}, fmt.Errorf("no host has the address %s", address)
}

// locate finds a stack's host in the lab that it is of.
func locate(c *cluster.Cluster, host topology.Host) (*hostlab.Lab, hostlab.Host, error) {
	l, err := labOf(c)
	if err != nil {
		return nil, hostlab.Host{}, err
	}
	at, err := hostIn(l, host)
	return l, at, err
}

func hostIn(l *hostlab.Lab, h topology.Host) (hostlab.Host, error) {
	address, err := netip.ParseAddr(h.Address)
	if err != nil {
		return hostlab.Host{}, err
	}
	return l.At(address)
}

func powerOff(
	ctx context.Context, c *cluster.Cluster, host topology.Host, what string,
) (fault.Injection, error) {
	l, at, err := locate(c, host)
	if err != nil {
		return nil, err
	}
	return effect.Inject(ctx, what, func(ctx context.Context) error {
		if err := at.Answers(ctx, topology.AgentPort); err != nil {
			return fmt.Errorf("host %s did not answer before: %w", host.Name, err)
		}
		if err := l.PowerOff(ctx, at); err != nil {
			return err
		}
		return silent(ctx, at)
	}, func(ctx context.Context) error { return restore(ctx, l, host) })
}

// unplugHost pulls the network cable of the leader's host.
func unplugHost(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
	host, err := leaderHost(ctx, c, target)
	if err != nil {
		return nil, err
	}
	return unplug(ctx, c, host, fmt.Sprintf("pulled the network cable of host %s with %s, whose node led %s",
		host.Name, whatIsOn(c, host.Name), target.Queue))
}

// unplug pulls the network cable of a host.
func unplug(
	ctx context.Context, c *cluster.Cluster, host topology.Host, what string,
) (fault.Injection, error) {
	l, at, err := locate(c, host)
	if err != nil {
		return nil, err
	}
	return effect.Inject(ctx, what, func(ctx context.Context) error {
		if err := at.Cut(ctx); err != nil {
			return err
		}
		return silent(ctx, at)
	}, func(ctx context.Context) error { return restore(ctx, l, host) })
}

// silent waits until a host answers nobody.
func silent(ctx context.Context, h hostlab.Host) error {
	return await(ctx, "the silence of host "+h.Name, func(ctx context.Context) error {
		if h.Answers(ctx, topology.AgentPort) == nil {
			return fmt.Errorf("host %s still answers", h.Name)
		}
		return nil
	})
}

// restore gives a host its power and its network back, and waits until its agent answers.
func restore(ctx context.Context, l *hostlab.Lab, host topology.Host) error {
	at, err := hostIn(l, host)
	if err != nil {
		return err
	}
	if at.Powered() {
		err = at.Reconnect(ctx)
	} else {
		err = l.PowerOn(ctx, at)
	}
	if err != nil {
		return err
	}
	return await(ctx, "host "+host.Name, func(ctx context.Context) error {
		return at.Answers(ctx, topology.AgentPort)
	})
}

// restartEngine restarts the engine of the leader's host.
func restartEngine(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
	host, err := leaderHost(ctx, c, target)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("restarted the engine of host %s with %s, whose node led %s", host.Name,
		whatIsOn(c, host.Name), target.Queue)
	return restartEngineOf(ctx, c, host, what)
}

// restartEngineOf restarts the engine of a host with a node, and waits until the node has been started again.
func restartEngineOf(
	ctx context.Context, c *cluster.Cluster, host topology.Host, what string,
) (fault.Injection, error) {
	l, at, err := locate(c, host)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Nodes(), func(n topology.NodeOutput) bool { return n.Host == host.Name })
	if i < 0 {
		return nil, fmt.Errorf("host %s has no node", host.Name)
	}
	leader := c.Nodes()[i]
	return effect.Inject(ctx, what, func(ctx context.Context) error {
		before, err := c.Inspect(ctx, leader.Container)
		if err != nil {
			return err
		}
		if err := l.RestartEngine(ctx, at); err != nil {
			return err
		}
		return await(ctx, "the containers of host "+host.Name, func(ctx context.Context) error {
			after, err := c.Inspect(ctx, leader.Container)
			switch {
			case err != nil:
				return err
			case !after.State.Running:
				return errors.New(leader.Name + " does not run")
			case after.State.StartedAt == before.State.StartedAt:
				return errors.New(leader.Name + " was not started again")
			}
			return nil
		})
	}, func(context.Context) error { return nil })
}
