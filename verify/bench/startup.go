package bench

import (
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
func startup() []Comparison {
	return []Comparison{{
		Name: "startup",
		Shows: "From nothing to a healthy cluster: `pulumi up`; the same containers with the same files, made and started all at once " +
			"by hand, until three nodes run; the tutorial's procedure with its half minute's sleep and its join commands.",
		Metrics: []Metric{{"time", Seconds}},
		Sides: []Side{
			{"Warren (pulumi up)", startWithPulumi},
			{"by hand", startByHand},
			{"tutorial", startAsTold},
		},
		Claims: []Claim{{Row: "Warren (pulumi up)", Metric: "time", Against: "by hand", AtMost: 1.5}},
	}}
}

// pulumiStack is the stack that is brought up to see how long that takes. Pulumi.bench.yaml describes it.
const pulumiStack = "bench"

// downTimeout bounds taking that stack down again.
const downTimeout = 3 * time.Minute

func startWithPulumi(ctx context.Context, lab *Lab) ([]Sample, error) {
	if lab.Warren.Stack() == pulumiStack {
		return nil, fmt.Errorf("stack %s is the one to be brought up and taken down: measure with another, such as dev", pulumiStack)
	}
	project, err := projectFolder()
	if err != nil {
		return nil, err
	}
	tool := func(ctx context.Context, verb string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(project, "tools", "stack"), verb, pulumiStack)
		cmd.Dir = project
		if said, err := cmd.CombinedOutput(); err != nil {
			return scriptError("tools/stack "+verb+" "+pulumiStack, err, string(said))
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
	defer lab.cleanUp(ctx, down)

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
	if err := waitRunning(ctx, k); err != nil {
		return nil, fmt.Errorf("pulumi up returned and not all nodes run: %w", err)
	}
	return timed(took), nil
}

func startByHand(ctx context.Context, lab *Lab) ([]Sample, error) {
	c, err := newCopy(ctx, lab.Warren, "bench-by-hand", byHandPorts, "")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.gather(ctx), c.remove(ctx)); err != nil {
		return nil, err
	}
	defer lab.cleanUp(ctx, c.remove)
	began := time.Now()
	k, err := c.up(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	return timed(took), k.Close()
}

func startAsTold(ctx context.Context, lab *Lab) ([]Sample, error) {
	if err := lab.haveTutorialImage(ctx); err != nil {
		return nil, err
	}
	t, err := newTutorialCluster(lab.Warren, "bench-as-told", asToldPorts)
	if err != nil {
		return nil, err
	}
	if err := t.remove(ctx); err != nil {
		return nil, err
	}
	defer lab.cleanUp(ctx, t.remove)
	began := time.Now()
	k, err := t.up(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	return timed(took), k.Close()
}

func timed(took time.Duration) []Sample {
	return []Sample{{Values: map[string]float64{"time": took.Seconds()}}}
}
