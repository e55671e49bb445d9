package fault

import (
	"context"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
)

// Quiet returns what is no failure: no alert may fire.
func Quiet() []Fault {
	return []Fault{
		{
			Name:        "nothing",
			Description: "Nothing is done for ten minutes.",
			Hold:        10 * time.Minute,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject: func(context.Context, *cluster.Cluster, Target) (Injection, error) {
				return &injection{"did nothing", func(context.Context) error { return nil }}, nil
			},
		},
		{
			Name:        "short-pause",
			Description: "All processes of the leader freeze for two seconds, which is no failure.",
			Hold:        30 * time.Second,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      pauseShortly,
		},
	}
}

// pauseShortly pauses the leader for two seconds. The fault is over when it returns.
func pauseShortly(ctx context.Context, c *cluster.Cluster, target Target) (Injection, error) {
	injected, err := pauseLeader(ctx, c, target)
	if err != nil {
		return nil, err
	}
	slept := wait.Sleep(ctx, 2*time.Second)
	if err := injected.Heal(context.WithoutCancel(ctx)); err != nil {
		return injected, err
	}
	return injected, slept
}
