package fault

import (
	"context"
	"time"

	"warren/operate/cluster"
	"warren/verify/fault/effect"
	"warren/verify/fault/resource"
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
				return &effect.Injected{What: "did nothing", Undo: func(context.Context) error { return nil }}, nil
			},
		},
		{
			Name:        "short-pause",
			Description: "All processes of the leader freeze for two seconds, which is no failure.",
			Hold:        30 * time.Second,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Available:   anyCluster,
			Inject:      resource.PauseFor(2*time.Second, effect.Leader),
		},
	}
}
