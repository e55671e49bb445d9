package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"warren/cmd/warren/internal/show"
	"warren/operate/doctor"
	"warren/operate/health"
	"warren/verify/fault"
)

// healTimeout bounds `warren doctor --heal`, which may have to start every node.
const healTimeout = 5 * time.Minute

func newDoctor(opts *options) *cobra.Command {
	var heal bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong, what it means, and which commands fix it",
		Long: "Say what is wrong with the cluster, what it means, and which commands fix it.\n\nThe exit status " +
			"is 1 if anything was found, warnings included. With --heal, first undo whatever an " +
			"interrupted\n`warren verify` has left: packet filters, paused or stopped containers, limits, cookies.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := opts.open(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			if heal {
				ctx, cancel := context.WithTimeout(ctx, healTimeout)
				defer cancel()
				if err := fault.HealAll(ctx, c); err != nil {
					return err
				}
				if err := health.WaitHealthy(ctx, c); err != nil {
					// The diagnoses below say it better.
					fmt.Fprintln(cmd.ErrOrStderr(), "healed what faults had left; the cluster has not recovered yet")
				}
			}
			examination, err := doctor.Examine(ctx, c, fault.DescribeLeftovers)
			if err != nil {
				return err
			}
			diagnoses := doctor.Diagnose(examination)
			if opts.json {
				err = printJSON(cmd.OutOrStdout(), slices.Concat([]doctor.Diagnosis{}, diagnoses))
			} else {
				err = show.Diagnoses(cmd.OutOrStdout(), diagnoses)
			}
			if err == nil && len(diagnoses) > 0 {
				err = errDiagnosed
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&heal, "heal", false, "first undo what an interrupted warren verify has left")
	return cmd
}

// errDiagnosed makes the exit status say what the diagnoses have said already.
var errDiagnosed = errors.New("the doctor found something")
