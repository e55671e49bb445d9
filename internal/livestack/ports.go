// Package livestack gives tests stacks of their own on the real engine.
package livestack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"warren/topology/stackconfig"

	"github.com/stretchr/testify/require"
)

// handedOut are the ports that freeRange returned already; a test asks several times before it uses them.
var handedOut sync.Map

// freeRange returns the first of n consecutive ports on which nothing listens, below those the kernel hands
// out.
func freeRange(ctx context.Context, n int) (int, error) {
	for range 1000 {
		if first := 30000 + rand.IntN(2000-n); isFree(ctx, first, n) {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d consecutive free ports between 30000 and 32000", n)
}

func isFree(ctx context.Context, first, n int) bool {
	for port := first; port < first+n; port++ {
		if _, taken := handedOut.Load(port); taken {
			return false
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	for port := first; port < first+n; port++ {
		handedOut.Store(port, true)
	}
	return true
}

// FreePorts returns ports for a stack of up to five nodes on which nothing listens.
func FreePorts(t *testing.T) stackconfig.PortsConfig {
	t.Helper()
	ports, err := freePorts(t.Context())
	require.NoError(t, err)
	return ports
}

func freePorts(ctx context.Context) (stackconfig.PortsConfig, error) {
	var ports stackconfig.PortsConfig
	for _, part := range []struct {
		first *int
		n     int
	}{
		{&ports.AMQP, 5},
		{&ports.Management, 5},
		{&ports.LoadBalancerAMQP, 1},
		{&ports.LoadBalancerManagement, 1},
		{&ports.Stats, 1},
		{&ports.Prometheus, 1},
		{&ports.Alertmanager, 1},
		{&ports.Grafana, 1},
	} {
		var err error
		if *part.first, err = freeRange(ctx, part.n); err != nil {
			return stackconfig.PortsConfig{}, err
		}
	}
	return ports, nil
}
