package suite

import (
	"warren/bench/compare"
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"time"
)

// startup compares how long it takes from nothing to a cluster of three running nodes, with toolchain and
// images present.
func startup() []compare.Comparison {
	return []compare.Comparison{{
		Name: "startup",
		Shows: "From nothing to a healthy cluster: `tools/stack up`; the same containers with the same files, " +
			"made and started all at once through the engine's API, until all are healthy; of these the nodes " +
			"and the load balancer only, until three nodes run; the tutorial's procedure with its half " +
			"minute's sleep and its join commands.",
		Metrics: []compare.Metric{{Name: "time", Unit: compare.Seconds}},
		Sides: []compare.Side{
			{Name: "Warren (pulumi up)", Measure: startWithPulumi},
			{Name: "by hand", Measure: startByHand},
			{Name: "by hand, without what looks after them", Measure: startNodesByHand},
			{Name: "tutorial", Measure: startAsInTutorial},
		},
		Claims: []compare.Claim{{Row: "Warren (pulumi up)", Metric: "time", Against: "by hand", AtMost: 1.4}},
	}}
}

func startWithPulumi(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	s, err := emptyStack(ctx, place)
	if err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, s.down)
	took, err := s.up(ctx)
	if err != nil {
		return nil, err
	}
	k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	if err := lab.WaitRunning(ctx, k); err != nil {
		return nil, fmt.Errorf("pulumi up returned and not all nodes run: %w", err)
	}
	return timed(took), nil
}

func startByHand(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	c, err := lab.NewWholeCopy(ctx, place.Warren, "bench-by-hand", lab.ByHandPorts)
	if err != nil {
		return nil, err
	}
	return startCopy(ctx, place, c)
}

func startNodesByHand(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	c, err := lab.NewCopy(ctx, place.Warren, "bench-by-hand", lab.ByHandPorts, "")
	if err != nil {
		return nil, err
	}
	return startCopy(ctx, place, c)
}

func startCopy(ctx context.Context, place *lab.Lab, c *lab.Copy) ([]compare.Sample, error) {
	if err := errors.Join(c.Gather(ctx), c.Remove(ctx)); err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, c.Remove)
	began := time.Now()
	k, err := c.Up(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	return timed(took), k.Close()
}

func startAsInTutorial(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	if err := place.HaveTutorialImage(ctx); err != nil {
		return nil, err
	}
	t, err := lab.NewTutorialCluster(place.Warren, "bench-as-written", lab.AsWrittenPorts)
	if err != nil {
		return nil, err
	}
	if err := t.Remove(ctx); err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, t.Remove)
	began := time.Now()
	k, err := t.Up(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	return timed(took), k.Close()
}

func timed(took time.Duration) []compare.Sample {
	return []compare.Sample{{Values: map[string]float64{"time": took.Seconds()}}}
}
