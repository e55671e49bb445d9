package hostlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// Find returns the lab on this machine that has hosts with all of these addresses.
func Find(addresses ...netip.Addr) (*Lab, error) {
	labs, err := List()
	if err != nil {
		return nil, err
	}
	for _, l := range labs {
		missing := false
		for _, address := range addresses {
			if _, err := l.At(address); err != nil {
				missing = true
			}
		}
		if !missing && len(addresses) > 0 {
			return l, nil
		}
	}
	return nil, errors.New("these hosts are no lab on this machine")
}

// At returns the host with an address.
func (l *Lab) At(address netip.Addr) (Host, error) {
	for _, h := range l.Hosts {
		if h.Address == address {
			return h, nil
		}
	}
	return Host{}, fmt.Errorf("lab %s has no host with the address %s", l.Name, address)
}

// Has tells whether a host has an address right now.
func (h Host) Has(ctx context.Context, address netip.Addr) (bool, error) {
	if !exists(h.netFile()) {
		return false, nil
	}
	shown, err := output(ctx, "nsenter", "--net="+h.netFile(), "ip", "-o", "address", "show", "to",
		address.String())
	return strings.TrimSpace(shown) != "", err
}

// Powered tells whether a host has its power.
func (h Host) Powered() bool { return exists(h.netFile()) && exists(h.socket()) }

// Answers returns nil if something listens at a host's port.
func (h Host) Answers(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return h.answers(ctx, fmt.Sprint(port))
}

// RestartEngine ends a host's engine as the machine's service manager does, and starts it again. The
// containers run or restart as the engine sees to it.
func (l *Lab) RestartEngine(ctx context.Context, h Host) error {
	if err := h.endEngine(ctx); err != nil {
		return fmt.Errorf("host %s of lab %s: %w", h.Name, l.Name, err)
	}
	if err := h.startEngine(ctx); err != nil {
		return fmt.Errorf("host %s of lab %s: %w", h.Name, l.Name, err)
	}
	return nil
}

// endEngine tells the host's engine to end and waits for that.
func (h Host) endEngine(ctx context.Context) error {
	return endAll(ctx, startTimeout, "the end of the engine", h.engines, syscall.SIGTERM)
}
