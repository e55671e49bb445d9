// Package hostfault breaks the hosts of a stack that is spread over several: their power, their network,
// their Docker engine. Like all faults, they are injected and healed with a measurement that proves it.
//
// The network of any host can be broken, from a container on it. Power and engines are those of a lab on this
// machine only (internal/hostlab).
package hostfault

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"warren/internal/hostlab"
	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
)

const (
	// effectTimeout is how long a fault may take to be seen.
	effectTimeout = time.Minute
	pollEvery     = 100 * time.Millisecond
)

// within promises that clients that know several endpoints have confirms again after several at most, and
// those that know the virtual address only after one.
func within(several, one time.Duration) checker.Expectation {
	return checker.Expectation{MaxOutage: map[string]time.Duration{
		history.AnyNode: several, history.LoadBalancer: several, history.VirtualAddress: one,
	}}
}

// All returns the faults of hosts.
func All() []fault.Fault {
	return []fault.Fault{
		{
			Name:        "host-lost",
			Description: "The host of the queue's leader loses its power: all its processes and its network, at once.",
			Hold:        10 * time.Second,
			Expect:      within(5*time.Second, 10*time.Second),
			Available:   inLab,
			Inject:      loseHost,
		},
		{
			Name:        "virtual-address-lost",
			Description: "The host that has the virtual address loses its power.",
			Hold:        10 * time.Second,
			Expect:      within(5*time.Second, 10*time.Second),
			Available:   hasVirtualAddress,
			Inject:      loseVirtualAddress,
		},
		{
			Name:        "host-unplugged",
			Description: "The network cable of the leader's host is pulled; its processes go on.",
			Hold:        15 * time.Second,
			Expect:      within(15*time.Second, 20*time.Second),
			Available:   inLab,
			Inject:      unplugHost,
		},
		{
			Name: "host-isolated",
			Description: "The leader's host is cut off from all other hosts, with its load balancer; clients reach " +
				"all of them.",
			Hold:      15 * time.Second,
			Expect:    within(15*time.Second, 30*time.Second),
			Available: onHosts,
			Inject:    isolateHost,
		},
		{
			Name:        "zone-isolated",
			Description: "All hosts of the leader's zone are cut off from those of the other zones.",
			Hold:        15 * time.Second,
			Expect:      within(15*time.Second, 30*time.Second),
			Available:   hasZones,
			Inject:      isolateZone,
		},
		{
			Name:        "hosts-5ms-apart",
			Description: "Every packet between two hosts takes 5 ms longer.",
			Hold:        10 * time.Second,
			Expect:      within(5*time.Second, 5*time.Second),
			Available:   onHosts,
			Inject:      slowDown(5 * time.Millisecond),
		},
		{
			Name:        "hosts-50ms-apart",
			Description: "Every packet between two hosts takes 50 ms longer.",
			Hold:        10 * time.Second,
			Expect:      within(10*time.Second, 10*time.Second),
			Available:   onHosts,
			Inject:      slowDown(50 * time.Millisecond),
		},
		{
			Name:        "engine-restarted",
			Description: "The Docker engine of the leader's host is restarted under its running containers.",
			Expect:      within(15*time.Second, 20*time.Second),
			Available:   inLab,
			Inject:      restartEngine,
		},
	}
}

// onHosts is the Available of faults that any hosts can have.
func onHosts(c *cluster.Cluster) error {
	hosts := c.Outputs().Hosts
	if len(hosts) < 2 {
		return errors.New("needs several hosts, and the stack runs on one engine")
	}
	return parallel.Each(hosts, func(h topology.Host) error {
		ctx, cancel := context.WithTimeout(context.Background(), effectTimeout)
		defer cancel()
		if _, err := c.DockerOn(h.Name).ImageInspect(ctx, topology.NetworkToolsImage); err != nil {
			return fmt.Errorf("host %s: %w: run `make images`", h.Name, err)
		}
		return nil
	})
}

// hasZones is the Available of faults of zones.
func hasZones(c *cluster.Cluster) error {
	if err := onHosts(c); err != nil {
		return err
	}
	hosts := c.Outputs().Hosts
	for _, h := range hosts {
		if h.Zone != hosts[0].Zone {
			return nil
		}
	}
	return errors.New("needs several zones")
}

// inLab is the Available of faults of power and of engines.
func inLab(c *cluster.Cluster) error {
	if len(c.Outputs().Hosts) < 2 {
		return errors.New("needs several hosts, and the stack runs on one engine")
	}
	_, err := labOf(c)
	return err
}

func hasVirtualAddress(c *cluster.Cluster) error {
	if c.Outputs().VirtualAddress == "" {
		return errors.New("needs warren:virtualAddress")
	}
	return inLab(c)
}

// labOf is the lab that the stack's hosts are of.
func labOf(c *cluster.Cluster) (*hostlab.Lab, error) {
	var addresses []netip.Addr
	for _, h := range c.Outputs().Hosts {
		address, err := netip.ParseAddr(h.Address)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	l, err := hostlab.Find(addresses...)
	if err != nil {
		return nil, fmt.Errorf("needs hosts of a lab (tools/hosts): %w", err)
	}
	return l, nil
}

// leaderHost is the host of the node that leads the queue.
func leaderHost(ctx context.Context, c *cluster.Cluster, target fault.Target) (topology.Host, error) {
	leader, err := c.Leader(ctx, target.VHost, target.Queue)
	if err != nil {
		return topology.Host{}, err
	}
	for _, h := range c.Outputs().Hosts {
		if h.Name == leader.Host {
			return h, nil
		}
	}
	return topology.Host{}, fmt.Errorf("%s is on host %q, which the stack has not", leader.Name, leader.Host)
}

// what is on a host, for people.
func whatIsOn(c *cluster.Cluster, host string) string {
	var parts []string
	for _, n := range c.Nodes() {
		if n.Host == host {
			parts = append(parts, n.Name)
		}
	}
	for _, b := range c.LoadBalancers() {
		if b.Host == host {
			parts = append(parts, "a load balancer")
		}
	}
	return strings.Join(parts, " and ")
}

// await polls until check returns nil.
func await(ctx context.Context, what string, check func(context.Context) error) error {
	return wait.Within(ctx, effectTimeout, pollEvery, what, check)
}

// HealAll undoes what faults have done to the hosts of a stack, whoever injected them: hosts of a lab without
// power or with their cable pulled, and packet filters on any hosts.
func HealAll(ctx context.Context, c *cluster.Cluster) error {
	hosts := c.Outputs().Hosts
	if len(hosts) == 0 {
		return nil
	}
	if l, err := labOf(c); err == nil {
		if err := parallel.Each(hosts, func(h topology.Host) error { return restore(ctx, l, h) }); err != nil {
			return err
		}
	}
	return parallel.Each(hosts, func(h topology.Host) error { return toolsOn(c, h).clear(ctx) })
}
