package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"warren/verify/remote"
	"warren/verify/scenario"
)

// elsewhere is a cluster that Warren has not made, and how it is broken.
type elsewhere struct {
	urls         []string
	inject, heal string
}

func (e *elsewhere) remoteFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&e.urls, "url", nil, "instead of a stack, verify the cluster that has an AMQP `URL`; "+
		"may be given many times, one for each node")
	flags.StringVar(&e.inject, "inject", "", "with --url, break the cluster by the shell command `CMD`; "+
		"without it, only traffic is judged")
	flags.StringVar(&e.heal, "heal", "", "the shell command `CMD` that undoes --inject")
	cmd.MarkFlagsRequiredTogether("inject", "heal")
	for _, other := range []string{"fault", "storage", "random", "overlap", "alerts"} {
		cmd.MarkFlagsMutuallyExclusive("url", other)
	}
}

// verifyElsewhere plays the one scenario that can be played on a cluster that Warren has not made.
func (v *verification) verifyElsewhere(ctx context.Context, out io.Writer) error {
	c := remote.Cluster{URIs: v.urls, Rate: v.rate, Size: v.size}
	if err := c.Validate(); err != nil {
		return err
	}
	printer := scenario.NewPrinter(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), 1)
	run, err := scenario.Suite{
		Runner: scenario.Runner{Rig: c, Limits: scenario.DefaultLimits(), Progress: printer.Show},
		Run:    c.Run(), Dir: v.report, Done: printer.Done,
	}.Play(ctx, slices.Values([]scenario.Scenario{
		scenario.Single(remote.ByCommands(v.inject, v.heal), max(v.duration, 10*time.Second)),
	}))
	return v.finish(ctx, out, run, err)
}

// errNoURL says that a command is to break a cluster that is not named.
var errNoURL = errors.New("--inject and --heal need --url: the faults of a stack are --fault")
