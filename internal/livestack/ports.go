// Package livestack gives tests a stack of their own on the real engine.
package livestack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"warren/topology"
)

// handedOut are the ports that freeRange returned already; a test asks several times before it uses them.
var handedOut sync.Map

// freeRange returns the first of n consecutive ports on which nothing listens, below those the kernel hands
// out.
func freeRange(t *testing.T, n int) int {
	t.Helper()
	for range 1000 {
		if first := 30000 + rand.IntN(2000-n); isFree(t, first, n) {
			return first
		}
	}
	t.Fatalf("no %d consecutive free ports between 30000 and 32000", n)
	return 0
}

func isFree(t *testing.T, first, n int) bool {
	t.Helper()
	for port := first; port < first+n; port++ {
		if _, taken := handedOut.Load(port); taken {
			return false
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
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
func FreePorts(t *testing.T) topology.PortsConfig {
	t.Helper()
	return topology.PortsConfig{
		AMQP: freeRange(t, 5), Management: freeRange(t, 5),
		LoadBalancerAMQP: freeRange(t, 1), LoadBalancerManagement: freeRange(t, 1), Stats: freeRange(t, 1),
	}
}
