package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"warren/operate/application"
)

func newExport(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print what the cluster has as an application's file, without passwords",
		Long: "Print the virtual hosts, users, rights, limits, exchanges, queues, bindings, parameters and " +
			"policies of\nthe running cluster as a file that `warren declare` and `warren restore` read. Messages " +
			"are not in it.\n\nIt has no passwords: users are written without, and passwords in addresses as " +
			"${NAME}. The stack's own\nusers are left out.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			state, err := application.Look(cmd.Context(), c)
			if err != nil {
				return err
			}
			text, err := state.Export()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func newRestore(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE...",
		Short: "Bring an exported application into an empty cluster",
		Long: "Declare what `warren export` wrote in a cluster that has nothing of its own yet. A cluster that " +
			"has is\nleft alone: use `warren declare FILE` there.\n\n" +
			"Users whose password the stack does not know get a random one, with which nobody can log in " +
			"until it is\nchanged.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			state, err := application.Look(cmd.Context(), c)
			if err != nil {
				return err
			}
			if there := state.Foreign(); len(there) > 0 {
				return fmt.Errorf("the cluster is not empty: it has %s; use `warren declare` to add to it",
					strings.Join(there, ", "))
			}
			desired, err := desiredBy(state, files)
			if err != nil {
				return err
			}
			results, err := state.Apply(cmd.Context(), desired, application.Options{
				Passwords: application.Fallback(passwords(c), desired),
			})
			return errors.Join(opts.printResults(cmd.OutOrStdout(), results), err)
		},
	}
}
