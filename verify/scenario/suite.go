package scenario

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"warren/internal/wait"
	"warren/verify/report"
	"warren/verify/schedule"
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
	// Annotate adds to the run, before it is written, what is no scenario's. It may be nil.
	Annotate func(*report.Run)
	// Shrink has a plan of overlapping faults that fails played in parts, to find the fewest faults that still
	// fail.
	Shrink bool
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
func (s Suite) Play(ctx context.Context, scenarios iter.Seq[Scenario]) (run report.Run, err error) {
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
	for scenario := range scenarios {
		played := len(run.Scenarios)
		if played > 0 && interrupted(ctx) {
			break // the scenario before was interrupted, and says so
		}
		if played > 0 && run.Scenarios[played-1].Error != "" {
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
		if s.Shrink && scenario.Plan != nil && result.Status() == report.Failed && !interrupted(ctx) {
			result.Smallest = s.shrink(ctx, scenario)
		}
		if result.Status() != report.Skipped {
			result.HistoryFile = filepath.Join(historyFolder, scenario.Name+".jsonl.gz")
			if err := h.Save(filepath.Join(s.Dir, result.HistoryFile)); err != nil {
				return run, err
			}
		}
		run.Scenarios = append(run.Scenarios, result)
		run.Took = time.Since(run.Started)
		if s.Annotate != nil {
			s.Annotate(&run)
		}
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

// shrink says which are the fewest faults of a failed plan that still fail.
func (s Suite) shrink(ctx context.Context, failed Scenario) string {
	tries := 0
	smallest, err := schedule.Shrink(failed.Plan.Plan, func(part schedule.Plan) (bool, error) {
		tries++
		again := Planned(fmt.Sprintf("%s-part-%d", failed.Name, tries), part)
		again.Plan.Find = failed.Plan.Find
		if err := wait.AtMost(ctx, s.Runner.Limits.Heal, s.Runner.Rig.HealAll); err != nil {
			return false, err
		}
		result, _ := s.Runner.Play(ctx, again)
		if interrupted(ctx) {
			return false, context.Cause(ctx)
		}
		if s.Done != nil {
			s.Done(result)
		}
		return result.Status() == report.Failed, nil
	})
	text := fmt.Sprintf("%d of %d faults still fail (%d tries): %s", len(smallest), len(failed.Plan.Plan), tries,
		smallest)
	if err != nil {
		text += fmt.Sprintf(" (not shrunk to the end: %v)", err)
	}
	return text
}
