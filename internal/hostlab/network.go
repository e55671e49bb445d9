package hostlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// makeNetwork links the hosts by a bridge, on which the machine has an address as well.
func (l *Lab) makeNetwork(ctx context.Context) error {
	bridge, own := l.bridge(), address(l.Network, bridgeNumber).String()
	return errors.Join(
		run(ctx, "ip", "link", "add", bridge, "type", "bridge"),
		run(ctx, "ip", "address", "add", own+"/24", "dev", bridge),
		run(ctx, "ip", "link", "set", bridge, "up"),
		l.allow(ctx),
	)
}

// allow lets packets pass between the hosts, and from them to the world, from which an engine may pull
// images. The machine's own engine makes the kernel drop what is forwarded otherwise.
func (l *Lab) allow(ctx context.Context) error {
	rule := func(table, chain string, match ...string) error {
		arguments := append([]string{"-w", "-t", table, "-I", chain}, match...)
		return run(ctx, "iptables", append(arguments, "-m", "comment", "--comment", l.comment())...)
	}
	bridge := l.bridge()
	return errors.Join(
		rule("filter", "FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"),
		rule("filter", "FORWARD", "-i", bridge, "!", "-o", bridge, "-j", "ACCEPT"),
		rule("filter", "FORWARD", "!", "-i", bridge, "-o", bridge,
			"-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
		rule("nat", "POSTROUTING", "-s", l.Network.String(), "!", "-o", bridge, "-j", "MASQUERADE"),
	)
}

// disallow removes the lab's packet filter rules.
func (l *Lab) disallow(ctx context.Context) error {
	var problems []error
	for table, chain := range map[string]string{"filter": "FORWARD", "nat": "POSTROUTING"} {
		rules, err := output(ctx, "iptables", "-w", "-t", table, "-S", chain)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for rule := range strings.Lines(rules) {
			fields := strings.Fields(strings.ReplaceAll(rule, `"`, ""))
			if !hasComment(fields, l.comment()) {
				continue
			}
			fields[0] = "-D"
			problems = append(problems, run(ctx, "iptables", append([]string{"-w", "-t", table}, fields...)...))
		}
	}
	return errors.Join(problems...)
}

// hasComment tells whether a packet filter rule has a comment.
func hasComment(rule []string, comment string) bool {
	for i := range rule {
		if rule[i] == "--comment" && i+1 < len(rule) && rule[i+1] == comment {
			return true
		}
	}
	return false
}

// plugIn gives a host a network namespace with a cable to the bridge.
func (l *Lab) plugIn(ctx context.Context, h Host) error {
	inside := func(args ...string) error {
		return run(ctx, "nsenter", append([]string{"--net=" + h.netFile()}, args...)...)
	}
	for _, step := range []func() error{
		func() error { return run(ctx, "ip", "netns", "add", h.namespace()) },
		func() error {
			return run(ctx, "ip", "link", "add", h.link(), "type", "veth",
				"peer", "name", "eth0", "netns", h.namespace())
		},
		func() error { return run(ctx, "ip", "link", "set", h.link(), "master", l.bridge(), "up") },
		func() error { return inside("ip", "link", "set", "lo", "up") },
		func() error { return inside("ip", "address", "add", h.Address.String()+"/24", "dev", "eth0") },
		func() error { return inside("ip", "link", "set", "eth0", "up") },
		func() error {
			return inside("ip", "route", "add", "default", "via", address(l.Network, bridgeNumber).String())
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// netFile names the host's network namespace for nsenter. `ip netns exec` would hide the mounts of cgroups.
func (h Host) netFile() string { return filepath.Join("/run/netns", h.namespace()) }

// unplug removes the host's network namespace and its cable.
func (h Host) unplug(ctx context.Context) error {
	var problems []error
	if exists("/sys/class/net/" + h.link()) {
		problems = append(problems, run(ctx, "ip", "link", "delete", h.link()))
	}
	if exists(h.netFile()) {
		problems = append(problems, run(ctx, "ip", "netns", "delete", h.namespace()))
	}
	return errors.Join(problems...)
}

// removeNetwork removes the bridge and what allows packets over it.
func (l *Lab) removeNetwork(ctx context.Context) error {
	err := l.disallow(ctx)
	if exists("/sys/class/net/" + l.bridge()) {
		err = errors.Join(err, run(ctx, "ip", "link", "delete", l.bridge()))
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// run runs a command. The error has what it said.
func run(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}
