package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
)

// Help shows what is in backquotes in a flag's description as the name of its value. So a flag without a
// value must have none, and a name is one word.
func TestHelpNamesValuesOfFlags(t *testing.T) {
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			assert.Empty(t, misnamed(f), "%s --%s", cmd.CommandPath(), f.Name)
		})
	})
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Bool("heal", false, "undo what `warren verify` has left")
	assert.NotEmpty(t, misnamed(flags.Lookup("heal")))
}

// Help is read in a terminal.
func TestHelpFitsATerminal(t *testing.T) {
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.UsageString(), "\n") {
			assert.LessOrEqual(t, len(line), 110, "%s: %s", cmd.CommandPath(), line)
		}
	})
}

// misnamed says what is wrong with the name of a flag's value, or nothing.
func misnamed(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	switch {
	case f.Value.Type() == "bool" && name != "":
		return "takes no value, and has the name " + name + " for it"
	case strings.Contains(name, " "):
		return "has more than a word for its value: " + name
	}
	return ""
}

func eachCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, visit)
	}
}
