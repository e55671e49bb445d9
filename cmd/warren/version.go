package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"warren/cmd/warren/internal/build"
)

func newVersion(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := build.Read()
			if opts.json {
				return printJSON(cmd.OutOrStdout(), b)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "warren %s (%s)\n", b.Revision, b.Go)
			return err
		},
	}
}
