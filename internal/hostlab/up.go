package hostlab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"warren/internal/parallel"
)

// errNotRoot says what a lab needs.
var errNotRoot = errors.New("a lab of hosts needs root: it makes network namespaces and starts " +
	"Docker engines")

// Up makes a lab of so many hosts. If network is not valid, a free one is chosen. What was made is removed
// if that fails, or if ctx ends.
func Up(ctx context.Context, name string, network netip.Prefix, count int) (_ *Lab, err error) {
	if os.Geteuid() != 0 {
		return nil, errNotRoot
	}
	for _, needed := range []struct{ command, in string }{
		{"ip", "iproute2"}, {"iptables", "iptables"}, {"nsenter", "util-linux"}, {"dockerd", "docker.io"},
	} {
		if _, err := exec.LookPath(needed.command); err != nil {
			return nil, fmt.Errorf("there is no %s: install the package %s", needed.command, needed.in)
		}
	}
	l, err := claim(ctx, name, network, count)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Down(context.WithoutCancel(ctx)))
		}
	}()
	if err := l.makeKeys(ctx); err != nil {
		return nil, err
	}
	if err := l.save(); err != nil {
		return nil, err
	}
	if err := l.makeNetwork(ctx); err != nil {
		return nil, err
	}
	return l, parallel.Each(l.Hosts, func(h Host) error { return l.PowerOn(ctx, h) })
}

// claim reserves the lab's name and network, and writes its description, by which Down knows what to remove.
func claim(ctx context.Context, name string, network netip.Prefix, count int) (*Lab, error) {
	if err := os.MkdirAll(stateRoot, 0o711); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(stateRoot, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if !network.IsValid() {
		if network, err = freeNetwork(); err != nil {
			return nil, err
		}
	}
	l, err := newLab(name, network, count)
	if err != nil {
		return nil, err
	}
	if taken, err := inUse(network); err != nil || taken {
		return nil, errors.Join(err, fmt.Errorf("the network %s is in use on this machine: choose "+
			"another", network))
	}
	switch err := os.Mkdir(l.state(), 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("there is a lab %s: remove it with `tools/hosts down %s`, or choose "+
			"another name", name, name)
	case err != nil:
		return nil, err
	}
	return l, errors.Join(l.save(), context.Cause(ctx))
}

// freeNetwork returns a network that nothing on this machine uses.
func freeNetwork() (netip.Prefix, error) {
	for i := range 256 {
		network := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, byte(i), 0}), 24)
		if taken, err := inUse(network); err != nil || !taken {
			return network, err
		}
	}
	return netip.Prefix{}, errors.New("all networks in 10.77.0.0/16 are in use on this machine: name another")
}

// inUse tells whether a lab has a network, or an interface of this machine has an address in it.
func inUse(network netip.Prefix) (bool, error) {
	labs, err := List()
	if err != nil {
		return false, err
	}
	for _, l := range labs {
		if l.Network.Overlaps(network) {
			return true, nil
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Overlaps(network) {
			return true, nil
		}
	}
	return false, nil
}
