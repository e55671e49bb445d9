package compare

import (
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"time"
)

// Runner runs comparisons.
type Runner struct {
	Lab *lab.Lab
	// Repetitions is how often each side is measured.
	Repetitions int
	// Progress is told, in a line, what is being measured and what was found. It may be nil.
	Progress func(line string)
	// Save is called with everything found so far after each comparison, so that a run that is cut short leaves
	// something. It may be nil.
	Save func(Run) error
}

// Run runs the comparisons one after the other. What goes wrong with one side is in the result, and the rest
// goes on; the error is of the end of ctx, or of saving.
func (r Runner) Run(ctx context.Context, comparisons []Comparison) (Run, error) {
	outputs := r.Lab.Warren.Outputs()
	run := Run{Stack: r.Lab.Warren.Stack(), Series: outputs.RabbitMQSeries, Machine: describeMachine(),
		Started: time.Now()}
	for i, c := range comparisons {
		r.say("[%d/%d] %s: %s", i+1, len(comparisons), c.Name, c.Shows)
		run.Comparisons = append(run.Comparisons, r.compare(ctx, c))
		run.Took = time.Since(run.Started)
		if r.Save != nil {
			if err := r.Save(run); err != nil {
				return run, err
			}
		}
		if ctx.Err() != nil {
			return run, fmt.Errorf("interrupted: %w", context.Cause(ctx))
		}
	}
	return run, nil
}

// compare measures the sides of a comparison in turns.
func (r Runner) compare(ctx context.Context, c Comparison) Result {
	result := Result{Name: c.Name, Shows: c.Shows, Metrics: c.Metrics, Repetitions: r.Repetitions,
		Load: loadAverage()}
	if c.Once {
		result.Repetitions = 1
	}
	started := time.Now()
	missing := map[string]bool{}
	for repetition := range result.Repetitions {
		for _, side := range c.Sides {
			if missing[side.Name] || ctx.Err() != nil {
				continue
			}
			samples, err := side.Measure(ctx, r.Lab)
			for _, s := range samples {
				result.Add(side.Name, s)
			}
			what := fmt.Sprintf("  %d/%d %s", repetition+1, result.Repetitions, side.Name)
			var lacks *lab.MissingError
			switch {
			case errors.As(err, &lacks):
				missing[side.Name] = true
				result.Row(side.Name).Missing = err.Error()
				r.say("%s: %v", what, err)
			case ctx.Err() != nil:
			case err != nil:
				row := result.Row(side.Name)
				row.Errors = append(row.Errors, err.Error())
				r.say("%s: FAILED: %v", what, err)
			default:
				r.say("%s: %s", what, describe(samples, c.Metrics))
			}
		}
	}
	result.Took = time.Since(started)
	result.Conclude(c.Claims)
	return result
}

func (r Runner) say(text string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(text, args...))
	}
}

// describe puts samples into a line.
func describe(samples []Sample, metrics []Metric) string {
	line := ""
	for _, s := range samples {
		if line != "" {
			line += "; "
		}
		if s.Row != "" {
			line += s.Row + ": "
		}
		sep := ""
		for _, m := range metrics {
			if value, ok := s.Values[m.Name]; ok {
				line += fmt.Sprintf("%s%s %s", sep, m.Name, Format(value, m.Unit))
				sep = ", "
			}
		}
	}
	return line
}
