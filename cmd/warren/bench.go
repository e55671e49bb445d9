package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"warren/bench/compare"
	"warren/bench/lab"
	"warren/bench/present"
	"warren/bench/suite"
)

// errBenchFailed is what the command fails with when some measurement could not be made; the report says why.
var errBenchFailed = errors.New("some measurements failed")

// benchmarks is what the flags of the command say.
type benchmarks struct {
	*options
	only        []string
	list        bool
	repetitions int
	loadTime    time.Duration
	alarmTime   time.Duration
	cut         time.Duration
	report      string
}

func newBench(opts *options) *cobra.Command {
	b := &benchmarks{options: opts}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure throughput, outages and start-up, each next to what it is compared with",
		Long: "Bench measures every comparison in one run on this machine: each side in turns, several times " +
			"over.\nIt brings up clusters of its own, named bench-..., to compare with, and takes " +
			"them down again.\nLeave the machine alone while it runs, and stop other stacks: whatever else runs " +
			"is measured as well.",
		Example: "  warren bench\n  warren bench --only throughput --repetitions 3\n  warren bench --only " +
			"outage/leader-killed --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&b.only, "only", nil,
		"run only the comparison `NAME`, or the group of them; may be given many times")
	flags.BoolVar(&b.list, "list", false, "list the comparisons and end")
	flags.IntVar(&b.repetitions, "repetitions", 5, "how often each side is measured")
	flags.DurationVar(&b.loadTime, "load-time", 3*time.Second, "how long each measurement of throughput takes")
	flags.DurationVar(&b.cut, "cut", 20*time.Second,
		"how long a leader is cut off from its peers; longer outages than this show as this")
	flags.DurationVar(&b.alarmTime, "alarm-time", 10*time.Minute, "how long to watch for false alarms")
	flags.StringVar(&b.report, "report", "report", "folder to write the report to")
	complete(cmd, "only", completeComparisons)
	return cmd
}

func (b *benchmarks) run(ctx context.Context, out io.Writer) error {
	comparisons, err := compare.Select(suite.All(), b.only)
	switch {
	case err != nil:
		return err
	case b.list:
		return present.PrintList(out, comparisons)
	case b.repetitions < 1:
		return fmt.Errorf("--repetitions %d: must be at least 1", b.repetitions)
	case b.loadTime <= 0 || b.alarmTime <= 0 || b.cut <= 0:
		return errors.New("--load-time, --alarm-time and --cut must be more than 0")
	}
	c, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.TLS() != nil {
		return fmt.Errorf("stack %s has TLS, and the clients that it is compared with have not: measure one with "+
			"warren:tls off",
			c.Stack())
	}
	place := lab.NewLab(c, lab.Settings{LoadTime: b.loadTime, AlarmTime: b.alarmTime, Cut: b.cut,
		Warn: func(err error) { fmt.Fprintln(os.Stderr, "warren: clean up:", err) }})
	defer place.Close(ctx)
	runner := compare.Runner{Lab: place, Repetitions: b.repetitions,
		Progress: func(line string) { fmt.Fprintln(os.Stderr, line) },
		Save:     func(r compare.Run) error { return present.Write(b.report, r) }}
	run, err := runner.Run(ctx, comparisons)
	if err != nil {
		return err
	}
	if b.json {
		err = present.PrintJSON(out, run)
	} else if err = present.Print(out, run); err == nil {
		_, err = fmt.Fprintf(out, "\nThe report is in %s.\n", filepath.Join(b.report, present.HTMLFile))
	}
	if err == nil && run.Failed() {
		err = errBenchFailed
	}
	return err
}
