// Package soak plays plans of overlapping faults, one after the other, for as long as somebody likes, and
// watches that the memory of nodes and clients does not grow.
package soak

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"warren/operate/cluster"
	"warren/verify/report"
	"warren/verify/scenario"
)

// Config says how to soak a cluster.
type Config struct {
	Cluster *cluster.Cluster
	// Suite plays the plans and keeps the report.
	Suite scenario.Suite
	// For is how long to go on; the plan that is being played then is played to its end.
	For time.Duration
	// Round is how long each plan is.
	Round time.Duration
	// Seed is that of the first plan. Each next plan has the next number.
	Seed uint64
	// Most is how many nodes may be impaired at once.
	Most int
}

// Run soaks a cluster. An error means that there is no complete report; how it went is in the run.
func Run(ctx context.Context, cfg Config) (report.Run, error) {
	// What cannot be drawn at all is said at once.
	if _, err := scenario.Overlapping(cfg.Cluster, cfg.Most, cfg.Round, cfg.Seed); err != nil {
		return report.Run{}, err
	}
	memory := startWatch(ctx, cfg.Cluster)
	defer memory.stop()
	suite := cfg.Suite
	suite.Annotate = func(run *report.Run) {
		run.Memory = memory.usage()
		run.Problems = Growth(run.Memory)
	}
	var failure error
	draw := func(seed uint64) (scenario.Scenario, bool) {
		s, err := scenario.Overlapping(cfg.Cluster, cfg.Most, cfg.Round, seed)
		failure = err
		return s, err == nil
	}
	run, err := suite.Play(ctx, rounds(time.Now().Add(cfg.For), cfg.Seed, draw))
	if failure != nil {
		failure = fmt.Errorf("draw a plan: %w", failure)
	}
	return run, errors.Join(err, failure)
}

// rounds draws plans until it is late, the first in any case.
func rounds(
	end time.Time, seed uint64, draw func(uint64) (scenario.Scenario, bool),
) iter.Seq[scenario.Scenario] {
	return func(yield func(scenario.Scenario) bool) {
		for n := uint64(0); n == 0 || time.Now().Before(end); n++ {
			s, ok := draw(seed + n)
			if !ok || !yield(s) {
				return
			}
		}
	}
}
