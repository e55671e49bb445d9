package suite

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"warren/bench/lab"
	"warren/operate/cluster"
	"warren/operate/stack"
)

const (
	// pulumiStack is the stack that is brought up to see how long that takes. Pulumi.bench.yaml describes it.
	pulumiStack = "bench"
	// downTimeout bounds taking that stack down again.
	downTimeout = 3 * time.Minute
)

// ownStack is the stack that the benchmarks bring up, change and take down.
type ownStack struct{ project string }

// emptyStack takes away what an earlier run left of the stack, and initializes it.
func emptyStack(ctx context.Context, place *lab.Lab) (ownStack, error) {
	if place.Warren.Stack() == pulumiStack {
		return ownStack{}, fmt.Errorf("stack %s is the one to be brought up and taken down: measure with "+
			"another, such as dev", pulumiStack)
	}
	project, err := lab.ProjectFolder()
	s := ownStack{project}
	return s, errors.Join(err, s.down(ctx), s.tool(ctx, "init"))
}

// up deploys the stack with settings such as "warren:heartbeatSeconds=30", and returns how long that took.
func (s ownStack) up(ctx context.Context, settings ...string) (time.Duration, error) {
	var flags []string
	for _, setting := range settings {
		flags = append(flags, "--config", setting)
	}
	began := time.Now()
	err := s.tool(ctx, "up", flags...)
	return time.Since(began), err
}

func (s ownStack) down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
	defer cancel()
	return s.tool(ctx, "down")
}

// open opens the stack's cluster.
func (s ownStack) open(ctx context.Context) (*cluster.Cluster, error) {
	outputs, err := stack.Outputs(ctx, s.project, pulumiStack)
	if err != nil {
		return nil, err
	}
	return cluster.Open(outputs)
}

func (s ownStack) tool(ctx context.Context, verb string, flags ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.project, "tools", "stack"),
		append([]string{verb, pulumiStack}, flags...)...)
	cmd.Dir = s.project
	if said, err := cmd.CombinedOutput(); err != nil {
		return lab.ScriptError("tools/stack "+verb+" "+pulumiStack, err, string(said))
	}
	return nil
}
