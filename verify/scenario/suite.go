package scenario

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"warren/internal/wait"
	"warren/verify/report"
)

// historyFolder is where the histories are, in the folder of the report.
const historyFolder = "history"

// Suite plays scenarios one after the other, and keeps a report of them.
type Suite struct {
	Runner Runner
	// Run is what the report says of the stack; the suite adds the scenarios.
	Run report.Run
	// Dir is the folder of the report.
	Dir string
	// Before is called before each scenario. It may be nil.
	Before func(context.Context) error
	// Done is called with the result of each scenario. It may be nil.
	Done func(report.Scenario)
}

// NewRun describes a rig for a report.
func NewRun(rig ClusterRig, seed uint64) report.Run {
	outputs := rig.Cluster.Outputs()
	run := report.Run{
		Stack: rig.Cluster.Stack(), Series: outputs.RabbitMQSeries, Queue: rig.Queue.String(),
		Traffic: rig.Traffic.String(),
		Seed:    seed, Started: time.Now(),
	}
	for _, node := range outputs.Nodes {
		run.Nodes = append(run.Nodes, node.Name)
	}
	return run
}

// Play plays the scenarios. It writes the report, and the history of the scenario beside it, after each of
// them, so that a run that is cut short leaves one. The end of ctx ends the run after the scenario that is
// being played, which is interrupted. An error means that there is no complete report; how the scenarios
// ended is in the run.
func (s Suite) Play(ctx context.Context, scenarios []Scenario) (run report.Run, err error) {
	run = s.Run
	lying := false // the nodes may be on lying disks
	offDisks := func() error {
		if !lying {
			return nil
		}
		lying = false
		return wait.AtMost(context.WithoutCancel(ctx), s.Runner.Limits.Heal, s.Runner.Rig.HealAll)
	}
	defer func() { err = errors.Join(err, offDisks()) }()
	// What an earlier run left behind when it was killed would spoil this one.
	if err := wait.AtMost(ctx, s.Runner.Limits.Heal, s.Runner.Rig.HealAll); err != nil {
		return run, fmt.Errorf("heal what an earlier run left behind: %w", err)
	}
	for i, scenario := range scenarios {
		if i > 0 && interrupted(ctx) {
			break // the scenario before was interrupted, and says so
		}
		if i > 0 && run.Scenarios[i-1].Error != "" {
			// Nobody knows what is left of it. What cannot be healed now is what the next scenario fails with.
			_ = wait.AtMost(ctx, s.Runner.Limits.Heal, s.Runner.Rig.HealAll)
		}
		if scenario.lyingDisks() {
			lying = true
		} else if err := offDisks(); err != nil {
			return run, err
		}
		if s.Before != nil {
			if err := s.Before(ctx); err != nil {
				return run, err
			}
		}
		result, h := s.Runner.Play(ctx, scenario)
		if result.Status() != report.Skipped {
			result.HistoryFile = filepath.Join(historyFolder, scenario.Name+".jsonl.gz")
			if err := h.Save(filepath.Join(s.Dir, result.HistoryFile)); err != nil {
				return run, err
			}
		}
		run.Scenarios = append(run.Scenarios, result)
		run.Took = time.Since(run.Started)
		if err := report.Write(s.Dir, run); err != nil {
			return run, err
		}
		if s.Done != nil {
			s.Done(result)
		}
	}
	return run, nil
}

// interrupted tells whether somebody wants to end it.
func interrupted(ctx context.Context) bool { return ctx.Err() != nil }
