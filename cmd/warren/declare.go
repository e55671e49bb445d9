package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"warren/operate/application"
	"warren/operate/cluster"
	"warren/operate/stack"
	"warren/topology"
	definition "warren/topology/application"
	"warren/topology/application/appfile"
)

// errDrift says that a cluster does not have what the application's files say.
var errDrift = errors.New("the cluster differs from the application's files: `warren declare` declares them")

type declareFlags struct {
	check, prune, restoreUsers bool
}

func newDeclare(opts *options) *cobra.Command {
	var flags declareFlags
	command := &cobra.Command{
		Use:   "declare [FILE...]",
		Short: "Declare the application: virtual hosts, users, queues, policies and all else in its files",
		Long: "Declare the application in the stack's files, or in those that are named: virtual hosts, " +
			"users and\ntheir rights, limits, exchanges, queues, bindings, parameters and policies.\n\n" +
			"What exists already stays as it is. Policies, limits and rights that differ are changed.\n" +
			"Exchanges and queues can't change: if one differs, nothing is declared, and the differences are " +
			"shown.\nWhat the files do not name is never touched, unless an earlier version of them did and --prune " +
			"is given.\n\nWith --check, nothing is changed; the exit status is 1 if the cluster differs from " +
			"the files.",
		RunE: func(cmd *cobra.Command, files []string) error { return opts.declare(cmd, flags, files) },
	}
	command.Flags().BoolVar(&flags.check, "check", false,
		"change nothing, and exit with 1 if there is something to do")
	command.Flags().BoolVar(&flags.prune, "prune", false,
		"remove what earlier files had and these don't; refused where messages or consumers are")
	command.Flags().BoolVar(&flags.restoreUsers, "restore-users", false,
		"restore users that were deleted by hand, and passwords that were changed by hand")
	command.MarkFlagsMutuallyExclusive("check", "prune")
	command.MarkFlagsMutuallyExclusive("check", "restore-users")
	return command
}

func (o *options) declare(cmd *cobra.Command, flags declareFlags, files []string) error {
	c, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	if len(files) == 0 {
		files = stackFiles(c)
	}
	state, err := application.Look(cmd.Context(), c)
	if err != nil {
		return err
	}
	desired, err := desiredBy(state, files)
	if err != nil {
		return err
	}
	if flags.check {
		return o.check(cmd.OutOrStdout(), definition.Diff(desired, state.Actual, state.Owned, passwords(c)))
	}
	results, err := state.Apply(cmd.Context(), desired, application.Options{
		Passwords: passwords(c), Prune: flags.prune, RestoreUsers: flags.restoreUsers,
	})
	return errors.Join(o.printResults(cmd.OutOrStdout(), results), err)
}

// passwords are those that the stack has for the application's users.
func passwords(c *cluster.Cluster) map[string]string {
	result := map[string]string{}
	for name, user := range c.Outputs().Users {
		result[name] = user.Password
	}
	return result
}

// stackFiles are the files of the stack's application, found in the project's folder or else the working one.
func stackFiles(c *cluster.Cluster) []string {
	project, err := stack.Project(".")
	if err != nil {
		project = "."
	}
	names := c.Outputs().Application
	if names == nil { // the stack was brought up by an older version
		names = []string{topology.DefaultApplicationFile}
	}
	var files []string
	for _, file := range names {
		files = append(files, filepath.Join(project, file))
	}
	return files
}

// desiredBy reads an application for the cluster whose state it is given.
func desiredBy(state *application.State, files []string) (*definition.Application, error) {
	var sources []appfile.Source
	for _, file := range files {
		text, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the application: %w", err)
		}
		sources = append(sources, appfile.Source{Name: shortest(file), Text: text})
	}
	target, err := state.Target()
	if err != nil {
		return nil, err
	}
	app, err := appfile.Parse(target, sources...)
	if err != nil {
		return nil, err
	}
	return app.Fill(os.LookupEnv)
}

// readFile reads a file, or standard input for "-".
func readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

// shortest is a file's name as somebody in the working directory would write it.
func shortest(file string) string {
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	relative, err := filepath.Rel(here, absolute)
	if err != nil || len(relative) > len(file) {
		return file
	}
	return relative
}

// drift is what --check tells programs.
type drift struct {
	definition.ID
	Verb        definition.Verb         `json:"verb"`
	Differences []definition.Difference `json:"differences,omitempty"`
}

// check tells what a declaration would do.
func (o *options) check(w io.Writer, plan definition.Plan) error {
	drifts := []drift{}
	for _, change := range plan.Changes {
		drifts = append(drifts, drift{change.ID, change.Verb, change.Differences})
	}
	if o.json {
		if err := printJSON(w, drifts); err != nil {
			return err
		}
	} else {
		for _, d := range drifts {
			if err := printLine(w, string(d.Verb), d.ID, "", d.Differences); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "%d as they should be, %s\n", len(plan.Present), plan.Summary()); err != nil {
			return err
		}
	}
	if len(drifts) > 0 {
		return errDrift
	}
	return nil
}

// printResults prints what became of each thing; what was there already is only counted.
func (o *options) printResults(w io.Writer, results []application.Result) error {
	if o.json {
		return printJSON(w, slices.Concat([]application.Result{}, results))
	}
	present := 0
	for _, r := range results {
		if r.Done == application.Present {
			present++
			continue
		}
		if err := printLine(w, string(r.Done), r.ID, r.Reason, r.Differences); err != nil {
			return err
		}
	}
	if present == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "present  %d\n", present)
	return err
}

func printLine(
	w io.Writer, word string, id definition.ID, reason string, differences []definition.Difference,
) error {
	if reason != "" {
		reason = ": " + reason
	}
	if _, err := fmt.Fprintf(w, "%-7s  %s%s\n", word, id, reason); err != nil {
		return err
	}
	for _, d := range differences {
		if _, err := fmt.Fprintf(w, "         %s: %s, wanted %s\n", d.Property, d.Found, d.Want); err != nil {
			return err
		}
	}
	return nil
}
