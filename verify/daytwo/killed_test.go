//go:build cluster

package daytwo

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/operate/cluster"
)

// Pulumi is killed in the middle of deployments, again and again. kills is how often of each kind of
// deployment, killsInRound how often before one is let through.
const (
	kills        = 10
	killsInRound = 5
	// seedVariable names the environment variable with the seed of the moments.
	seedVariable = "WARREN_SEED"
)

// moments draws the moments at which Pulumi is killed.
func moments(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("the moments follow from %s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// killUps kills a deployment, and the one that is to complete it, and lets the next one do that.
func killUps(t *testing.T, s *livestack.Stack, draw *rand.Rand, usual time.Duration) (killed int) {
	t.Helper()
	for range killsInRound {
		if s.KilledUp(time.Duration(draw.Int64N(int64(usual)))) {
			killed++
		}
	}
	s.UpAgain()
	return killed
}

// TestKilledRolls kills Pulumi at random moments of rolls. The next deployment goes on from there, and never
// two nodes are down.
func TestKilledRolls(t *testing.T) {
	draw := moments(t)
	s := livestack.New(t, nil)
	c := open(t, s.MustUp())
	underTraffic(t, c, "killed rolls", rollGap, func() {
		s.Configure(map[string]any{"warren:heartbeatSeconds": 20})
		usual := requireUp(t, s, 6)
		for killed, round := 0, 1; killed < kills; round++ {
			s.Configure(map[string]any{"warren:heartbeatSeconds": 20 + round})
			killed += killUps(t, s, draw, usual)
			healthy(t, c)
			requireRunsWith(t, c, 20+round)
		}
	})
	healthy(t, c)
	s.Destroy()
}

// requireRunsWith requires that every node's configuration has a heartbeat.
func requireRunsWith(t *testing.T, c *cluster.Cluster, heartbeat int) {
	t.Helper()
	for _, node := range c.Nodes() {
		said, err := c.Run(t.Context(), node.Container, "rabbitmqctl", "eval",
			"{ok, S} = application:get_env(rabbit, heartbeat), S.")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(heartbeat), said, node.Name)
	}
}

// TestKilledScaleIns kills Pulumi at random moments of scale-ins. The next deployment completes them.
func TestKilledScaleIns(t *testing.T) {
	draw := moments(t)
	s := livestack.New(t, nil)
	c := open(t, s.MustUp())
	declare(t, c, "asks-for-four", 4)
	underTraffic(t, c, "killed scale-ins", scaleGap, func() {
		for killed := 0; killed < kills; {
			s.Configure(map[string]any{"warren:nodes": 4})
			start := time.Now()
			s.MustUp()
			usual := time.Since(start)
			requireMembers(t, c, "asks-for-four", 4)
			s.Configure(map[string]any{"warren:nodes": 3})
			killed += killUps(t, s, draw, usual)
			requireNoTrace(t, s, c, "rabbit4")
			requireMembers(t, c, "asks-for-four", 3)
		}
	})
	healthy(t, c)
	s.Destroy()
}

// TestKilledScaleInIsTakenBack kills Pulumi in the middle of a scale-in, and then wants the node back. What
// the killed deployment left at work must not go on to remove it.
func TestKilledScaleInIsTakenBack(t *testing.T) {
	draw := moments(t)
	s := livestack.New(t, map[string]any{"warren:nodes": 4})
	c := open(t, s.MustUp())
	declare(t, c, "asks-for-four", 4)
	underTraffic(t, c, "a scale-in taken back", scaleGap, func() {
		const times = 3
		for range times {
			s.Configure(map[string]any{"warren:nodes": 3})
			require.True(t, s.KilledUpAtWork(time.Duration(draw.Int64N(int64(5*time.Second)))))
			s.Configure(map[string]any{"warren:nodes": 4})
			s.UpAgain()
			healthy(t, c)
			requireMembers(t, c, "asks-for-four", 4)
		}
	})
	s.Destroy()
}
