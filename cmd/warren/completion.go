package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"warren/bench/compare"
	"warren/bench/suite"
)

// completeStacks proposes the stacks that have a Pulumi.<name>.yaml in the working directory.
func completeStacks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	files, _ := filepath.Glob("Pulumi.*.yaml") // the pattern is well-formed
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(file, "Pulumi."), ".yaml")
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFaults proposes faults, with what they do.
func completeFaults(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var proposals []string
	for _, f := range allFaults() {
		proposals = append(proposals, f.Name+"\t"+f.Description)
	}
	return proposals, cobra.ShellCompDirectiveNoFileComp
}

// completeComparisons proposes comparisons and groups of them.
func completeComparisons(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return compare.Names(suite.All()), cobra.ShellCompDirectiveNoFileComp
}

// complete registers what a flag is completed with. The flag must exist.
func complete(cmd *cobra.Command, flag string, proposals cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, proposals); err != nil {
		panic(err)
	}
}
