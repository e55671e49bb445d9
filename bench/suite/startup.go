package suite

import (
	"warren/bench/compare"
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"warren/operate/cluster"
	"warren/operate/stack"
)

// startup compares how long it takes from nothing to a cluster of three running nodes, with toolchain and images present.
func startup() []compare.Comparison {
	return []compare.Comparison{{
		Name: "startup",
		Shows: "From nothing to a healthy cluster: `pulumi up`; the same containers with the same files, made and started all at once " +
			"by hand, until three nodes run; the tutorial's procedure with its half minute's sleep and its join commands.",
		Metrics: []compare.Metric{{Name: "time", Unit: compare.Seconds}},
		Sides: []compare.Side{
			{Name: "Warren (pulumi up)", Measure: startWithPulumi},
			{Name: "by hand", Measure: startByHand},
			{Name: "tutorial", Measure: startAsInTutorial},
		},
		Claims: []compare.Claim{{Row: "Warren (pulumi up)", Metric: "time", Against: "by hand", AtMost: 1.5}},
	}}
}

// pulumiStack is the stack that is brought up to see how long that takes. Pulumi.bench.yaml describes it.
const pulumiStack = "bench"

// downTimeout bounds taking that stack down again.
const downTimeout = 3 * time.Minute

func startWithPulumi(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	if place.Warren.Stack() == pulumiStack {
		return nil, fmt.Errorf("stack %s is the one to be brought up and taken down: measure with another, such as dev", pulumiStack)
	}
	project, err := lab.ProjectFolder()
	if err != nil {
		return nil, err
	}
	tool := func(ctx context.Context, verb string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(project, "tools", "stack"), verb, pulumiStack)
		cmd.Dir = project
		if said, err := cmd.CombinedOutput(); err != nil {
			return lab.ScriptError("tools/stack "+verb+" "+pulumiStack, err, string(said))
		}
		return nil
	}
	down := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
		defer cancel()
		return tool(ctx, "down")
	}
	if err := errors.Join(down(ctx), tool(ctx, "init")); err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, down)

	began := time.Now()
	if err := tool(ctx, "up"); err != nil {
		return nil, err
	}
	took := time.Since(began)

	outputs, err := stack.Outputs(ctx, project, pulumiStack)
	if err != nil {
		return nil, err
	}
	k, err := cluster.Open(outputs)
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
	c, err := lab.NewCopy(ctx, place.Warren, "bench-by-hand", lab.ByHandPorts, "")
	if err != nil {
		return nil, err
	}
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
	t, err := lab.NewTutorialCluster(place.Warren, "bench-as-told", lab.AsToldPorts)
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
