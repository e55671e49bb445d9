package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"warren/topology"
	"warren/verify/declare"
)

func newDeclare(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "declare",
		Short: "Declare the application's exchanges, queues and bindings",
		Long: "Declare the application's exchanges, queues and bindings, as far as they are not there.\n\n" +
			"What is there with other properties is left alone: nothing is declared, and the differences are shown.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			results, err := declare.Report(cmd.Context(), c, topology.DefaultApplication())
			if err != nil {
				return err
			}
			if opts.json {
				return printJSON(cmd.OutOrStdout(), slices.Concat([]declare.Result{}, results))
			}
			for _, result := range results {
				word := "present"
				if result.Created {
					word = "created"
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  %-8s  %s\n", word, result.Kind, result.Name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
