package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"warren/agent/peer"
	"warren/agent/verdict"
	"warren/internal/wait"
	"warren/topology"
)

// health is what was seen of the node for the load balancers.
type health struct {
	mu     sync.Mutex
	memory verdict.Memory
}

// verdict is what load balancers are told about the node.
func (a *Agent) verdict() verdict.Verdict {
	stopping := a.board.Status().Phase == peer.Stopping
	a.health.mu.Lock()
	defer a.health.mu.Unlock()
	seen := a.health.memory.Seen(time.Now())
	seen.Stopping = stopping
	return verdict.Judge(seen)
}

// pulseLimit is more than a pulse has, in bytes.
const pulseLimit = 4 << 10

// listen takes the node's pulses until ctx ends.
func (a *Agent) listen(ctx context.Context) {
	const rest = time.Second
	for ctx.Err() == nil {
		if err := a.listenUntilItFails(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("can't take the node's pulse", "error", err)
		}
		_ = wait.Sleep(ctx, rest) // the loop sees that ctx has ended
	}
}

func (a *Agent) listenUntilItFails(ctx context.Context) error {
	address := fmt.Sprintf("127.0.0.1:%d", topology.AgentPort)
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	buffer := make([]byte, pulseLimit)
	for {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			return err
		}
		var pulse verdict.Pulse
		if err := json.Unmarshal(buffer[:n], &pulse); err != nil {
			return fmt.Errorf("%q is no pulse: %w", buffer[:n], err)
		}
		a.health.mu.Lock()
		a.health.memory.Add(pulse, time.Now())
		a.health.mu.Unlock()
	}
}

// askQuietNode asks a node that sends no pulse whether it answers a client, until ctx ends. A silence alone
// says nothing against a node.
func (a *Agent) askQuietNode(ctx context.Context) {
	const interval = time.Second
	for wait.Sleep(ctx, interval) == nil {
		now := time.Now()
		a.health.mu.Lock()
		quiet := a.health.memory.Quiet(now)
		a.health.mu.Unlock()
		if !quiet {
			continue
		}
		asking, done := context.WithTimeout(ctx, interval)
		answered := a.rabbit.Greets(asking, string(a.desired.Self), topology.AMQPPort)
		done()
		a.health.mu.Lock()
		a.health.memory.Answered(answered, now)
		a.health.mu.Unlock()
	}
}

// tellLoadBalancers waits until the load balancers know that the node stops, so that it gets no new clients.
// They ask several times a second. One that has died, or that asks less often, is not waited for longer.
func (a *Agent) tellLoadBalancers(ctx context.Context) {
	const (
		limit    = 3 * time.Second
		interval = 20 * time.Millisecond
	)
	err := wait.Within(ctx, limit, interval, "the load balancers to know that the node stops",
		func(context.Context) error {
			if n := a.desk.Unaware(verdict.Drains, time.Now()); n > 0 {
				return fmt.Errorf("%d still send it clients", n)
			}
			return nil
		})
	if err != nil {
		a.log.Warn("stopping all the same", "error", err)
	}
}
